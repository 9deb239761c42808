from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from sampler.limits import XATTR_MAX_BYTES
from sampler.model import Candidate, Failure, ObjectState, PathSource, Peer, Snapshot
from sampler.snapshot import OwnFile, open_own
from sampler.snapshot.filesystems import is_sure_to_answer, untrusted_name

MakeCandidate = Callable[..., Candidate]
Take = Callable[..., Snapshot | Failure]
ROOT = os.geteuid() == 0


def content(taken: Snapshot | Failure) -> bytes:
    assert isinstance(taken, Snapshot), taken
    return os.pread(taken.descriptor, taken.size + 1, 0)


def code(taken: Snapshot | Failure) -> tuple[ObjectState, str]:
    assert isinstance(taken, Failure), taken
    return taken.state, taken.code


def make_folder(place: Path) -> None:
    place.mkdir()


def make_fifo(place: Path) -> None:
    os.mkfifo(place)


def make_socket(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(place.parent)  # a socket's name has at most 107 bytes
        try:
            listener.bind(place.name)
        finally:
            os.chdir(here)


def make_link(place: Path) -> None:
    target = place.with_name("target")
    target.write_bytes(b"secret")
    place.symlink_to(target)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (make_folder, "is a folder"),
        (make_fifo, "is a FIFO"),
        (make_socket, "is a socket"),
        (make_link, "is a symbolic link"),
    ],
)
def test_not_a_file(
    tmp_path: Path, candidate: MakeCandidate, take: Take, make: Callable[[Path], None], words: str
) -> None:
    """Only regular files are taken, and what stands there instead is named."""
    place = tmp_path / "it"
    make(place)
    taken = take(candidate(place))
    assert code(taken) == (ObjectState.UNREADABLE, "not-a-regular-file")
    assert isinstance(taken, Failure)
    assert words in taken.detail


def test_a_device(candidate: MakeCandidate, take: Take) -> None:
    """A device is never opened."""
    taken = take(candidate(b"/dev/zero"))
    assert isinstance(taken, Failure)
    assert (taken.code, "character device" in taken.detail) == ("not-a-regular-file", True)


@pytest.mark.parametrize("name", ["missing", "file/below", "x" * 256, "file/"])
def test_absent(tmp_path: Path, candidate: MakeCandidate, take: Take, name: str) -> None:
    """What has no such name is absent, whatever stands in its way."""
    (tmp_path / "file").write_bytes(b"x")
    assert code(take(candidate(os.fsencode(tmp_path) + b"/" + name.encode()))) == (ObjectState.VANISHED, "absent")


def test_link_with_a_slash_behind(tmp_path: Path, candidate: MakeCandidate, take: Take) -> None:
    """A slash after a link's name, which makes the kernel follow it, gets no file through."""
    make_link(tmp_path / "link")
    assert code(take(candidate(os.fsencode(tmp_path) + b"/link/"))) == (ObjectState.VANISHED, "absent")


def test_dot_dot_is_the_kernels_business(tmp_path: Path, candidate: MakeCandidate, take: Take) -> None:
    """An absolute path with .. in it is resolved as any other."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"bytes")
    assert content(take(candidate(tmp_path / "folder" / ".." / "file"))) == b"bytes"


@pytest.mark.parametrize("path", [b"relative", b"/with\0nul", b""])
def test_no_path_at_all(path: bytes) -> None:
    """What cannot be an absolute path never becomes a source."""
    with pytest.raises(ValueError, match="absolute"):
        PathSource(path)


@pytest.mark.parametrize("name", [b"two\nlines", b"\xff\xfe not UTF-8 \x80", b"n" * 255, b"\x1b[31mred", b" "])
def test_strange_names(tmp_path: Path, candidate: MakeCandidate, take: Take, name: bytes) -> None:
    """Any name that a file system keeps is taken, and named in failures so that it can be printed."""
    path = os.fsencode(tmp_path) + b"/" + name
    Path(os.fsdecode(path)).write_bytes(b"bytes")
    taken = take(candidate(path))
    assert content(taken) == b"bytes"
    assert isinstance(taken, Snapshot)
    assert taken.path == path
    refused = take(candidate(path), max_bytes=1)
    assert isinstance(refused, Failure)
    assert refused.detail.isprintable()
    assert refused.detail.encode()


def test_no_permission(open_folder: Path, nobody: Peer, candidate: MakeCandidate, take: Take) -> None:
    """A file that the peer may not read is refused, though root could read it."""
    secret = open_folder / "secret"
    secret.write_bytes(b"secret")
    secret.chmod(0o600)
    expected = "permission" if ROOT else "other-user"
    assert code(take(candidate(secret, peer=nobody))) == (ObjectState.UNREADABLE, expected)


def test_no_permission_for_the_folder(open_folder: Path, nobody: Peer, candidate: MakeCandidate, take: Take) -> None:
    """A readable file in a folder that the peer may not enter is refused."""
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").write_bytes(b"secret")
    (closed / "file").chmod(0o644)
    expected = "permission" if ROOT else "other-user"
    assert code(take(candidate(closed / "file", peer=nobody))) == (ObjectState.UNREADABLE, expected)


def test_supplementary_group_may_read(open_folder: Path, candidate: MakeCandidate, take: Take) -> None:
    """A peer reads what one of its supplementary groups may read, and nothing without that group."""
    shared = open_folder / "shared"
    shared.write_bytes(b"shared")
    shared.chmod(0o640)
    member, stranger = Peer(65534, 65534, 1, groups=(41, 4242)), Peer(65534, 65534, 1, groups=(41,))
    if ROOT:
        os.chown(shared, 0, 4242)
        assert content(take(candidate(shared, peer=member))) == b"shared"
        assert code(take(candidate(shared, peer=stranger)))[1] == "permission"
    else:
        assert code(take(candidate(shared, peer=member)))[1] == "other-user"


def test_own_file_of_another_user(open_folder: Path, nobody: Peer, candidate: MakeCandidate, take: Take) -> None:
    """A peer's own closed file is taken by an agent that is root, and by no other agent."""
    own = open_folder / "own"
    own.write_bytes(b"own")
    own.chmod(0o600)
    if ROOT:
        os.chown(own, 65534, 65534)
        assert content(take(candidate(own, peer=nobody))) == b"own"
    else:
        assert code(take(candidate(own, peer=nobody)))[1] == "other-user"


def test_rights_come_back(open_folder: Path, nobody: Peer, candidate: MakeCandidate, take: Take, me: Peer) -> None:
    """After an open with other rights the agent still has its own."""
    secret = open_folder / "secret"
    secret.write_bytes(b"secret")
    secret.chmod(0o600)
    take(candidate(secret, peer=nobody))
    assert content(take(candidate(secret, peer=me))) == b"secret"
    assert secret.read_bytes() == b"secret"


@pytest.mark.parametrize("path", [b"/proc/self/maps", b"/proc/self/environ", b"/proc/thread-self/status"])
def test_kernel_files_of_the_agent_itself(nobody: Peer, candidate: MakeCandidate, take: Take, path: bytes) -> None:
    """/proc/self of the agent is nothing that a peer could read itself."""
    taken = take(candidate(path, peer=nobody))
    assert isinstance(taken, Failure)
    assert taken.code in (("untrusted-file-system", "permission") if ROOT else ("other-user",))


def test_no_way_through_the_agents_own_descriptors(
    open_folder: Path, nobody: Peer, candidate: MakeCandidate, take: Take
) -> None:
    """A path through /proc/self/fd of the agent does not lead past a closed folder."""
    closed = open_folder / "closed"
    inner = closed / "inner"
    inner.mkdir(parents=True)
    (inner / "file").write_bytes(b"secret")
    inner.chmod(0o755)
    closed.chmod(0o700)
    handle = os.open(inner, os.O_PATH)
    try:
        taken = take(candidate(f"/proc/self/fd/{handle}/file".encode(), peer=nobody))
    finally:
        os.close(handle)
    assert isinstance(taken, Failure)
    assert taken.code == ("read-error" if ROOT else "other-user")


def test_file_systems_are_told_apart(tmp_path: Path) -> None:
    """The kernel's own file systems are recognized by what statfs says of them."""
    for place, expected in ((Path("/proc/self"), "proc"), (Path("/sys"), "sysfs"), (tmp_path, None)):
        handle = os.open(place, os.O_PATH)
        try:
            assert untrusted_name(handle) == expected
        finally:
            os.close(handle)


def test_who_is_sure_to_answer() -> None:
    """Memory is sure to answer; a file of the kernel's is read where it may hang."""
    memory, kernel = os.memfd_create("memory"), os.open("/proc/self/status", os.O_RDONLY)
    try:
        assert is_sure_to_answer(memory)
        assert not is_sure_to_answer(kernel)
    finally:
        os.close(memory)
        os.close(kernel)


def test_kernel_file_by_descriptor(nobody: Peer, candidate: MakeCandidate, take: Take) -> None:
    """A descriptor into /proc of another user's is not read: some answer by the rights of who reads."""
    descriptor = os.open("/proc/self/stat", os.O_RDONLY)
    assert code(take(candidate(descriptor, peer=nobody))) == (ObjectState.UNREADABLE, "untrusted-file-system")


def test_passed_descriptor(tmp_path: Path, nobody: Peer, candidate: MakeCandidate, take: Take) -> None:
    """A descriptor is read whole from its start, its position stays, and it is closed."""
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    descriptor = os.open(file, os.O_RDONLY)
    kept = os.dup(descriptor)
    try:
        os.lseek(descriptor, 4, os.SEEK_SET)
        assert content(take(candidate(descriptor, peer=nobody))) == b"0123456789"
        assert os.lseek(kept, 0, os.SEEK_CUR) == 4
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
    finally:
        os.close(kept)


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_PATH])
def test_descriptor_that_cannot_be_read(
    tmp_path: Path, candidate: MakeCandidate, take: Take, flags: int, descriptors: Callable[[], set[int]]
) -> None:
    """A descriptor that was not opened for reading proves no right to read; it is refused and closed."""
    file = tmp_path / "file"
    file.write_bytes(b"secret")
    before = descriptors()
    assert code(take(candidate(os.open(file, flags)))) == (ObjectState.UNREADABLE, "permission")
    assert descriptors() == before


def test_descriptors_of_other_things(
    tmp_path: Path, candidate: MakeCandidate, take: Take, descriptors: Callable[[], set[int]]
) -> None:
    """A passed folder, pipe or device is refused and closed."""
    before = descriptors()
    reader, writer = os.pipe()
    for descriptor in (os.open(tmp_path, os.O_RDONLY), os.open("/dev/zero", os.O_RDONLY), reader, writer):
        assert code(take(candidate(descriptor)))[1] == "not-a-regular-file"
    assert descriptors() == before


def test_a_number_that_is_no_descriptor(candidate: MakeCandidate, take: Take) -> None:
    """A descriptor that is not open is an error in the agent, and is not taken for a failure of the object."""
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    with pytest.raises(OSError, match="Bad file descriptor"):
        take(candidate(reader))


def test_origin_attributes(tmp_path: Path, candidate: MakeCandidate, take: Take) -> None:
    """Where a download came from is kept, where the file system can say it."""
    file = tmp_path / "file"
    file.write_bytes(b"x")
    expected: tuple[tuple[str, bytes], ...] = (
        ("user.xdg.origin.url", b"https://example.org/\xff"),
        ("user.Zone.Identifier", b"[ZoneTransfer]\r\nZoneId=3\r\n"),
        ("user.DosStream.Zone.Identifier:$DATA", b"[ZoneTransfer]\0"),
    )
    try:
        for name, value in expected:
            os.setxattr(file, name, value)
        os.setxattr(file, "user.other", b"not asked for")
    except OSError:
        expected = ()
    taken = take(candidate(file))
    assert isinstance(taken, Snapshot)
    assert taken.stat.attributes == expected


@pytest.mark.parametrize(
    ("origin", "referrer", "kept"),
    [
        (XATTR_MAX_BYTES + 1, 1, ["user.xdg.referrer.url"]),
        (XATTR_MAX_BYTES, 1, ["user.xdg.origin.url"]),
        (XATTR_MAX_BYTES - 1, 1, ["user.xdg.origin.url", "user.xdg.referrer.url"]),
    ],
)
def test_origin_attributes_are_bounded(
    *,
    tmp_path: Path,
    candidate: MakeCandidate,
    take: Take,
    monkeypatch: pytest.MonkeyPatch,
    origin: int,
    referrer: int,
    kept: list[str],
) -> None:
    """Attributes are kept whole, as far as all of them fit."""
    lengths = {"user.xdg.origin.url": origin, "user.xdg.referrer.url": referrer}

    def read(_: int, name: str) -> bytes:
        if name not in lengths:
            raise OSError("not set")
        return bytes(lengths[name])

    monkeypatch.setattr(os, "getxattr", read)
    (tmp_path / "file").write_bytes(b"x")
    taken = take(candidate(tmp_path / "file"))
    assert isinstance(taken, Snapshot)
    assert [name for name, _ in taken.stat.attributes] == kept


def test_stat_is_the_files_own(tmp_path: Path, candidate: MakeCandidate, take: Take) -> None:
    """What is kept of the file is what the file system says of it."""
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    os.utime(file, ns=(1_700_000_000_000_000_001, 1_600_000_000_000_000_002))
    found = file.stat()
    taken = take(candidate(file))
    assert isinstance(taken, Snapshot)
    stat = taken.stat
    assert (stat.size, stat.mode, stat.uid, stat.gid) == (5, found.st_mode, found.st_uid, found.st_gid)
    assert (stat.device, stat.inode, stat.ctime_ns) == (found.st_dev, found.st_ino, found.st_ctime_ns)
    assert (stat.atime_ns, stat.mtime_ns) == (1_700_000_000_000_000_001, 1_600_000_000_000_000_002)


def test_access_time_is_left_alone(tmp_path: Path, candidate: MakeCandidate, take: Take) -> None:
    """Taking one's own file leaves no trace in its access time."""
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    os.utime(file, ns=(1_000_000_000, 2_000_000_000_000_000_000))
    assert content(take(candidate(file))) == b"12345"
    assert file.stat().st_atime_ns == 1_000_000_000


def test_gone_between_finding_and_opening(
    tmp_path: Path, candidate: MakeCandidate, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that a file server forgets between two steps has vanished."""
    (tmp_path / "file").write_bytes(b"x")
    real = os.open

    def forgetful(path: bytes | str, flags: int, *rest: int) -> int:
        if str(path).startswith("/proc/self/fd/"):
            raise FileNotFoundError(2, "gone")
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", forgetful)
    assert code(take(candidate(tmp_path / "file"))) == (ObjectState.VANISHED, "vanished")


def test_our_own_file(tmp_path: Path) -> None:
    """A regular file comes open for reading at its start, with what fstat(2) told."""
    path = tmp_path / "file"
    path.write_bytes(b"content")
    opened = open_own(os.fsencode(path))
    assert isinstance(opened, OwnFile)
    try:
        assert os.read(opened.descriptor, 100) == b"content"
        assert opened.status == path.stat()
        with pytest.raises(OSError):
            os.write(opened.descriptor, b"x")
    finally:
        os.close(opened.descriptor)


@pytest.mark.parametrize("make", [make_folder, make_fifo, make_socket, make_link])
def test_what_is_no_file_of_ours_is_not_opened(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """Links, folders, FIFOs and sockets are refused at once, and no descriptor stays open."""
    path = tmp_path / "thing"
    make(path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    failure = open_own(os.fsencode(path))
    assert isinstance(failure, Failure)
    assert failure.code == "not-a-regular-file"
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_device_of_ours_is_not_opened() -> None:
    """Opening a device can move it, so it is looked at and left alone."""
    failure = open_own(b"/dev/zero")
    assert isinstance(failure, Failure)
    assert failure.code == "not-a-regular-file"


def test_our_own_file_that_is_not_there(tmp_path: Path) -> None:
    """A name without a file is absent."""
    failure = open_own(os.fsencode(tmp_path / "nothing"))
    assert isinstance(failure, Failure)
    assert failure.code == "absent"
