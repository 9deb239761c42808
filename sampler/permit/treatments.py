"""What can be done to a field before it leaves: a closed set, one function each, all idempotent."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Final

from sampler.model import Field, FieldValue
from sampler.permit.accounts import SYSTEM_ACCOUNTS
from sampler.permit.names import HostNames
from sampler.permit.redaction import redact_address, redact_arguments, redact_command_line, redact_path, redact_text
from sampler.permit.urls import redact_url

TRUNCATED_MAX_CHARACTERS: Final = 256
_PSEUDONYM_PREFIX: Final = "~p_"
_PSEUDONYM: Final = re.compile(r"~p_[0-9a-f]{16}")
_FIRST_PERSON: Final = 1000
"""Accounts from this number on are people's (Debian policy, section 9.2.2)."""
_NOBODY: Final = frozenset({65533, 65534})
_CLASSES: Final = frozenset({"root", "system", "person"})
_NUMBER_MAX_DIGITS: Final = 10
"""Of a user or group identifier, 32 bits."""


class Treatment(StrEnum):
    """What a statement says is done to a field."""

    KEEP = "keep"
    """It leaves as it is."""
    DROP = "drop"
    """It does not leave."""
    TEMPLATE = "template"
    """A path, without home folders and names of people."""
    REDACT = "redact"
    """Text, arguments or a URL, without secrets, names and private addresses."""
    PSEUDONYM = "pseudonym"
    """Keyed hash of a name; the key stays on the machine."""
    TRUNCATE = "truncate"
    """Its first ``TRUNCATED_MAX_CHARACTERS`` characters."""
    CLASS = "class"
    """``root``, ``system`` or ``person`` in place of an account."""


def apply(treatment: Treatment, field: Field, host: HostNames) -> Field | None:
    """The field as it may leave, or ``None`` when nothing of it may."""
    value = _FUNCTIONS[treatment](field, host)
    return None if value is None else replace(field, value=value)


def _keep(field: Field, host: HostNames) -> FieldValue | None:
    return field.value


def _drop(field: Field, host: HostNames) -> FieldValue | None:
    return None


def _template(field: Field, host: HostNames) -> FieldValue | None:
    return _each_text(field.value, lambda text: redact_path(text, host))


def _redact(field: Field, host: HostNames) -> FieldValue | None:
    value, kind = field.value, field.name.rpartition(".")[2]
    if isinstance(value, tuple) and kind == "args":
        return redact_arguments(value, host)
    if isinstance(value, str) and (kind == "url" or kind.endswith("_url")):
        return redact_url(value, host)
    if isinstance(value, str) and kind in ("ip", "address"):
        return redact_address(value)
    if isinstance(value, str) and kind in ("command_line", "arguments"):
        return redact_command_line(value, host)
    return _each_text(value, lambda text: redact_text(text, host))


def _pseudonym(field: Field, host: HostNames) -> FieldValue | None:
    return _each_text(_as_text(field.value), lambda name: _pseudonym_of(name, host))


def _truncate(field: Field, host: HostNames) -> FieldValue | None:
    return _each_text(field.value, lambda text: text[:TRUNCATED_MAX_CHARACTERS])


def _class(field: Field, host: HostNames) -> FieldValue | None:
    value = field.value
    if isinstance(value, int):
        return _class_of_number(value)
    return _each_text(_as_text(value), lambda name: _class_of_name(name, host))


_FUNCTIONS: Final[Mapping[Treatment, Callable[[Field, HostNames], FieldValue | None]]] = {
    Treatment.KEEP: _keep,
    Treatment.DROP: _drop,
    Treatment.TEMPLATE: _template,
    Treatment.REDACT: _redact,
    Treatment.PSEUDONYM: _pseudonym,
    Treatment.TRUNCATE: _truncate,
    Treatment.CLASS: _class,
}


def _as_text(value: FieldValue) -> str | tuple[str, ...]:
    return value if isinstance(value, (str, tuple)) else str(value)


def _each_text(value: FieldValue, treat: Callable[[str], str]) -> FieldValue:
    """Treat a text or each of several; numbers and truth values hold no text."""
    if isinstance(value, str):
        return treat(value)
    return tuple(treat(text) for text in value) if isinstance(value, tuple) else value


def _pseudonym_of(name: str, host: HostNames) -> str:
    if _PSEUDONYM.fullmatch(name) or _is_common(name, host):
        return name
    tag = hmac.new(host.pseudonym_key, name.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return _PSEUDONYM_PREFIX + tag.hexdigest()[:16]


def _is_common(name: str, host: HostNames) -> bool:
    return name in _CLASSES | SYSTEM_ACCOUNTS and name not in host.users


def _class_of_number(number: int) -> str:
    if number == 0:
        return "root"
    return "person" if number >= _FIRST_PERSON and number not in _NOBODY else "system"


def _class_of_name(name: str, host: HostNames) -> str:
    if name in _CLASSES:
        return name
    if name.isascii() and name.isdecimal() and len(name) <= _NUMBER_MAX_DIGITS:  # ECS has identifiers as text
        return _class_of_number(int(name))
    return "system" if _is_common(name, host) else "person"
