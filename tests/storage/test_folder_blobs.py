from __future__ import annotations

import errno
import hashlib
import os
import stat
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from sampler.errors import ContentMismatch, NotFound, StorageError, StorageFull
from sampler.storage import folder_blobs
from sampler.storage.folder_blobs import FolderBlobs

DATA = b"contents" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()
UPLOAD = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


def _put(blobs: FolderBlobs, data: bytes, upload: str = UPLOAD) -> None:
    partial = blobs.open_partial(upload, 0)
    partial.write(data)
    partial.sync()
    partial.close()


def test_a_finished_upload_is_a_private_content(blobs: FolderBlobs) -> None:
    """It lies under its hash, readable by its owner only, and the upload is gone."""
    _put(blobs, DATA)
    blobs.finish(UPLOAD, SHA256, len(DATA))
    path = blobs.folder / "contents" / SHA256[:2] / SHA256
    assert path.read_bytes() == DATA
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert blobs.partials() == ()
    assert blobs.has(SHA256)
    with blobs.open_content(SHA256) as file:
        assert file.read() == DATA
    for folder in (blobs.folder, path.parent, path.parent.parent, blobs.folder / "uploads"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_bytes_behind_the_acknowledged_offset_are_cut_off(blobs: FolderBlobs) -> None:
    """What was written but never acknowledged does not count when the upload is opened again."""
    _put(blobs, DATA)
    partial = blobs.open_partial(UPLOAD, 100)
    assert partial.offset == 100
    partial.write(b"new")
    assert partial.sync() == 103
    partial.close()
    assert (blobs.folder / "uploads" / UPLOAD).read_bytes() == DATA[:100] + b"new"


def test_an_upload_with_fewer_bytes_stands_at_their_end(blobs: FolderBlobs) -> None:
    """A restored copy that lacks bytes tells where it really is."""
    _put(blobs, DATA[:10])
    partial = blobs.open_partial(UPLOAD, 4000)
    assert partial.offset == 10
    partial.close()
    assert blobs.partial_size(UPLOAD) == 10
    assert blobs.partial_size(str(uuid.uuid4())) == 0


def test_rewinding_throws_away(blobs: FolderBlobs) -> None:
    """Bytes behind the mark are gone and the next ones take their place."""
    partial = blobs.open_partial(UPLOAD, 0)
    partial.write(b"abcdef")
    partial.rewind(2)
    partial.write(b"Z")
    partial.close()
    partial.close()
    assert (blobs.folder / "uploads" / UPLOAD).read_bytes() == b"abZ"


@pytest.mark.parametrize(("sha256", "size"), [("f" * 64, len(DATA)), (SHA256, len(DATA) + 1)])
def test_other_bytes_are_thrown_away(blobs: FolderBlobs, sha256: str, size: int) -> None:
    """A wrong hash or size ends the upload and makes no content."""
    _put(blobs, DATA)
    with pytest.raises(ContentMismatch, match="begin the upload anew"):
        blobs.finish(UPLOAD, sha256, size)
    assert blobs.partials() == ()
    assert not blobs.has(sha256)


def test_a_content_that_is_there_stays_as_it_is(blobs: FolderBlobs) -> None:
    """A second upload of it goes, and without it the content is found as well; other bytes do not pass for it."""
    _put(blobs, DATA)
    blobs.finish(UPLOAD, SHA256, len(DATA))
    _put(blobs, DATA)
    blobs.finish(UPLOAD, SHA256, len(DATA))
    assert blobs.partials() == ()
    blobs.finish(UPLOAD, SHA256, len(DATA))
    _put(blobs, b"whatever")
    with pytest.raises(ContentMismatch):
        blobs.finish(UPLOAD, SHA256, len(DATA))
    assert blobs.partials() == ()
    with blobs.open_content(SHA256) as file:
        assert file.read() == DATA


def test_what_is_not_there_is_not_found(blobs: FolderBlobs) -> None:
    """Absent contents and uploads, and names that are none, never reach the file system."""
    with pytest.raises(NotFound):
        blobs.finish(UPLOAD, SHA256, 1)
    for name in (SHA256, "../" + SHA256, SHA256.upper(), SHA256 + "\n", ""):
        with pytest.raises(NotFound):
            blobs.open_content(name)
    for name in ("..", "../../etc/passwd", UPLOAD + "/x", UPLOAD + "\0", ""):
        with pytest.raises(NotFound):
            blobs.open_partial(name, 0)
    blobs.discard(UPLOAD)


def test_a_link_in_an_uploads_place_is_not_followed(blobs: FolderBlobs, tmp_path: Path) -> None:
    """An upload is a file of our own or an error."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (blobs.folder / "uploads" / UPLOAD).symlink_to(victim)
    with pytest.raises(StorageError):
        blobs.open_partial(UPLOAD, 0)
    assert victim.read_bytes() == b"precious"


def test_the_reserve_is_left_alone(tmp_path: Path) -> None:
    """Bytes that would use up the reserve are refused, and those before stay."""
    roomy = FolderBlobs(tmp_path / "blobs")
    _put(roomy, b"before")
    tight = FolderBlobs(tmp_path / "blobs", reserve_bytes=1 << 62)
    assert tight.free_bytes() < 0
    partial = tight.open_partial(UPLOAD, 6)
    with pytest.raises(StorageFull, match="reserve"):
        partial.write(b"after")
    partial.rewind(partial.offset)
    partial.close()
    assert roomy.partial_size(UPLOAD) == 6


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of 256 KiB; without the right to mount one, a folder in which large writes fail in the same way."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    if not mounted:
        monkeypatch.setattr(os, "pwrite", _pwrite_on_a_small_disk)
    yield folder
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


def _pwrite_on_a_small_disk(descriptor: int, data: bytes, offset: int) -> int:
    if len(data) > 256 << 10:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return os.writev(descriptor, [data]) if os.lseek(descriptor, offset, os.SEEK_SET) == offset else 0


def test_a_full_disk_keeps_what_was_durable(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full to the last byte the upload keeps what was synced and can be finished."""
    blobs = FolderBlobs(small_disk / "blobs")
    monkeypatch.setattr(blobs, "check_room", lambda size: None)
    partial = blobs.open_partial(UPLOAD, 0)
    partial.write(DATA)
    partial.sync()
    with pytest.raises(StorageFull, match="disk is full"):
        partial.write(bytes(1 << 20))
    assert partial.offset == len(DATA)
    partial.rewind(partial.offset)
    partial.close()
    blobs.finish(UPLOAD, SHA256, len(DATA))
    with blobs.open_content(SHA256) as file:
        assert file.read() == DATA


def test_what_was_hashed_on_its_way_is_not_read_again(blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upload that came in one go is known by what was written; one that came in several is read."""
    read: list[Path] = []
    reading = folder_blobs._hash_and_size

    def noted(path: Path) -> tuple[str, int]:
        read.append(path)
        return reading(path)

    monkeypatch.setattr(folder_blobs, "_hash_and_size", noted)
    _put(blobs, DATA)
    blobs.finish(UPLOAD, SHA256, len(DATA))
    assert read == []
    blobs.destroy(SHA256)
    _put(blobs, DATA[:100])
    rest = blobs.open_partial(UPLOAD, 100)
    rest.write(DATA[100:])
    rest.close()
    blobs.finish(UPLOAD, SHA256, len(DATA))
    assert len(read) == 1


def test_what_was_taken_back_does_not_count_as_hashed(blobs: FolderBlobs) -> None:
    """Bytes that were thrown away and written anew are looked at as they are."""
    partial = blobs.open_partial(UPLOAD, 0)
    partial.write(b"wrong")
    partial.rewind(0)
    partial.write(b"right")
    partial.sync()
    partial.close()
    blobs.finish(UPLOAD, hashlib.sha256(b"right").hexdigest(), 5)
    with blobs.open_content(hashlib.sha256(b"right").hexdigest()) as file:
        assert file.read() == b"right"


def test_bytes_in_one_go(blobs: FolderBlobs) -> None:
    """They are a content, read-only, and once more changes nothing; no upload is left."""
    for _ in range(2):
        blobs.put(UPLOAD, SHA256, DATA)
    with blobs.open_content(SHA256) as file:
        assert file.read() == DATA
    assert stat.S_IMODE((blobs.folder / "contents" / SHA256[:2] / SHA256).stat().st_mode) == 0o400
    assert blobs.partials() == ()
