"""Counting distinct things without keeping them: HyperLogLog, its registers on the wire, its estimate.

Registers as in Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog" (AofA 2007), section 2, over the first 64 bits of
HMAC-SHA256 (RFC 2104): ``PRECISION`` bits choose the register, the zeros before the first one of the others, and 1, are
what it holds at least. The estimate is the improved one of Ertl, "New cardinality estimation algorithms for HyperLogLog
sketches" (arXiv:1702.01284, 2017), section 4, algorithm 6: without bias tables, over the whole range.

Merging is the larger of each two registers, so it is the sketch of the union. Who knows the key can ask a sketch of few
things whether a thing may be among them; ``docs/statistics.md`` says what bounds that.
"""

from __future__ import annotations

import hmac
import math
from collections import Counter
from collections.abc import Iterable
from typing import Final

PRECISION: Final = 12
KEY_BYTES: Final = 32
STANDARD_ERROR: Final = 1.04 / math.sqrt(1 << PRECISION)
"""Of an estimate, relative (AofA 2007, theorem 1)."""
_REGISTERS: Final = 1 << PRECISION
_TAIL_BITS: Final = 64 - PRECISION
_RANK_MAX: Final = _TAIL_BITS + 1
_PAIR_BYTES: Final = 3
"""A register's number, 2 bytes, big-endian, and what it holds."""
SKETCH_MAX_BYTES: Final = _REGISTERS
_ALPHA: Final = 1 / (2 * math.log(2))


class Sketch:
    """The registers of one set."""

    def __init__(self, registers: Iterable[int] = bytes(_REGISTERS)) -> None:
        """Raises ``ValueError`` where these are no registers."""
        self._registers = bytearray(registers)
        if len(self._registers) != _REGISTERS or max(self._registers) > _RANK_MAX:
            raise ValueError(f"a sketch has {_REGISTERS} registers of at most {_RANK_MAX}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sketch) and self._registers == other._registers

    __hash__ = None  # type: ignore[assignment]  # it changes

    def add(self, key: bytes, item: bytes) -> None:
        """Put a thing in; a second time changes nothing."""
        bits = int.from_bytes(hmac.digest(key, item, "sha256")[:8], "big")
        number, tail = bits >> _TAIL_BITS, bits & ((1 << _TAIL_BITS) - 1)
        self._registers[number] = max(self._registers[number], _TAIL_BITS - tail.bit_length() + 1)

    def merge(self, other: Sketch) -> None:
        """Become the sketch of the union."""
        self._registers = bytearray(map(max, self._registers, other._registers))

    def estimate(self) -> float:
        """About how many distinct things there are (Ertl, algorithm 6); infinity where all registers are full."""
        counts = Counter(self._registers)
        sum_ = _REGISTERS * _tau(1 - counts[_RANK_MAX] / _REGISTERS)
        for rank in range(_TAIL_BITS, 0, -1):
            sum_ = 0.5 * (sum_ + counts[rank])
        sum_ += _REGISTERS * _sigma(counts[0] / _REGISTERS)
        return _ALPHA * _REGISTERS**2 / sum_ if sum_ else math.inf

    def encode(self) -> bytes:
        """All registers, or those that hold something as pairs in the order of their numbers, whichever is shorter."""
        if (_REGISTERS - self._registers.count(0)) * _PAIR_BYTES >= _REGISTERS:
            return bytes(self._registers)
        held = ((number, rank) for number, rank in enumerate(self._registers) if rank)
        return b"".join(number.to_bytes(2, "big") + bytes((rank,)) for number, rank in held)


def decode_sketch(data: bytes) -> Sketch:
    """The sketch that was encoded.

    Raises:
        ValueError: it is none, or not in the one form that it has.
    """
    if len(data) == _REGISTERS:
        sketch = Sketch(data)
    else:
        registers = bytearray(_REGISTERS)
        for start in range(0, len(data), _PAIR_BYTES):
            number = int.from_bytes(data[start : start + 2], "big")
            if number >= _REGISTERS:
                raise ValueError(f"a sketch has no register {number}")
            registers[number] = data[start + 2] if start + 2 < len(data) else 0
        sketch = Sketch(registers)
    if sketch.encode() != data:
        raise ValueError("not a sketch in the form in which it is written")
    return sketch


def _sigma(share: float) -> float:
    """The registers that hold nothing (Ertl, equation 20)."""
    if share == 1:
        return math.inf
    power, sum_, weight = share, share, 1.0
    while True:
        power *= power
        before, sum_ = sum_, sum_ + power * weight
        weight += weight
        if sum_ == before:
            return sum_


def _tau(share: float) -> float:
    """The registers that hold as much as they can (Ertl, equation 21)."""
    if share in (0, 1):
        return 0.0
    root, sum_, weight = share, 1 - share, 1.0
    while True:
        root = math.sqrt(root)
        weight *= 0.5
        before, sum_ = sum_, sum_ - (1 - root) ** 2 * weight
        if sum_ == before:
            return sum_ / 3
