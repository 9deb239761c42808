"""One fact about an object: its ECS name and its value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from sampler.limits import FIELD_TEXTS_MAX_COUNT

_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,64}(?:\.[A-Za-z0-9_]{1,64}){0,15}")

FieldValue: TypeAlias = str | int | float | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One fact, named as the Elastic Common Schema names it (``file.size``); what it lacks is under ``sampler.*``."""

    name: str
    value: FieldValue

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"not a field name: {self.name[:64]!r}")
        if isinstance(self.value, tuple) and len(self.value) > FIELD_TEXTS_MAX_COUNT:
            raise ValueError(f"{self.name} has {len(self.value)} texts, at most {FIELD_TEXTS_MAX_COUNT} are taken")


def value_of(fields: Iterable[Field], name: str) -> FieldValue | None:
    """The value of the first field with this name, or ``None``."""
    return next((field.value for field in fields if field.name == name), None)
