"""What the spool keeps, when it lets go, and what is left when something fails in between."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sampler.errors import SpoolError, SpoolFull
from sampler.limits import MIB
from sampler.model import Conclusion, Content, ObjectRecord, ObjectState, Reason, Verdict
from sampler.spool import Spool


def _finish(spool: Spool, event_id: str, now: datetime, state: ObjectState = ObjectState.DELIVERED) -> None:
    spool.finish(event_id, state, detail="done", sent_bytes=7, now=now)


def test_put_and_deliver(spool: Spool, thing: Any, files: Any, now: datetime) -> None:
    """An object waits with its contents until its end, then only its record stays."""
    each = thing(os.urandom(5000), [(0, 100), (200, 4000)])
    each.put_into(spool)
    (waiting,) = spool.pending(now, 10)
    assert (waiting.event_id, waiting.manifest, waiting.contents) == (each.event_id, each.manifest, each.contents)
    assert (waiting.scopes, waiting.statement, waiting.attempts) == (each.parcel.scopes, each.parcel.statement, 0)
    for content in each.contents:
        with spool.open_content(content.sha256) as file:
            assert file.read() == each.data[content.offset : content.offset + content.size]
    assert spool.used_bytes() == 4100 + len(each.manifest)
    _finish(spool, each.event_id, now)
    record = spool.get(each.event_id)
    assert record is not None
    assert (record.state, record.detail, record.sent_bytes) == (ObjectState.DELIVERED, "done", 7)
    assert (files(), spool.pending(now, 10), spool.used_bytes()) == ([], (), 0)


def test_content_files_are_private(spool: Spool, thing: Any, folder: Path) -> None:
    """Nobody but the owner can look into the contents."""
    thing(b"secret").put_into(spool)
    (path,) = (folder / "contents").glob("*/*")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_same_event_again(spool: Spool, thing: Any, files: Any, now: datetime) -> None:
    """The same event_id again changes nothing, whatever comes with it, during and after its life."""
    first, other = thing(b"first"), thing(b"other")
    first.put_into(spool)
    spool.put(first.record, other.parcel, b"other", other.read)
    assert files() == [hashlib.sha256(b"first").hexdigest()]
    _finish(spool, first.event_id, now)
    first.put_into(spool)
    assert (files(), spool.pending(now, 10)) == ([], ())


def test_ends_once(spool: Spool, thing: Any, now: datetime) -> None:
    """An object that has ended keeps its end."""
    event_id = thing(b"x").put_into(spool)
    _finish(spool, event_id, now)
    _finish(spool, event_id, now, ObjectState.RECALLED)
    spool.postpone(event_id, now, detail="later", now=now)
    record = spool.get(event_id)
    assert record is not None
    assert (record.state, record.detail) == (ObjectState.DELIVERED, "done")
    assert spool.next_due() is None


def test_only_final_states_end(spool: Spool, thing: Any, now: datetime) -> None:
    """An object cannot end in a state that is no end."""
    event_id = thing(b"x").put_into(spool)
    with pytest.raises(ValueError, match="ends nothing"):
        _finish(spool, event_id, now, ObjectState.HELD)


def test_shared_content(spool: Spool, thing: Any, files: Any, now: datetime) -> None:
    """A content of two objects is kept once and goes with the last of them."""
    first, second = thing(b"shared" * 100), thing(b"shared" * 100)
    first.put_into(spool)
    second.put_into(spool)
    assert len(files()) == 1
    assert spool.used_bytes() == 600 + len(first.manifest) + len(second.manifest)
    _finish(spool, first.event_id, now)
    assert len(files()) == 1
    _finish(spool, second.event_id, now)
    assert files() == []


def test_the_same_bytes_again_mend_a_file(spool: Spool, thing: Any, folder: Path) -> None:
    """An object whose bytes lie there already does not rely on a file that was cut off: it is written anew."""
    first, second = thing(b"shared" * 100), thing(b"shared" * 100)
    first.put_into(spool)
    (path,) = (folder / "contents").glob("*/*")
    os.truncate(path, 100)
    second.put_into(spool)
    with spool.open_content(second.contents[0].sha256) as file:
        assert file.read() == b"shared" * 100


def test_content_that_is_shared_while_its_owner_ends(spool: Spool, thing: Any, now: datetime) -> None:
    """An object that ends while another one with the same content is being put does not take the file away."""
    first = thing(b"shared")
    first.put_into(spool)
    second = thing(b"shared" + b"more", [(0, 6), (6, 4)])

    def read(content: Content) -> Iterator[bytes]:
        _finish(spool, first.event_id, now)
        yield from second.read(content)

    spool.put(second.record, second.parcel, second.manifest, read)
    for content in second.contents:
        with spool.open_content(content.sha256) as file:
            assert len(file.read()) == content.size


@pytest.mark.parametrize("served", [b"", b"other", b"dat", b"data and more"])
def test_bytes_that_are_not_the_contents(spool: Spool, thing: Any, files: Any, served: bytes) -> None:
    """Bytes that do not have the announced hash or length are refused, and nothing of the object is kept."""
    each = thing(b"data")
    with pytest.raises(SpoolError, match="are not content"):
        spool.put(each.record, each.parcel, each.manifest, lambda _: [served])
    assert spool.get(each.event_id) is None
    assert files() == []
    assert each.put_into(spool) == each.event_id


def test_endless_bytes(spool: Spool, thing: Any) -> None:
    """Of a source that does not end no more is written than was announced."""
    each = thing(b"d" * 5000)
    taken = 0

    def read(_content: Content) -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1000
            yield b"d" * 1000

    with pytest.raises(SpoolError):
        spool.put(each.record, each.parcel, each.manifest, read)
    assert taken == 6000


def test_quota(open_spool: Any, thing: Any, files: Any, now: datetime) -> None:
    """At its quota the spool refuses with the numbers and what to do, and takes objects again when some have gone."""
    spool = open_spool(max_bytes=2 * MIB)
    first, second = thing(os.urandom(MIB)), thing(os.urandom(MIB))
    first.put_into(spool)
    with pytest.raises(SpoolFull, match=r"holds 1\.0 MiB of at most 2\.0 MiB.*spool\.max_bytes"):
        second.put_into(spool)
    assert spool.get(second.event_id) is None
    assert len(files()) == 1
    _finish(spool, first.event_id, now)
    second.put_into(spool)


def test_quota_counts_what_is_being_written(open_spool: Any, thing: Any) -> None:
    """Two objects that fit one by one do not both get in at the same moment."""
    spool = open_spool(max_bytes=2 * MIB)
    first, second = thing(os.urandom(MIB)), thing(os.urandom(MIB))

    def read(content: Content) -> Iterator[bytes]:
        with pytest.raises(SpoolFull):
            second.put_into(spool)
        yield from first.read(content)

    spool.put(first.record, first.parcel, first.manifest, read)
    assert spool.used_bytes() == MIB + len(first.manifest)


def test_reserve(open_spool: Any, thing: Any) -> None:
    """What the owner wants free on the disk stays free."""
    spool = open_spool(reserve_bytes=1 << 60)
    with pytest.raises(SpoolFull, match=r"free.*spool\.reserve_bytes"):
        thing(b"x").put_into(spool)


def test_held_objects_wait_for_a_person(spool: Spool, thing: Any, files: Any, now: datetime) -> None:
    """A held object keeps its contents and is never due."""
    event_id = thing(b"x", state=ObjectState.HELD).put_into(spool)
    spool.postpone(event_id, now, detail="still held", now=now)
    assert (spool.pending(now + timedelta(days=9), 10), spool.next_due()) == ((), None)
    assert len(files()) == 1
    _finish(spool, event_id, now, ObjectState.EXPIRED)
    assert files() == []


def test_record_without_parcel(spool: Spool, now: datetime) -> None:
    """An object of which nothing may leave has a record and nothing else; one that is to leave needs a parcel."""
    refused = ObjectRecord("r", ObjectState.REFUSED, now, now, 0, Reason.DETECTION, path=b"/a\n\xff", rule="3")
    spool.record(refused)
    spool.record(ObjectRecord("r", ObjectState.FAILED, now, now, 0, Reason.DETECTION))
    assert spool.get("r") == refused
    with pytest.raises(ValueError, match="without a parcel"):
        spool.record(ObjectRecord("s", ObjectState.SPOOLED, now, now, 0, Reason.DETECTION))


def test_listing(spool: Spool, thing: Any, now: datetime) -> None:
    """Records come newest first, in pages, by state."""
    events = [thing(b"%d" % number).put_into(spool) for number in range(5)]
    _finish(spool, events[1], now)
    assert [record.event_id for record in spool.list(limit=2)] == [events[4], events[3]]
    assert [record.event_id for record in spool.list(after=events[3])] == [events[2], events[1], events[0]]
    assert [record.event_id for record in spool.list(state=ObjectState.DELIVERED)] == [events[1]]
    assert spool.counts() == {ObjectState.SPOOLED: 4, ObjectState.DELIVERED: 1}
    assert spool.counts()[ObjectState.EXPIRED] == 0


def test_survives_its_process(open_spool: Any, thing: Any, now: datetime) -> None:
    """What was put, postponed, remembered and concluded is there for the next process."""
    spool = open_spool()
    event_id = thing(b"x").put_into(spool)
    sha256 = hashlib.sha256(b"x").hexdigest()
    spool.postpone(event_id, now + timedelta(seconds=9), detail="busy", now=now)
    spool.remember_upload(event_id, sha256, "https://queue/1")
    spool.set_cursor(12)
    spool.set_verdict(event_id, Verdict(Conclusion.BENIGN, 0, "a", now), now)
    spool.close()
    again = open_spool()
    assert again.next_due() == now + timedelta(seconds=9)
    assert again.pending(now, 10) == ()
    assert [waiting.attempts for waiting in again.pending(now + timedelta(seconds=9), 10)] == [1]
    assert (again.upload_url(event_id, sha256), again.cursor()) == ("https://queue/1", 12)
    record = again.get(event_id)
    assert record is not None
    assert record.verdict == Verdict(Conclusion.BENIGN, 0, "a", now)


def test_sweep(spool: Spool, thing: Any, files: Any, folder: Path) -> None:
    """What a crash leaves (orphaned contents, temporary files) is removed and named; what is needed stays."""
    thing(b"needed").put_into(spool)
    needed = files()
    orphan = "ab" + "0" * 62
    (folder / "contents" / "ab").mkdir(exist_ok=True)
    (folder / "contents" / "ab" / f"{orphan}.sealed").write_bytes(b"orphan")
    (folder / "contents" / "ab" / ".abc.part").write_bytes(b"half")
    assert sorted(spool.sweep()) == [".abc.part", f"{orphan}.sealed"]
    assert files() == needed
    assert spool.sweep() == ()


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_names_of_contents(spool: Spool, name: str) -> None:
    """Nothing but a SHA-256 names a content."""
    with pytest.raises(ValueError, match="not a SHA-256"):
        spool.open_content(name)


def test_content_that_is_not_there(spool: Spool) -> None:
    """A content that is absent is a clear error."""
    with pytest.raises(SpoolError, match="cannot be read"):
        spool.open_content("a" * 64)


def test_many_threads(spool: Spool, thing: Any, files: Any, now: datetime) -> None:
    """Threads that put and end objects with common contents at once leave exactly what is still needed."""
    pieces = [bytes([number]) * 3000 for number in range(4)]
    things = [thing(b"".join(pieces), [(3000 * (n % 4), 3000), (3000 * ((n + 1) % 4), 3000)]) for n in range(24)]
    barrier = threading.Barrier(4)

    def work(lane: int) -> None:
        barrier.wait()
        for each in things[lane::4]:
            each.put_into(spool)
            if each is not things[-1]:
                _finish(spool, each.event_id, now)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert files() == sorted(content.sha256 for content in things[-1].contents)
    assert spool.counts() == {ObjectState.DELIVERED: 23, ObjectState.SPOOLED: 1}


# --- a full disk and a killed process --------------------------------------------------------------------------------

_ENDLESS = """
for number in itertools.count(int(sys.argv[2])):
    put(str(number), b"%d" % (number // 2) * 2000)
    print("put", number, flush=True)
    if number % 3:
        spool.finish(str(number), ObjectState.DELIVERED, detail="", sent_bytes=0, now=NOW)
        print("finished", number, flush=True)
"""


def _promised(lines: list[str]) -> tuple[set[str], set[str]]:
    put = {line.split()[1] for line in lines if line.startswith("put ")}
    return put, {line.split()[1] for line in lines if line.startswith("finished ")}


def test_killed_at_any_moment(
    tmp_path: Path, open_spool: Callable[..., Spool], folder: Path, now: datetime, program: str
) -> None:
    """However often the process is killed: what was acknowledged is there, what waits is whole, nothing is left."""
    lines: list[str] = []
    for turn in range(20):
        command = [sys.executable, "-c", program + _ENDLESS, str(tmp_path), str(turn * 10_000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(2 + turn % 5):
                lines.append(process.stdout.readline())
            process.kill()
            lines += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    put, finished = _promised(lines)
    assert len(put) >= 20
    spool = open_spool()
    spool.sweep()
    waiting = {each.event_id: each for each in spool.pending(now, 10_000)}
    for event_id in put:
        record = spool.get(event_id)
        assert record is not None
        assert event_id in waiting or record.state is ObjectState.DELIVERED
    assert not finished & waiting.keys()
    needed = {content.sha256 for each in waiting.values() for content in each.contents}
    assert needed == {path.stem for path in (folder / "contents").glob("*/*")}
    for sha256 in needed:
        with spool.open_content(sha256) as file:
            assert hashlib.sha256(file.read()).hexdigest() == sha256


_LIMITED = """
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
put("small", b"s" * 1000)
try:
    put("large", b"l" * 2_000_000)
except SpoolFull as error:
    print(error)
put("after", b"a" * 1000)
"""


def test_file_that_may_not_grow(tmp_path: Path, open_spool: Callable[..., Spool], files: Any, program: str) -> None:
    """A write that the system refuses for want of room is SpoolFull: nothing half is visible, and the spool goes on."""
    command = [sys.executable, "-c", program + _LIMITED, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "File too large; make room" in said
    spool = open_spool()
    assert {record.event_id for record in spool.list()} == {"small", "after"}
    assert files() == sorted(hashlib.sha256(data).hexdigest() for data in (b"s" * 1000, b"a" * 1000))


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """A disk of 2 MiB at ``folder``; ``False`` where this user may not mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


_FILLING = """
for number in range(100):
    try:
        put(str(number), os.urandom(100_000))
        print("put", number)
    except SpoolFull:
        print("full", number)
with open(folder / "filler", "wb", 0) as filler:
    try:
        while True:
            filler.write(b"f" * 512)
    except OSError as error:
        print("filled", error.errno)
for number in range(3):
    spool.finish(str(number), ObjectState.DELIVERED, detail="", sent_bytes=0, now=NOW)
put("after", b"a" * 1000)
print("put after")
print("waiting", spool.counts()[ObjectState.SPOOLED])
"""


def test_full_disk(tmp_path: Path, program: str) -> None:
    """On a full disk every object is kept whole or refused, and room that becomes free is used again."""
    disk = tmp_path / "disk"
    with _small_disk(disk) as mounted:
        filling = _FILLING if mounted else "resource.setrlimit(resource.RLIMIT_FSIZE, (90_000,) * 2)\n" + _LIMITED_PUTS
        command = [sys.executable, "-c", program + filling, str(disk)]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stderr
        assert "full" in said.stdout
        assert "put after" in said.stdout
        names = [path.name for path in (disk / "spool" / "contents").glob("*/*")]
        assert f"waiting {len(names)}\n" in said.stdout
        assert not [name for name in names if name.startswith(".")]


_LIMITED_PUTS = """
try:
    put("large", b"l" * 100_000)
except SpoolFull:
    print("full")
put("after", b"a" * 1000)
print("put after")
print("waiting", spool.counts()[ObjectState.SPOOLED])
"""
