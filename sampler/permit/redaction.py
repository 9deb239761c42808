"""Text without secrets and without people: arguments one by one, URLs, addresses, free text.

Each argument is redacted by itself, never a joined command line, whose blanks may stand anywhere. All functions are
idempotent.
"""

from __future__ import annotations

import re
import shlex
from typing import Final

from sampler.permit.addresses import is_private, redact_addresses
from sampler.permit.credentials import announces_secret, redact_secrets, without_own_secret
from sampler.permit.names import SECRET, HostNames
from sampler.permit.settling import settle
from sampler.permit.templating import template_path, template_text
from sampler.permit.urls import redact_urls_within

_WHOLE_PATH: Final = re.compile(r"/(?!/)|\\\\|[a-z]:[\\/]", re.IGNORECASE)


def redact_text(text: str, host: HostNames) -> str:
    """Free text: secrets, mail and private addresses, URLs' private parts, home folders, names."""
    return settle(lambda value: _redact_once(value, host), text, hopeless=SECRET)


def redact_arguments(arguments: tuple[str, ...], host: HostNames) -> tuple[str, ...]:
    """A program's arguments, its own name first; as many come out as went in."""
    return settle(lambda values: _redact_arguments_once(values, host), arguments, hopeless=(SECRET,) * len(arguments))


def redact_command_line(line: str, host: HostNames) -> str:
    """A command line, taken apart and put together again as a POSIX shell would."""
    try:
        arguments = shlex.split(line)
    except ValueError:
        arguments = line.split()
    return shlex.join(redact_arguments(tuple(arguments), host))


def redact_address(address: str) -> str | None:
    """A public IP address, or ``None`` for a private one and for what is none."""
    return address if is_private(address) is False else None


def _redact_once(text: str, host: HostNames) -> str:
    return redact_urls_within(text, host, lambda rest: template_text(redact_addresses(redact_secrets(rest)), host))


def _redact_arguments_once(arguments: tuple[str, ...], host: HostNames) -> tuple[str, ...]:
    program = arguments[0].rpartition("/")[2] if arguments else ""
    before = ("", *arguments)
    return tuple(
        SECRET if announces_secret(previous, argument) else _redact_argument(argument, program, host)
        for previous, argument in zip(before, arguments, strict=False)
    )


def _redact_argument(argument: str, program: str, host: HostNames) -> str:
    own = without_own_secret(argument, program)
    name, separator, value = own.partition("=")
    if separator and _WHOLE_PATH.match(value):
        return redact_text(f"{name}{separator}{template_path(value, host)}", host)
    return redact_text(template_path(own, host) if _WHOLE_PATH.match(own) else own, host)
