"""Text without secrets and without people, by what it is: a path, free text, arguments, a command line, an address.

Which piece of it does what: ``tokens`` and ``credentials`` know secrets, ``mail``, ``addresses``, ``machines``,
``cards`` and ``identities`` what their names say, ``templating`` homes, ``names`` the machine's own names. All
functions are idempotent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from sampler.permit.accounts import names_nobody
from sampler.permit.addresses import is_private, redact_addresses
from sampler.permit.arguments import redact_each
from sampler.permit.cards import redact_cards
from sampler.permit.command_splitting import split_command_line
from sampler.permit.credentials import redact_secrets
from sampler.permit.identities import redact_identities, redact_security_identifiers
from sampler.permit.machines import redact_machines, redact_said_machines, redact_share_path, redact_shares
from sampler.permit.mail import redact_mail
from sampler.permit.names import PLACEHOLDER, SECRET, USER, HostNames
from sampler.permit.settling import settle
from sampler.permit.templating import template_path, template_path_once, template_text
from sampler.permit.tokens import redact_tokens
from sampler.permit.urls import redact_urls_within

_WHOLE_PATH: Final = re.compile(r"/(?!/)|\\\\|[a-z]:[\\/]", re.IGNORECASE)
_SAID_USER: Final = re.compile(
    r"((?<![\w-])(?:[\w.-]{0,16}user(?:[._-]?name)?|logname|login|acct)[\"']?(?:=|(?<=[\"'])\s?:\s?)[\"']?)"
    rf"(?!{PLACEHOLDER})([^\s\"'&;,/\\]+)",
    re.IGNORECASE,
)
_IN_DOMAIN: Final = re.compile(
    r"(?<![\w\\/:.~%-])((?!HK|AUTHORITY|BUILTIN|SYSTEM|WINDOWS|TEMP|BIN|SRC|LIB)[A-Z][A-Z0-9_-]{1,14}\\)"
    r"(?!~)(?![\w.$-]{1,64}\.(?:exe|dll|sys|bat|cmd|ps1|vbs|js|lnk|txt|log|dat|ini|cfg|xml|json|tmp|zip|msi|scr)\b)"
    r"(?=[A-Z0-9_.$-]{0,64}[^\WA-Z\d_])([\w.$-]{1,64})(?![\w.$\\/-])"
)
"""``DOMAIN\\NAME`` in a text, and neither a registry key nor a path."""
_NESTED_MAX_COUNT: Final = 3
"""Command lines within command lines."""


def redact_text(text: str, host: HostNames) -> str:
    """Free text: secrets, mail and private addresses, numbers of people, URLs' private parts, home folders, names."""
    return settle(lambda value: _redact_once(value, host), text, hopeless=SECRET)


def redact_path(path: str, host: HostNames) -> str:
    """One path, whole: templated, and without tokens, mail and private addresses and names of other machines."""
    return settle(lambda value: _redact_path_once(value, host), path, hopeless=SECRET)


def redact_arguments(arguments: tuple[str, ...], host: HostNames) -> tuple[str, ...]:
    """A program's arguments, its own name first; as many come out as went in."""
    return _redact_arguments(arguments, host, _NESTED_MAX_COUNT)


def redact_command_line(line: str, host: HostNames) -> str:
    """A command line, taken apart and put together again; arguments that do not change keep their quotes."""
    return _redact_line(line, host, _NESTED_MAX_COUNT)


def redact_address(address: str) -> str | None:
    """A public IP address, or ``None`` for a private one and for what is none."""
    return address if is_private(address) is False else None


def _redact_once(text: str, host: HostNames) -> str:
    return redact_urls_within(redact_tokens(text), host, lambda rest: template_text(_without_signs(rest), host))


def _without_signs(text: str) -> str:
    """What can be told by its form or by a word before it; names that only this machine knows come after."""
    text = redact_mail(redact_secrets(text))
    for treat in (redact_addresses, redact_identities, redact_security_identifiers, redact_cards, redact_machines):
        text = treat(text)
    for said in (_SAID_USER, _IN_DOMAIN):
        text = said.sub(lambda match: match[0] if names_nobody(match[2]) else match[1] + USER, text)
    return text


def _redact_path_once(path: str, host: HostNames) -> str:
    path = template_path_once(redact_share_path(path), host)
    for treat in (redact_tokens, redact_mail, redact_addresses, redact_security_identifiers, redact_said_machines):
        path = treat(path)
    return redact_shares(path)


def _redact_arguments(arguments: tuple[str, ...], host: HostNames, depth: int) -> tuple[str, ...]:
    def once(values: tuple[str, ...]) -> tuple[str, ...]:
        return redact_each(values, lambda text: _redact_argument(text, host), _nested(host, depth))

    return settle(once, arguments, hopeless=(SECRET,) * len(arguments))


def _redact_line(line: str, host: HostNames, depth: int) -> str:
    def once(text: str) -> str:
        command = split_command_line(text)
        return command.rejoined(_redact_arguments(command.arguments, host, depth))

    return settle(once, line, hopeless=SECRET)


def _nested(host: HostNames, depth: int) -> Callable[[str], str]:
    if depth <= 0:
        return lambda text: SECRET
    return lambda text: redact_text(_redact_line(text, host, depth - 1), host)


def _redact_argument(argument: str, host: HostNames) -> str:
    name, separator, value = argument.partition("=")
    if separator and _WHOLE_PATH.match(value):
        return redact_text(f"{name}{separator}{template_path(value, host)}", host)
    return redact_text(template_path(argument, host) if _WHOLE_PATH.match(argument) else argument, host)
