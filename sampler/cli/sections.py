"""Reports for people in titled sections, at 80 columns: named values, bullets, bytes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sampler.cli.output import printable_text
from sampler.wire.messages import FieldJson

NAME_WIDTH: Final = 28
_LINE_BYTES: Final = 16
_WIDTH: Final = 78


def section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """A title and what stands below it; nothing where nothing does."""
    shown = list(lines)
    if shown:
        yield from ("", title, *shown)


def named_lines(name: str, value: str) -> Sequence[str]:
    """A name and its value; what does not fit beside it stands below it, so that hashes stay in one piece."""
    line = f"  {name:<{NAME_WIDTH}} {value}"
    return [line] if len(line) <= _WIDTH else [f"  {name}", *wrapped(value, indent=6)]


def beneath(text: str) -> Sequence[str]:
    """More about the value of the line before, under it where there is room."""
    line = " " * (NAME_WIDTH + 3) + text
    return [line] if len(line) <= _WIDTH else wrapped(text, indent=6)


def bullet(what: str, reason: str) -> Sequence[str]:
    """Something and why."""
    return wrapped(f"{what}: {reason}", hanging=4)


def wrapped(text: str, *, indent: int = 2, hanging: int | None = None) -> Sequence[str]:
    """A text in lines that fit, those behind the first moved in by ``hanging``; none where it is empty."""
    first, later = " " * indent, " " * (indent if hanging is None else hanging)
    clean = printable_text(text)
    return textwrap.wrap(clean, _WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False)


def dump(data: bytes, offset: int) -> Iterator[str]:
    """Bytes as hexadecimal and text, with their places from ``offset`` on."""
    for start in range(0, len(data), _LINE_BYTES):
        line = data[start : start + _LINE_BYTES]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in line)
        yield f"    {offset + start:08x}  {line.hex(' '):<{3 * _LINE_BYTES - 1}}  {text}"


def value_text(value: FieldJson | None) -> str:
    """A field's value."""
    if isinstance(value, list):
        return printable_text(", ".join(value))
    return printable_text(str(value))
