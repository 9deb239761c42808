from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.errors import SealError
from sampler.runtime.sealed_file import CHUNK_BYTES, MAGIC, SealedFile, load_or_make_key, sealed

KEY = bytes(range(32))
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7]
HEAD_BYTES = len(MAGIC) + 32


def data_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def write(path: Path, data: bytes, key: bytes = KEY) -> Path:
    path.write_bytes(b"".join(sealed(key, [data[:10], data[10:]])))
    return path


def read(path: Path, key: bytes = KEY) -> bytes:
    with path.open("rb") as file:
        opened = SealedFile(file, key)
        return b"".join(opened.read(0, opened.size))


@pytest.mark.parametrize("size", SIZES)
def test_what_is_sealed_comes_back(tmp_path: Path, size: int) -> None:
    """Files of any size are read as they were written, and nothing of them can be read without opening them."""
    path = write(tmp_path / "file", data_of(size))
    assert read(path) == data_of(size)
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
        opened = SealedFile(file, KEY)
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
        read(path, bytes(32))


def test_a_key_is_made_once(tmp_path: Path) -> None:
    """The first call makes a private key, later ones read it; what is no key is named."""
    path = tmp_path / "seal.key"
    key = load_or_make_key(path)
    assert (len(key), path.stat().st_mode & 0o777) == (32, 0o600)
    assert load_or_make_key(path) == key
    path.write_bytes(b"short")
    with pytest.raises(SealError, match="not a key of 32 bytes"):
        load_or_make_key(path)
