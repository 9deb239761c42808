"""What a content looks like to whoever sends it: an ordinary file, true to the last byte or an error."""

from __future__ import annotations

import hashlib
import os
import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.errors import ContentLost, SpoolError
from sampler.model import Content
from sampler.runtime.key_ring import KeyRing
from sampler.runtime.sealed_file import CHUNK_BYTES
from sampler.spool import ContentFolder

DATA = random.Random(1).randbytes(3 * CHUNK_BYTES + 5)
SHA256 = hashlib.sha256(DATA).hexdigest()
EICAR_LIKE = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$NOT-THE-REAL-ONE!$H+H*"


@pytest.fixture
def contents(tmp_path: Path, keys: KeyRing) -> ContentFolder:
    folder = ContentFolder(tmp_path / "contents", keys)
    folder.write(Content(SHA256, len(DATA), 0), lambda _content: [DATA])
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "contents" / SHA256[:2] / f"{SHA256}.sealed"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(DATA) + 10), st.integers(0, 2 * CHUNK_BYTES)), max_size=5))
def test_it_reads_like_a_plain_file(contents: ContentFolder, reads: list[tuple[int, int]]) -> None:
    """From any place, any length, in any order: what a plain file would give, nothing behind its end."""
    with contents.open(SHA256) as opened:
        for offset, length in reads:
            assert opened.seek(offset) == offset
            assert opened.read(length) == DATA[offset : offset + length]


def test_places_from_the_end_and_from_here(contents: ContentFolder) -> None:
    """It seeks as files do, and not before the first byte."""
    with contents.open(SHA256) as opened:
        assert opened.seek(-5, os.SEEK_END) == len(DATA) - 5
        assert opened.read() == DATA[-5:]
        opened.seek(10)
        assert opened.seek(5, os.SEEK_CUR) == 15
        assert opened.read(3) == DATA[15:18]
        with pytest.raises(ValueError, match="no byte"):
            opened.seek(-1, os.SEEK_SET)


@pytest.mark.parametrize("chunk", [0, 1, 2])
def test_a_changed_chunk_is_never_given_away(contents: ContentFolder, file: Path, chunk: int) -> None:
    """What lies before it is read, of it not one byte, and the error says that it is for good."""
    sealed = bytearray(file.read_bytes())
    sealed[44 + chunk * (CHUNK_BYTES + 16) + 100] ^= 1
    file.write_bytes(sealed)
    with contents.open(SHA256) as opened:
        assert opened.read(chunk * CHUNK_BYTES) == DATA[: chunk * CHUNK_BYTES]
        with pytest.raises(ContentLost, match="changed"):
            opened.read(1)
        opened.seek(3 * CHUNK_BYTES)
        assert opened.read() == DATA[3 * CHUNK_BYTES :]


@pytest.mark.parametrize("size", [0, 20, 44, 60, 44 + CHUNK_BYTES + 16, -1])
def test_a_file_that_was_cut_off_does_not_open(contents: ContentFolder, file: Path, size: int) -> None:
    """Wherever it was cut, also at a chunk's end, before a byte is read."""
    os.truncate(file, size if size >= 0 else file.stat().st_size - 1)
    with pytest.raises(ContentLost):
        contents.open(SHA256)


def test_one_content_cannot_stand_for_another(contents: ContentFolder, file: Path) -> None:
    """A sealed file in the place of another one is not that one, though the key is the same."""
    other = hashlib.sha256(b"other").hexdigest()
    contents.write(Content(other, 5, 0), lambda _content: [b"other"])
    file.write_bytes((file.parent.parent / other[:2] / f"{other}.sealed").read_bytes())
    with pytest.raises(ContentLost):
        contents.open(SHA256)


def test_a_link_is_no_content(contents: ContentFolder, file: Path, tmp_path: Path) -> None:
    """A content that somebody made a link of is not followed."""
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SpoolError):
        contents.open(SHA256)


def test_a_key_that_is_away_loses_nothing(contents: ContentFolder, tmp_path: Path) -> None:
    """Without its key a content cannot be read now; it is not lost, and can be read when the key is back."""
    (key,) = (tmp_path / "keys").iterdir()
    key.rename(tmp_path / "safe")
    reader = ContentFolder(tmp_path / "contents", KeyRing(tmp_path / "keys"))
    with pytest.raises(SpoolError, match="restore it") as caught:
        reader.open(SHA256)
    assert not isinstance(caught.value, ContentLost)
    (tmp_path / "safe").rename(key)
    with reader.open(SHA256) as opened:
        assert opened.read() == DATA


@pytest.mark.parametrize("size", [0, 60, -1])
def test_only_what_can_be_given_is_relied_on(contents: ContentFolder, file: Path, size: int) -> None:
    """A file that was cut off, or whose key is lost, or that is absent, is not taken for the content."""
    content = Content(SHA256, len(DATA), 0)
    assert contents.can_give(content)
    assert not contents.can_give(Content(SHA256, len(DATA) - 1, 0))
    assert not ContentFolder(file.parent.parent, KeyRing(file.parent)).can_give(content)
    os.truncate(file, size if size >= 0 else file.stat().st_size - 1)
    assert not contents.can_give(content)
    file.unlink()
    assert not contents.can_give(content)


def test_contents_under_several_keys(contents: ContentFolder, keys: KeyRing, now: datetime) -> None:
    """What the old key encrypted is read beside what the new one does; who still needs which is known."""
    first = keys.current().number
    keys.rotate(now + timedelta(days=30), timedelta(days=30))
    other = hashlib.sha256(b"other").hexdigest()
    contents.write(Content(other, 5, 0), lambda _content: [b"other"])
    second = keys.current().number
    assert contents.keys_used() == {first, second}
    for sha256, data in ((SHA256, DATA), (other, b"other")):
        with contents.open(sha256) as opened:
            assert opened.read() == data
    contents.remove(SHA256)
    assert contents.keys_used() == {second}


def test_nothing_lies_there_plain(tmp_path: Path, keys: KeyRing) -> None:
    """Neither a whole content nor what a crash leaves half written shows one of its bytes to another scanner."""
    folder = ContentFolder(tmp_path / "contents", keys)
    data = EICAR_LIKE * 4000
    content = Content(hashlib.sha256(data).hexdigest(), len(data), 0)
    seen: list[bytes] = []

    def read(_content: Content) -> list[bytes]:
        return [data]

    def spied(_content: Content) -> object:
        yield data[:150_000]
        seen.extend(path.read_bytes() for path in (tmp_path / "contents").glob("*/.*.part"))
        yield data[150_000:]

    folder.write(content, spied)  # type: ignore[arg-type]  # an iterator, as the real one is
    folder.remove(content.sha256)
    folder.write(content, read)
    seen += [path.read_bytes() for path in (tmp_path / "contents").glob("*/*")]
    assert len(seen) == 2
    assert len(seen[0]) > CHUNK_BYTES
    assert not any(EICAR_LIKE[:20] in each for each in seen)
