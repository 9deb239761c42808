"""Bodies in pieces that suit their line."""

from __future__ import annotations

from sampler.limits import KIB, MIB
from sampler.upload.bodies import Cut, whole


async def _sizes(seconds_a_piece: float) -> list[int]:
    """Of the pieces of 8 MiB on a line that takes each in so long."""
    now, sizes = 0.0, []
    cut = Cut(whole(bytes(8 * MIB)), now)
    async for piece in cut.pieces():
        now += seconds_a_piece
        cut.taken(len(piece), now)
        sizes.append(len(piece))
    assert sum(sizes) == 8 * MIB
    return sizes


async def test_a_fast_line_gets_large_pieces() -> None:
    """Once so much went over it that no buffer can be the reason."""
    sizes = await _sizes(0.001)
    assert sizes[:64] == [64 * KIB] * 64
    assert sizes[64:] == [MIB] * 4


async def test_a_slow_line_gets_small_ones() -> None:
    """Each of which moves the deadline."""
    assert set(await _sizes(0.1)) == {64 * KIB}


async def test_a_body_without_bytes() -> None:
    """Has no pieces."""
    assert [piece async for piece in Cut(whole(b""), 0.0).pieces()] == []
