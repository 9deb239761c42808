"""What objects begin with."""

from __future__ import annotations

import pytest

from sampler.scan.starts import Start, start_of


@pytest.mark.parametrize(
    ("head", "start"),
    [
        (b"", Start.OTHER),
        (b"M", Start.OTHER),
        (b"MZ", Start.MZ),
        (b"ZM", Start.OTHER),
        (b"\x7fELF", Start.ELF),
        (b"\x7fEL", Start.OTHER),
        (b"PK\3\4", Start.CONTAINER),
        (b"Rar!", Start.CONTAINER),
        (b"\xd0\xcf\x11\xe0", Start.CONTAINER),
        (b"%PDF", Start.CONTAINER),
        (b"{\\rt", Start.CONTAINER),
        (b"{\\r", Start.OTHER),
    ],
)
def test_starts(head: bytes, start: Start) -> None:
    """An object counts as what its first bytes say."""
    assert start_of(head) is start
