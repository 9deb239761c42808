"""The labelled cases of ``tests/permit/corpus``: a field's value, what must not survive in it, and what must.

A case is written as ``[kind of field, text, what must be left …]``, where the text is a list for arguments. ``«class
X»`` in it marks an X of that class, which must not survive. A case without any mark is harmless: nothing of it may
change. A broken bar is taken out on reading; it keeps scanners of this repository from taking a token for a secret.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sampler.permit import HostNames

FOLDER: Final = Path(__file__).parents[2] / "tests" / "permit" / "corpus"
_MARK: Final = re.compile(r"«(\w+) ([^»]*)»")
_KEY: Final = b"a key of the corpus, no secret"


class FieldKind(StrEnum):
    """What a value is; each kind has a field that is treated so."""

    PATH = "path"
    ARGS = "args"
    TEXT = "text"
    URL = "url"
    COMMAND_LINE = "command_line"


class Label(StrEnum):
    """What a marked piece is."""

    USER = "user"
    HOST = "host"
    CREDENTIAL = "credential"
    ADDRESS = "address"
    MAIL = "mail"
    CARD = "card"
    ID = "id"


@dataclass(frozen=True, slots=True)
class Mark:
    """One piece that must not survive."""

    label: Label
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled value."""

    origin: str
    """File and group, for messages."""
    kind: FieldKind
    value: str | tuple[str, ...]
    marks: tuple[Mark, ...]
    beside: str
    """All that is not marked: what stands there may be left, even if it reads like a marked piece."""
    kept: tuple[str, ...]
    """Pieces that must be left."""
    host: HostNames
    is_held_out: bool

    @property
    def texts(self) -> tuple[str, ...]:
        """The value as one text or several."""
        return (self.value,) if isinstance(self.value, str) else self.value


def load(folder: Path = FOLDER) -> tuple[Case, ...]:
    """Every case, those to work with first, then those held out, in the first measurement and in the second."""
    machines = {name: _machine(table) for name, table in _read(folder / "machines.toml").items()}
    return (
        *_cases(folder, machines, is_held_out=False),
        *_cases(folder / "held_out", machines, is_held_out=True),
        *_cases(folder / "second", machines, is_held_out=True),
    )


def _cases(folder: Path, machines: Mapping[str, HostNames], *, is_held_out: bool) -> Iterator[Case]:
    for file in sorted(folder.glob("*.toml")):
        for group in _read(file).get("group", ()):
            origin = f"{file.parent.name}/{file.name}: {group['about']}"
            for row in group["cases"]:
                yield _case(origin, row, machines[group["machine"]], is_held_out=is_held_out)


def _case(origin: str, row: Sequence[Any], host: HostNames, *, is_held_out: bool) -> Case:
    kind, marked, *kept = row
    texts = [marked] if isinstance(marked, str) else marked
    plain = tuple(_MARK.sub(r"\2", text).replace("¦", "") for text in texts)
    return Case(
        origin=origin,
        kind=FieldKind(kind),
        value=plain[0] if isinstance(marked, str) else plain,
        marks=tuple(_mark(found) for text in texts for found in _MARK.finditer(text)),
        beside="\n".join(_MARK.sub("\n", text) for text in texts),
        kept=tuple(piece for piece in kept if piece),
        host=host,
        is_held_out=is_held_out,
    )


def _mark(found: re.Match[str]) -> Mark:
    return Mark(Label(found[1]), found[2].replace("¦", ""))


def _machine(table: Mapping[str, Any]) -> HostNames:
    return HostNames(
        homes=tuple((folder, user) for folder, user in table["homes"]),
        users=frozenset(table["users"]),
        host_names=frozenset(table["hosts"]),
        pseudonym_key=_KEY,
    )


def _read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text("utf-8"))
