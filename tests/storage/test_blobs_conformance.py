"""One suite over every implementation of ``queue.Blobs``: a folder, and a bucket of two S3 servers that differ."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator

import pytest

from sampler.errors import ContentMismatch, NotFound, SettingsError, StorageError
from sampler.limits import CHUNK_MAX_BYTES
from sampler.queue import Blobs
from sampler.storage.folder_blobs import FolderBlobs
from sampler.storage.opening import open_blobs
from sampler.storage.s3_blobs import S3Blobs
from tests.support import s3

PIECES = os.urandom(2 * CHUNK_MAX_BYTES + 5)
"""What does not fit into one piece of an upload, nor into two."""

KINDS: tuple[type[Blobs], ...] = (FolderBlobs, S3Blobs)
"""Said with their types, so that mypy holds both to the protocol."""


@pytest.fixture(scope="module", params=["folder", "ministack", "nanio"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """URLs of places that are empty."""
    if request.param == "folder":
        yield lambda: str(tmp_path_factory.mktemp("blobs"))
        return
    with getattr(s3, request.param)() as server:
        yield lambda: server.url(str(uuid.uuid4()))


@pytest.fixture
def blobs(store: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Blobs:
    """Each store in turn, empty."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.SECRET)
    opened = open_blobs(store())
    assert isinstance(opened, KINDS)
    return opened


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _append(blobs: Blobs, upload: str, offset: int, data: bytes) -> int:
    partial = blobs.open_partial(upload, offset)
    partial.write(data)
    end = partial.sync()
    partial.close()
    return end


@pytest.mark.parametrize("data", [b"", b"bytes", PIECES], ids=["nothing", "one piece", "three pieces"])
def test_a_finished_upload_is_a_content(blobs: Blobs, data: bytes) -> None:
    """What was written is read again from any place of it, and nothing is left of the upload."""
    upload, sha256 = str(uuid.uuid4()), _sha256(data)
    assert not blobs.has(sha256)
    assert _append(blobs, upload, 0, data) == len(data)
    blobs.finish(upload, sha256, len(data))
    assert blobs.has(sha256)
    assert (blobs.partials(), blobs.partial_size(upload)) == ((), 0)
    with blobs.open_content(sha256) as file:
        assert file.read() == data
        file.seek(len(data) // 2)
        assert file.read(3) == data[len(data) // 2 :][:3]


def test_an_upload_goes_on_where_it_was_synced(blobs: Blobs) -> None:
    """Another writer appends behind what was made durable; what was not, is gone."""
    upload, data = str(uuid.uuid4()), b"one two three"
    _append(blobs, upload, 0, data[:4])
    assert (blobs.partials(), blobs.partial_size(upload)) == ((upload,), 4)
    lost = blobs.open_partial(upload, 4)
    lost.write(b"never synced")
    lost.close()
    assert _append(blobs, upload, 4, data[4:]) == len(data)
    blobs.finish(upload, _sha256(data), len(data))
    assert blobs.has(_sha256(data))


def test_what_lies_behind_the_offset_is_cut_off(blobs: Blobs) -> None:
    """Bytes that were synced and never acknowledged do not come back, wherever they were cut."""
    upload, data = str(uuid.uuid4()), b"0123456789"
    _append(blobs, upload, 0, data[:6])
    _append(blobs, upload, 6, data[6:])
    for offset in (8, 3):
        partial = blobs.open_partial(upload, offset)
        assert partial.offset == offset
        partial.close()
        assert blobs.partial_size(upload) == offset
    _append(blobs, upload, 3, b"xyz")
    blobs.finish(upload, _sha256(b"012xyz"), 6)
    assert blobs.has(_sha256(b"012xyz"))


def test_an_upload_with_fewer_bytes_stands_at_their_end(blobs: Blobs) -> None:
    """An offset that the bytes do not reach is not believed."""
    upload = str(uuid.uuid4())
    _append(blobs, upload, 0, b"1234")
    partial = blobs.open_partial(upload, 10)
    assert partial.offset == 4
    partial.close()


def test_rewinding_throws_away(blobs: Blobs) -> None:
    """What was written behind a place is gone, synced or not."""
    upload = str(uuid.uuid4())
    partial = blobs.open_partial(upload, 0)
    partial.write(PIECES[: CHUNK_MAX_BYTES + 7])
    partial.sync()
    partial.write(b"more")
    partial.rewind(5)
    assert partial.offset == 5
    partial.write(b"end")
    assert partial.sync() == 8
    partial.close()
    blobs.finish(upload, _sha256(PIECES[:5] + b"end"), 8)


@pytest.mark.parametrize(("sha256", "size"), [("0" * 64, 5), (_sha256(b"bytes"), 6)])
def test_other_bytes_are_no_content(blobs: Blobs, sha256: str, size: int) -> None:
    """Bytes of another hash or length are thrown away with their upload."""
    upload = str(uuid.uuid4())
    _append(blobs, upload, 0, b"bytes")
    with pytest.raises(ContentMismatch, match="begin the upload anew"):
        blobs.finish(upload, sha256, size)
    assert not blobs.has(sha256)
    assert blobs.partial_size(upload) == 0


def test_known_bytes_are_looked_at_as_well(blobs: Blobs) -> None:
    """Whoever brings a content that is there has to bring its bytes; the content stays as it is."""
    sha256 = _sha256(b"bytes")
    for data in (b"bytes", b"bytes"):
        upload = str(uuid.uuid4())
        _append(blobs, upload, 0, data)
        blobs.finish(upload, sha256, 5)
    lying = str(uuid.uuid4())
    _append(blobs, lying, 0, b"lies!")
    with pytest.raises(ContentMismatch):
        blobs.finish(lying, sha256, 5)
    with blobs.open_content(sha256) as file:
        assert file.read() == b"bytes"
    blobs.finish(lying, sha256, 5)  # once it is finished, finishing again changes nothing


def test_bytes_that_came_whole_are_a_content_at_once(blobs: Blobs) -> None:
    """Nothing is left of their upload, and once more changes nothing."""
    sha256 = _sha256(b"bytes")
    for _ in range(2):
        blobs.put(str(uuid.uuid4()), sha256, b"bytes")
    with blobs.open_content(sha256) as file:
        assert file.read() == b"bytes"
    assert blobs.partials() == ()


def test_a_destroyed_content_is_gone(blobs: Blobs) -> None:
    """It cannot be opened any more, and destroying it again is no error."""
    upload, sha256 = str(uuid.uuid4()), _sha256(b"bytes")
    _append(blobs, upload, 0, b"bytes")
    blobs.finish(upload, sha256, 5)
    blobs.destroy(sha256)
    blobs.destroy(sha256)
    assert not blobs.has(sha256)
    with pytest.raises(NotFound):
        blobs.open_content(sha256)


def test_what_is_not_there_is_not_found(blobs: Blobs) -> None:
    """Uploads and contents that never were, and names that are none."""
    with pytest.raises(NotFound):
        blobs.finish(str(uuid.uuid4()), "0" * 64, 5)
    for name in ("../../etc/passwd", "A" * 64, ""):
        with pytest.raises(NotFound):
            blobs.open_content(name)
        with pytest.raises(NotFound):
            blobs.open_partial(name, 0)
    blobs.discard(str(uuid.uuid4()))
    assert blobs.partial_size(str(uuid.uuid4())) == 0


def test_a_server_that_refuses_is_named_without_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong signature is an error of the store, with the bucket's name and without the key."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another secret")
    with s3.nanio() as server, pytest.raises(StorageError, match="s3://contents/x") as raised:
        open_blobs(server.url("x"))
    assert "another secret" not in str(raised.value)


def test_a_read_of_what_is_destroyed_meanwhile_ends(blobs: Blobs) -> None:
    """A reader gets the content's bytes or an error, never others."""
    upload, sha256 = str(uuid.uuid4()), _sha256(PIECES)
    _append(blobs, upload, 0, PIECES)
    blobs.finish(upload, sha256, len(PIECES))
    with blobs.open_content(sha256) as file:
        head = file.read(10)
        blobs.destroy(sha256)
        try:
            rest = file.read()
        except StorageError:
            rest = PIECES[10:]
    assert head + rest == PIECES


def test_a_bucket_that_keeps_versions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is destroyed in it would still be there."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.SECRET)
    with s3.ministack() as server:
        server.keep_versions()
        with pytest.raises(SettingsError, match="keeps versions"):
            open_blobs(server.url("x"))


@pytest.mark.parametrize("data", [b"", b"bytes"], ids=["nothing", "some"])
def test_bytes_in_one_go_are_a_content(blobs: Blobs, data: bytes) -> None:
    """Once more changes nothing, and no upload is left."""
    for _ in range(2):
        blobs.put(str(uuid.uuid4()), _sha256(data), data)
    assert blobs.partials() == ()
    with blobs.open_content(_sha256(data)) as file:
        assert file.read() == data
