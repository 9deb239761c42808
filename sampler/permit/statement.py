"""What a machine's owner is asked to agree to: a TOML file that is enforced, beside a Markdown text that is read.

The TOML has ``id``, ``version``, ``title``, a table ``scopes`` (scope = what it is for) and for each scope that has
fields a table ``fields.SCOPE`` (field or ``"prefix.*"`` = treatment). Anything else in it is an error. One digest
covers both files, so that neither can be exchanged under a given consent.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from sampler.errors import ConsentError
from sampler.limits import STATEMENT_MAX_BYTES
from sampler.model import Scope, StatementRef
from sampler.permit.treatments import Treatment

_SHIPPED: Final = ("basic", "extended")
_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_FIELD_OR_PREFIX: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*(\.\*)?")
_FIELD_MAX_CHARACTERS: Final = 128
_VERSION_MAX: Final = 2**63 - 1
"""What a manifest's reader takes as a whole number."""
_KEYS: Final = frozenset({"id", "version", "title", "scopes", "fields"})


@dataclass(frozen=True, slots=True)
class FieldRule:
    """The line of a statement that decides about a field."""

    pattern: str
    """The field's name, or the prefix that it falls under."""
    treatment: Treatment
    scope: Scope


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, read and found sound. Only ``parse_statement`` and ``shipped_statement`` make one."""

    id: str
    version: int
    title: str
    purposes: Mapping[Scope, str]
    """What each scope is for, in one line."""
    rules: Mapping[str, FieldRule] = field(repr=False)
    """By field name or ``prefix.*``."""
    digest: str
    """SHA-256 over both files, lower-case hexadecimal."""
    data: bytes = field(repr=False)
    """The TOML, as it was read."""
    text: str = field(repr=False)
    """The Markdown."""

    @property
    def scopes(self) -> frozenset[Scope]:
        """What can be accepted under it."""
        return frozenset(self.purposes)

    @property
    def fields(self) -> Mapping[str, Treatment]:
        """Field name or ``prefix.*`` to treatment."""
        return {pattern: rule.treatment for pattern, rule in self.rules.items()}

    @property
    def ref(self) -> StatementRef:
        """What names it in consents, parcels and manifests."""
        return StatementRef(self.id, self.version, self.digest)

    def rule_for(self, name: str) -> FieldRule | None:
        """The line that decides about a field: its own, else that of its longest prefix; ``None``: it is not listed."""
        if len(name) > _FIELD_MAX_CHARACTERS or _FIELD.fullmatch(name) is None:
            return None
        if name in self.rules:
            return self.rules[name]
        while name:
            name = name.rpartition(".")[0]
            if f"{name}.*" in self.rules:
                return self.rules[f"{name}.*"]
        return None


def parse_statement(data: bytes, text: bytes) -> Statement:
    """A statement from its TOML and its Markdown.

    Raises:
        ConsentError: it is not sound; the message names what is wrong and where.
    """
    if max(len(data), len(text)) > STATEMENT_MAX_BYTES:
        raise ConsentError(f"statement: one of its files has more than {STATEMENT_MAX_BYTES} bytes")
    try:
        document, markdown = tomllib.loads(data.decode("utf-8")), text.decode("utf-8")
    except (ValueError, RecursionError) as error:  # tomllib lets int()'s own through for thousands of digits
        raise ConsentError(f"statement: cannot be read: {error}") from error
    _only(_KEYS, document, "statement")
    purposes = _purposes(_table(document, "scopes"))
    return Statement(
        id=_matching(document, "id", _ID),
        version=_version(document),
        title=_text(document, "title"),
        purposes=MappingProxyType(purposes),
        rules=MappingProxyType(_rules(_table(document, "fields"), frozenset(purposes))),
        digest=digest_of(data, text),
        data=data,
        text=markdown,
    )


def digest_of(data: bytes, text: bytes) -> str:
    """SHA-256 over both files, each behind its length (8 bytes, big-endian)."""
    digest = hashlib.sha256()
    for part in (data, text):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def shipped_names() -> tuple[str, ...]:
    """The statements that ship with Sampler, the narrowest first."""
    return _SHIPPED


def shipped_statement(name: str) -> Statement:
    """One of ``shipped_names()``.

    Raises:
        ConsentError: there is none of that name.
    """
    if name not in _SHIPPED:
        raise ConsentError(f"no statement {name!r} ships with Sampler; there are {', '.join(_SHIPPED)}")
    folder = resources.files("sampler.permit") / "statements"
    return parse_statement((folder / f"{name}.toml").read_bytes(), (folder / f"{name}.md").read_bytes())


def _purposes(table: Mapping[str, Any]) -> dict[Scope, str]:
    _only(frozenset(Scope), table, "statement: scopes")
    return {Scope(name): _text(table, name) for name in table}


def _rules(tables: Mapping[str, Any], scopes: frozenset[Scope]) -> dict[str, FieldRule]:
    _only(frozenset(scopes), tables, "statement: fields")
    rules: dict[str, FieldRule] = {}
    for scope in tables:
        for pattern, treatment in _table(tables, scope).items():
            if pattern in rules:
                raise ConsentError(
                    f"statement: field {pattern!r} stands under {rules[pattern].scope} and under {scope}"
                )
            rules[pattern] = _rule(pattern, treatment, Scope(scope))
    return rules


def _rule(pattern: str, treatment: Any, scope: Scope) -> FieldRule:
    if len(pattern) > _FIELD_MAX_CHARACTERS or not _FIELD_OR_PREFIX.fullmatch(pattern):
        raise ConsentError(f"statement: {pattern!r} under {scope} is neither a field name nor a prefix like file.pe.*")
    if treatment not in list(Treatment):
        known = ", ".join(Treatment)
        raise ConsentError(f"statement: unknown treatment {_shown(treatment)} of {pattern}; there are {known}")
    return FieldRule(pattern, Treatment(treatment), scope)


def _only(known: frozenset[str], table: Mapping[str, Any], where: str) -> None:
    for key in table:
        if key not in known:
            raise ConsentError(f"{where}: unknown key {key!r}; known here: {', '.join(sorted(known))}")


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = table.get(key)
    if not isinstance(value, dict):
        raise ConsentError(f"statement: {key} is to be a table")
    return value


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ConsentError(f"statement: {key} is to be a text that is not empty")
    return value


def _matching(table: Mapping[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    value = _text(table, key)
    if not pattern.fullmatch(value):
        raise ConsentError(f"statement: {key} {value!r} is to match {pattern.pattern}")
    return value


def _version(table: Mapping[str, Any]) -> int:
    value = table.get("version")
    if type(value) is not int or not 1 <= value <= _VERSION_MAX:
        raise ConsentError(f"statement: version is to be a whole number from 1 to {_VERSION_MAX}, not {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    """A value for a message; Python writes no number of thousands of digits, which TOML can hold."""
    try:
        return repr(value)
    except ValueError:
        return "a number of thousands of digits"
