"""Reading a statement's two files: the TOML that is enforced, and the Markdown that people read.

The TOML has ``id``, ``version``, ``title``, ``region``, ``recipients``, ``retention_days``; a table ``scopes`` (scope =
what it is for); for each scope that has fields a table ``fields.SCOPE`` (field or ``"prefix.*"`` = treatment); with the
scope ``statistics`` a table ``statistics`` with its ``threshold``; and if wanted ``separate`` and ``expires``. Anything
else in it is an error. One digest covers both files, so that neither can be exchanged under a given consent.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from sampler.errors import ConsentError
from sampler.limits import (
    RECIPIENTS_MAX_COUNT,
    RETENTION_MAX_DAYS,
    STATEMENT_MAX_BYTES,
    STATISTICS_THRESHOLD_MAX_COUNT,
    STATISTICS_THRESHOLD_MIN_COUNT,
    TEXT_MAX_CHARACTERS,
)
from sampler.model import Scope
from sampler.permit.statement import FIELD_MAX_CHARACTERS, FieldRule, Region, Statement
from sampler.permit.treatments import Treatment

_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_FIELD_OR_PREFIX: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*(\.\*)?")
_VERSION_MAX: Final = 2**63 - 1
"""What a manifest's reader takes as a whole number."""
_KEYS: Final = frozenset(
    {
        "id",
        "version",
        "title",
        "region",
        "recipients",
        "retention_days",
        "expires",
        "separate",
        "scopes",
        "fields",
        "statistics",
    }
)


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
        version=_number(document, "version", 1, _VERSION_MAX),
        title=_text(document, "title"),
        region=_region(document),
        recipients=_recipients(document),
        retention_days=_number(document, "retention_days", 0, RETENTION_MAX_DAYS),
        expires=_expires(document),
        purposes=MappingProxyType(purposes),
        separate=_separate(document, frozenset(purposes)),
        statistics_threshold=_threshold(document, frozenset(purposes)),
        rules=MappingProxyType(_rules(_table(document, "fields"), frozenset(purposes))),
        digest=digest_of(data, text),
        data=data,
        text=markdown,
    )


def digest_of(data: bytes, text: bytes) -> str:
    """SHA-256 over both files, lower-case hexadecimal."""
    return hashlib.sha256(digest_input(data, text)).hexdigest()


def digest_input(data: bytes, text: bytes) -> bytes:
    """Both files, each behind its length (8 bytes, big-endian): what the digest is over, and what is signed."""
    return b"".join(len(part).to_bytes(8, "big") + part for part in (data, text))


def _purposes(table: Mapping[str, Any]) -> dict[Scope, str]:
    _only(frozenset(Scope), table, "statement: scopes")
    return {Scope(name): _text(table, name) for name in table}


def _region(document: Mapping[str, Any]) -> Region:
    value = document.get("region")
    if value not in list(Region):
        raise ConsentError(f"statement: unknown region {_shown(value)}; there are {', '.join(Region)}")
    return Region(value)


def _recipients(document: Mapping[str, Any]) -> tuple[str, ...]:
    texts = _texts(document, "recipients")
    if not 0 < len(texts) <= RECIPIENTS_MAX_COUNT:
        raise ConsentError(f"statement: recipients are to be 1 to {RECIPIENTS_MAX_COUNT} texts")
    return texts


def _separate(document: Mapping[str, Any], scopes: frozenset[Scope]) -> frozenset[Scope]:
    texts = _texts(document, "separate") if "separate" in document else ()
    for name in texts:
        if name not in scopes:
            raise ConsentError(f"statement: separate: {name!r} is no scope of it; it has {', '.join(sorted(scopes))}")
    return frozenset(Scope(name) for name in texts)


def _threshold(document: Mapping[str, Any], scopes: frozenset[Scope]) -> int | None:
    if ("statistics" in document) != (Scope.STATISTICS in scopes):
        raise ConsentError("statement: a table statistics with its threshold goes with the scope statistics")
    if "statistics" not in document:
        return None
    table = _table(document, "statistics")
    _only(frozenset({"threshold"}), table, "statement: statistics")
    return _number(table, "threshold", STATISTICS_THRESHOLD_MIN_COUNT, STATISTICS_THRESHOLD_MAX_COUNT)


def _expires(document: Mapping[str, Any]) -> date | None:
    value = document.get("expires")
    if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
        raise ConsentError(f"statement: expires is to be a day like 2027-12-31, not {_shown(value)}")
    return value


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
    if len(pattern) > FIELD_MAX_CHARACTERS or not _FIELD_OR_PREFIX.fullmatch(pattern):
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
    if not isinstance(value, str) or not value.strip() or len(value) > TEXT_MAX_CHARACTERS:
        raise ConsentError(f"statement: {key} is to be a text of 1 to {TEXT_MAX_CHARACTERS} characters")
    return value


def _texts(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key)
    if not isinstance(value, list):
        raise ConsentError(f"statement: {key} is to be a list of texts")
    return tuple(_text({key: text}, key) for text in value)


def _matching(table: Mapping[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    value = _text(table, key)
    if not pattern.fullmatch(value):
        raise ConsentError(f"statement: {key} {value!r} is to match {pattern.pattern}")
    return value


def _number(table: Mapping[str, Any], key: str, least: int, most: int) -> int:
    value = table.get(key)
    if type(value) is not int or not least <= value <= most:
        raise ConsentError(f"statement: {key} is to be a whole number from {least} to {most}, not {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    """A value for a message; Python writes no number of thousands of digits, which TOML can hold."""
    try:
        return repr(value)
    except ValueError:
        return "a number of thousands of digits"
