"""What a machine's owner is asked to agree to: which data, how treated, for what, seen by whom, and kept how long.

A statement is a value of this module once ``statement_file`` has read it and found it sound. It decides nothing by
itself, and what it does not list cannot leave.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from sampler.model import Scope, StatementRef
from sampler.permit.treatments import Treatment

FIELD_MAX_CHARACTERS: Final = 128
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")


class Region(StrEnum):
    """Whose law and habits a statement was written for."""

    WORLD = "world"
    EU = "eu"
    """Activity, memory and documents are accepted one by one, and originals are kept for a shorter time."""


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
    region: Region
    recipients: tuple[str, ...]
    """Who gets to see what is sent, in words."""
    retention_days: int
    """How long whoever runs the queue may keep originals; 0: none are sent."""
    purposes: Mapping[Scope, str]
    """What each scope is for, in one line."""
    separate: frozenset[Scope]
    """Scopes that accepting the statement as such does not accept; each has to be named."""
    statistics_threshold: int | None
    """Fewer hosts than these are not counted in a statistic that anybody sees; ``None`` without that scope."""
    rules: Mapping[str, FieldRule] = field(repr=False)
    """By field name or ``prefix.*``."""
    digest: str
    """SHA-256 over both files, lower-case hexadecimal."""
    data: bytes = field(repr=False)
    """The TOML, as it was read."""
    text: str = field(repr=False)
    """The Markdown."""
    expires: date | None = None
    """The first day (UTC) on which it can no longer be accepted; ``None``: it always can."""

    @property
    def scopes(self) -> frozenset[Scope]:
        """What can be accepted under it."""
        return frozenset(self.purposes)

    @property
    def joint(self) -> frozenset[Scope]:
        """What accepting the statement as such accepts."""
        return self.scopes - self.separate

    @property
    def fields(self) -> Mapping[str, Treatment]:
        """Field name or ``prefix.*`` to treatment."""
        return {pattern: rule.treatment for pattern, rule in self.rules.items()}

    @property
    def ref(self) -> StatementRef:
        """What names it in consents, parcels and manifests."""
        return StatementRef(self.id, self.version, self.digest)

    def __str__(self) -> str:
        return f"{self.id} version {self.version}"

    def is_past(self, now: datetime) -> bool:
        """Whether it can no longer be accepted; what was accepted before goes on to stand."""
        return self.expires is not None and now.date() >= self.expires

    def rule_for(self, name: str) -> FieldRule | None:
        """The line that decides about a field: its own, else that of its longest prefix; ``None``: it is not listed."""
        if len(name) > FIELD_MAX_CHARACTERS or _FIELD.fullmatch(name) is None:
            return None
        if name in self.rules:
            return self.rules[name]
        while name:
            name = name.rpartition(".")[0]
            if f"{name}.*" in self.rules:
                return self.rules[f"{name}.*"]
        return None
