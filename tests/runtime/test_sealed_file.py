from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.errors import SealError, SealKeyMissing
from sampler.runtime.key_ring import SealKey
from sampler.runtime.sealed_file import CHUNK_BYTES, MAGIC, SealedFile, key_number, sealed, sealed_bytes

SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7]
HEAD_BYTES = len(MAGIC) + 4 + 32
FIRST_FILE = bytes.fromhex(
    "534d505345414c31000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f1e28ad169be077fb72bd"
    "4269d5e6bf98f959f67d3386e8fe8dc007"
)
"""Written before keys had numbers: ``from before`` under the key 00 01 02 … and the salt 00 01 02 …"""


def data_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


class OneKey:
    """A ring with a single key."""

    def __init__(self, secret: bytes = bytes(range(32)), number: int = 7) -> None:
        self.key = SealKey(number, secret, datetime(2026, 11, 25, tzinfo=UTC))

    def current(self) -> SealKey:
        return self.key

    def get(self, number: int) -> SealKey:
        if number != self.key.number:
            raise SealKeyMissing(f"key {number} is gone")
        return self.key


KEYS = OneKey()


def write(path: Path, data: bytes, keys: OneKey = KEYS, purpose: bytes = b"") -> Path:
    path.write_bytes(b"".join(sealed(keys, [data[:10], data[10:]], purpose=purpose)))
    return path


def read(path: Path, keys: OneKey = KEYS, purpose: bytes = b"", *, takes_first: bool = False) -> bytes:
    with path.open("rb") as file:
        opened = SealedFile(file, keys, purpose=purpose, takes_first=takes_first)
        return b"".join(opened.read(0, opened.size))


@pytest.mark.parametrize("size", SIZES)
def test_what_is_sealed_comes_back(tmp_path: Path, size: int) -> None:
    """Files of any size are read as they were written, and nothing of them can be read without opening them."""
    path = write(tmp_path / "file", data_of(size))
    assert read(path) == data_of(size)
    assert path.stat().st_size == sealed_bytes(size)
    if size > 100:
        assert data_of(size)[:16] not in path.read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(start=st.integers(0, 200_000), length=st.integers(0, 200_000))
def test_any_stretch_can_be_read(tmp_path: Path, start: int, length: int) -> None:
    """A stretch is what it would be of the plain bytes; one outside is refused."""
    data = data_of(200_000)
    path = tmp_path / "file"
    if not path.exists():
        write(path, data)
    with path.open("rb") as file:
        opened = SealedFile(file, KEYS)
        if start + length > len(data):
            with pytest.raises(ValueError, match="not all in a file"):
                opened.read(start, length)
        else:
            assert b"".join(opened.read(start, length)) == data[start : start + length]


def test_the_same_bytes_twice_look_different(tmp_path: Path) -> None:
    """Each file has a key of its own, so that nobody sees that two are equal."""
    first, second = (write(tmp_path / name, b"x" * 500).read_bytes() for name in ("a", "b"))
    assert first[HEAD_BYTES:] != second[HEAD_BYTES:]


@pytest.mark.parametrize("place", [0, 10, HEAD_BYTES, HEAD_BYTES + CHUNK_BYTES + 3, -1])
def test_a_changed_byte_is_noticed(tmp_path: Path, place: int) -> None:
    """Magic, salt, text and tag: none of them can be changed."""
    path = write(tmp_path / "file", data_of(2 * CHUNK_BYTES + 5))
    changed = bytearray(path.read_bytes())
    changed[place] ^= 1
    path.write_bytes(changed)
    with pytest.raises(SealError):
        read(path)


def test_chunks_cannot_be_dropped_or_exchanged(tmp_path: Path) -> None:
    """A file cut off at a chunk's end, and one whose chunks changed places, are both refused."""
    path = write(tmp_path / "file", data_of(3 * CHUNK_BYTES))
    whole, step = path.read_bytes(), CHUNK_BYTES + 16
    head, chunks = whole[:HEAD_BYTES], [whole[HEAD_BYTES + n * step : HEAD_BYTES + (n + 1) * step] for n in range(3)]
    for other in (chunks[:2], [chunks[1], chunks[0], chunks[2]], [*chunks, chunks[2]], chunks[:1], []):
        path.write_bytes(head + b"".join(other))
        with pytest.raises(SealError):
            read(path)


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    """With another key not one byte comes out."""
    path = write(tmp_path / "file", b"secret")
    with pytest.raises(SealError, match="sealed with another key"):
        read(path, OneKey(bytes(32)))


def test_a_file_opens_for_its_purpose_only(tmp_path: Path) -> None:
    """A sealed file that was put in the place of another is not taken for it."""
    path = write(tmp_path / "file", b"secret", purpose=b"content a")
    assert read(path, purpose=b"content a") == b"secret"
    with pytest.raises(SealError):
        read(path, purpose=b"content b")


def test_its_key_is_named_by_the_file(tmp_path: Path) -> None:
    """A file says which key it needs, whole or half written; without it nothing is said to be damaged."""
    path = write(tmp_path / "file", data_of(500))
    assert key_number(path) == 7
    with pytest.raises(SealKeyMissing):
        read(path, OneKey(number=8))
    path.write_bytes(path.read_bytes()[:HEAD_BYTES])
    assert key_number(path) == 7
    path.write_bytes(b"no sealed file")
    assert key_number(path) is None
    assert key_number(tmp_path / "absent") is None


def test_a_file_from_before_keys_had_numbers(tmp_path: Path) -> None:
    """It is read where such files are awaited, with the first key, and taken for nothing else."""
    path = tmp_path / "file"
    path.write_bytes(FIRST_FILE)
    first = OneKey(number=0)
    assert key_number(path) == 0
    assert read(path, first, purpose=b"any", takes_first=True) == b"from before"
    with pytest.raises(SealError, match="not a sealed file"):
        read(path, first)
    path.write_bytes(FIRST_FILE[:20])
    assert key_number(path) is None
