"""One fact about an object: its ECS name and its value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

FieldValue: TypeAlias = str | int | float | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One fact, named as the Elastic Common Schema names it (``file.size``); what it lacks is under ``sampler.*``."""

    name: str
    value: FieldValue

    def __post_init__(self) -> None:
        if not self.name or not all(part.replace("_", "a").isalnum() for part in self.name.split(".")):
            raise ValueError(f"not a field name: {self.name!r}")


def value_of(fields: Iterable[Field], name: str) -> FieldValue | None:
    """The value of the first field with this name, or ``None``."""
    return next((field.value for field in fields if field.name == name), None)
