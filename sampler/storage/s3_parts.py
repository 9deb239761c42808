"""The pieces in which an upload lies in a bucket, and which of them make up its bytes. Pure.

A piece is an object that is written once: its name says where in the upload its bytes begin and end, and has something
random in it, so that no writer ever writes over another's. Two writers that believed to be alone may leave pieces that
overlap; what counts is the chain from 0 on, and the SHA-256 over all of it decides in the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_NAME: Final = re.compile(r"([0-9]{16})-([0-9]{16})-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, order=True)
class Piece:
    """Bytes ``start`` to ``end`` of an upload, in the object ``key``."""

    start: int
    end: int
    key: str


def piece_name(start: int, end: int, chance: str) -> str:
    """The last part of a piece's key; ``chance`` is 16 hexadecimal digits."""
    return f"{start:016}-{end:016}-{chance}"


def piece_of(key: str, size: int) -> Piece | None:
    """The piece that an object is, or ``None`` when its name or its size is not that of one."""
    found = _NAME.fullmatch(key.rpartition("/")[2])
    if found is None:
        return None
    start, end = int(found[1]), int(found[2])
    return Piece(start, end, key) if end - start == size > 0 else None


def chain(pieces: Iterable[Piece], most: int | None = None) -> tuple[Piece, ...]:
    """Pieces that follow each other from 0 on without a gap, as far as they reach, or ``most`` bytes.

    From a piece that ends behind ``most`` only what lies before it is wanted; it stands last.
    """
    ends: dict[int, list[Piece]] = {}
    for piece in pieces:
        ends.setdefault(piece.start, []).append(piece)
    found: list[Piece] = []
    at = 0
    while (most is None or at < most) and (nexts := ends.get(at)):
        inside = [piece for piece in nexts if most is None or piece.end <= most]
        found.append(max(inside) if inside else min(nexts))
        at = found[-1].end
    return tuple(found)
