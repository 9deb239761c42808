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


def named(name: str, value: str) -> str:
    """A name and its value."""
    return f"  {name:<{NAME_WIDTH}} {value}"


def named_lines(name: str, value: str) -> Sequence[str]:
    """The same in lines that fit."""
    margin = " " * (NAME_WIDTH + 3)
    lines = textwrap.wrap(value, _WIDTH, initial_indent=margin, subsequent_indent=margin) or [margin]
    if len(name) > NAME_WIDTH:
        return [f"  {name}", *lines]
    return [named(name, lines[0].lstrip()), *lines[1:]]


def bullet(what: str, reason: str) -> str:
    """Something and why."""
    return f"  {printable_text(what)}: {printable_text(reason)}"


def wrapped(text: str, *, indent: int = 2) -> Sequence[str]:
    """A text in lines that fit; none where it is empty."""
    margin = " " * indent
    return textwrap.wrap(printable_text(text), _WIDTH, initial_indent=margin, subsequent_indent=margin)


def dump(data: bytes, offset: int) -> Iterator[str]:
    """Bytes as hexadecimal and text, with their places from ``offset`` on."""
    for start in range(0, len(data), _LINE_BYTES):
        line = data[start : start + _LINE_BYTES]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in line)
        yield f"      {offset + start:08x}  {line.hex(' '):<{3 * _LINE_BYTES - 1}}  {text}"


def value_text(value: FieldJson | None) -> str:
    """A field's value."""
    if isinstance(value, list):
        return printable_text(", ".join(value))
    return printable_text(str(value))
