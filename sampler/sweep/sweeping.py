"""The sweep: many files, a few at a time, told in the order of the walk."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from sampler import snapshot
from sampler.describe import owner_class, owner_of
from sampler.errors import ChildDied, ChildTimedOut, SpoolError
from sampler.examine import Examiner, Swept, read_whole
from sampler.limits import BUNDLE_FILE_MAX_BYTES, KIB, OBJECT_MAX_BYTES, SWEEP_ATTEMPTS_MAX_COUNT
from sampler.model import Candidate, Failure, FileStat, PathSource, Peer, Reason, Scanned, Snapshot
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import SystemClock
from sampler.snapshot import OwnFile, SnapshotTaker
from sampler.storage.scan_memory import ScanMemory
from sampler.sweep.bundles import Bundle, SmallFile, read_small
from sampler.sweep.contexts import Contexts
from sampler.sweep.outcomes import FileFailure, FileReport, Outcome
from sampler.sweep.recalling import state_of
from sampler.walk import Found

HIT_BYTES_MAX_COUNT: Final = 512
"""As libyara keeps of a match unless it is told otherwise (``max_match_data``)."""
_READY_FOR_EACH: Final = 3
"""For each child what it has and what is ready for it, so that none waits while files are read."""
_LEAD_MAX_COUNT: Final = 4096
"""Outcomes that are known but wait for an earlier one."""
_HASHED_FIRST_BYTES: Final = range(4 * KIB, 1024 * KIB)
"""Sizes of files that are hashed before they are scanned, if bytes of that very size are known: below, scanning costs
no more; above, hashing twice costs too much when it was for nothing."""
_SETTLED_NS: Final = 2_000_000_000
"""A file that changed so shortly before it was opened can change again without its times telling: clocks are coarse."""


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """How files are swept."""

    spool: Path
    """Where snapshots of large matching files lie."""
    at_once: int = 2
    max_bytes: int = OBJECT_MAX_BYTES
    """A larger file is named and not scanned."""
    hit_bytes: bool = False
    """Report the bytes of hits."""
    bundle_file_max_bytes: int = BUNDLE_FILE_MAX_BYTES
    """Files up to here are looked at several at a time; below 0: none."""


@dataclass(slots=True)
class Sweep:
    """Looks at files with one examiner and what is remembered."""

    examiner: Examiner
    start: Callable[[], Awaitable[None]]
    """Starts the examiner; called before the first file that has to be looked at, and never if all are remembered."""
    contexts: Contexts
    memory: ScanMemory | None
    settings: SweepSettings
    now_ns: Callable[[], int] = time.time_ns
    _taker: SnapshotTaker = field(init=False)
    _slots: asyncio.Semaphore = field(init=False)
    _started: bool = False
    _bundle: Bundle = field(default_factory=Bundle)
    _bundled: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._taker = SnapshotTaker(self.settings.spool, max_bytes=self.settings.max_bytes)
        self._slots = asyncio.Semaphore(_READY_FOR_EACH * self.settings.at_once)

    @property
    def _small_max_bytes(self) -> int:
        return min(self.settings.bundle_file_max_bytes, self.settings.max_bytes)

    async def outcomes(self, files: Iterable[Outcome | Found]) -> AsyncGenerator[Outcome, None]:
        """What becomes of each file, in their order; what has become of it already (``recalled``) is passed on.

        Raises:
            SandboxError: no child, or none with rules, can be had.
        """
        waiting: deque[Outcome | asyncio.Future[Outcome]] = deque()
        try:
            for file in files:
                waiting.append(await self._begun(file) if isinstance(file, Found) else file)
                if len(waiting) > _LEAD_MAX_COUNT and not _is_known(waiting[0]):
                    await self._send_bundle()
                while waiting and (len(waiting) > _LEAD_MAX_COUNT or _is_known(waiting[0])):
                    yield await _known(waiting.popleft())
            await self._send_bundle()
            while waiting:
                yield await _known(waiting.popleft())
        finally:
            left: list[asyncio.Future[Any]] = [*self._bundled]
            left += [one for one in waiting if isinstance(one, asyncio.Future)]
            for one in left:
                one.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _begun(self, file: Found) -> Outcome | asyncio.Future[Outcome]:
        """The outcome, if no child need look at the file for it, or what will have it."""
        if not self._started:
            await self.start()
            self._started = True
        if file.status.st_size <= self._small_max_bytes:
            return await self._begun_small(file.path)
        return await self._begun_alone(file.path)

    async def _begun_alone(self, path: bytes) -> asyncio.Future[Outcome]:
        await self._slots.acquire()
        task = asyncio.create_task(self._look(path))
        task.add_done_callback(lambda _: self._slots.release())
        return task

    async def _begun_small(self, path: bytes) -> Outcome | asyncio.Future[Outcome]:
        """Read a small file and have it wait for others, unless it is known, or does not stand still."""
        try:
            small = read_small(path, self.now_ns(), max_bytes=self._small_max_bytes)
        except OSError as error:
            return FileFailure(path, "read-error", f"it could not be read: {error.strerror or error}")
        if isinstance(small, Failure):
            return FileFailure(path, small.code, small.detail)
        if small is None:
            return await self._begun_alone(path)
        known = self._known_bytes(path, small.status, small.content)
        if known is not None:
            self._remember(path, small.status, known, small.begun_ns)
            return self._recalled_report(path, known)
        waiter = self._bundle.add(small)
        if self._bundle.is_full:
            await self._send_bundle()
        return waiter

    async def _send_bundle(self) -> None:
        """Have a child look at the small files that wait."""
        bundle, self._bundle = self._bundle, Bundle()
        if not bundle.files:
            return
        await self._slots.acquire()
        task = asyncio.create_task(self._look_at_bundle(bundle))
        self._bundled.add(task)
        task.add_done_callback(self._forget)
        task.add_done_callback(lambda _: self._slots.release())

    def _forget(self, looking: asyncio.Task[None]) -> None:
        """What a look at a bundle ended with was told to all who waited; nobody asks the task itself."""
        self._bundled.discard(looking)
        if not looking.cancelled():
            looking.exception()

    async def _look_at_bundle(self, bundle: Bundle) -> None:
        """Tell who waits for each file; what goes wrong with one file or with all is theirs to raise."""
        answers: Sequence[Swept | None] = [None] * len(bundle.files)
        try:
            with contextlib.suppress(ChildDied, ChildTimedOut):  # each by itself, to tell which one it was
                files = [(small.request, small.content) for small, _ in bundle.files]
                answers = await self.examiner.sweep_bundle(files)
            for (small, waiter), swept in zip(bundle.files, answers, strict=True):
                outcome = await self._of_bundle(small, swept)
                if not waiter.done():
                    waiter.set_result(outcome)
        except BaseException as error:  # the job boundary: whoever waits for a file must not wait for ever
            bundle.fail(error)
            if not isinstance(error, Exception):
                raise

    async def _of_bundle(self, small: SmallFile, swept: Swept | None) -> Outcome:
        """What a child's answer means for one file; if there is none, or rules match, it is looked at by itself."""
        if swept is None or swept.matches:
            return await self._look(small.path)
        scanned = Scanned(swept.sha256, swept.size, swept.mime_type)
        if not swept.problems:
            self._remember(small.path, small.status, scanned, small.begun_ns)
        return FileReport(small.path, scanned, self.contexts.ruleset_version, swept.problems)

    def _recalled_report(self, path: bytes, scanned: Scanned) -> FileReport:
        return FileReport(path, scanned, self.contexts.ruleset_version, recalled=True)

    def _fit(self, scanned: Scanned | None) -> Scanned | None:
        """A match is scanned again where the bytes of its hits are wanted."""
        return None if scanned is not None and scanned.matches and self.settings.hit_bytes else scanned

    async def _look(self, path: bytes) -> Outcome:
        """Scan a file until it stands still for as long as that takes."""
        try:
            for _ in range(SWEEP_ATTEMPTS_MAX_COUNT):
                outcome = await self._look_once(path)
                if outcome is not None:
                    return outcome
        except ChildTimedOut as error:
            return FileFailure(path, "timed-out", str(error))
        except ChildDied as error:
            return FileFailure(path, "scan-failed", str(error))
        except SpoolError as error:
            return FileFailure(path, "not-confirmed", f"rules match, but no copy can be taken to confirm it: {error}")
        return FileFailure(path, "changed", "it kept changing while it was scanned; scan it again")

    async def _look_once(self, path: bytes) -> Outcome | None:
        """One scan; ``None`` if the file changed meanwhile."""
        begun_ns = self.now_ns()
        opened = snapshot.open_own(path)
        if isinstance(opened, Failure):
            return FileFailure(path, opened.code, opened.detail)
        try:
            return await self._look_at(opened, path, begun_ns)
        finally:
            os.close(opened.descriptor)

    async def _look_at(self, opened: OwnFile, path: bytes, begun_ns: int) -> Outcome | None:
        before = opened.status
        if before.st_size > self.settings.max_bytes:
            detail = f"it has {before.st_size} bytes; at most {self.settings.max_bytes} are scanned"
            return FileFailure(path, "too-large", detail)
        known = self._known_content(opened, path)
        if known is not None:
            self._remember(path, before, known, begun_ns)
            return self._recalled_report(path, known)
        swept = await self._swept(opened, path)
        if swept is None:
            return None
        if swept.matches:
            return await self._confirmed(path)
        scanned = Scanned(swept.sha256, swept.size, swept.mime_type)
        if not swept.problems:
            self._remember(path, before, scanned, begun_ns)
        return FileReport(path, scanned, self.contexts.ruleset_version, swept.problems)

    async def _swept(self, opened: OwnFile, path: bytes) -> Swept | None:
        before = opened.status
        owner = owner_class(before.st_uid)
        try:
            swept = await self.examiner.sweep(opened.descriptor, before.st_size, path, owner)
        except ChildDied:
            if state_of(os.fstat(opened.descriptor)) != state_of(before):  # cut short under its mapping
                return None
            raise
        unchanged = swept.size == before.st_size and state_of(os.fstat(opened.descriptor)) == state_of(before)
        return swept if unchanged else None

    async def _confirmed(self, path: bytes) -> Outcome | None:
        """The matches in a snapshot of the file; ``None`` if it has none any more."""
        begun_ns = self.now_ns()
        taken = await self._taken(path)
        if isinstance(taken, Failure):
            return None if taken.code == "changed" else FileFailure(path, taken.code, taken.detail)
        try:
            found = await self.examiner.examine(taken, owner=owner_of(taken), rules_only=True)
            if not found.matches and not found.problems:
                return None
            scanned = Scanned(taken.sha256, taken.size, found.mime_type, found.matches)
            hit_bytes = await off_loop(_hit_bytes, taken, scanned) if self.settings.hit_bytes else ()
        finally:
            snapshot.release(taken)
        problems = tuple(problem for problem in found.problems if problem.stage == "scan")
        if not problems:
            self._remember_snapshot(taken, scanned, begun_ns)
        return FileReport(path, scanned, found.ruleset_version, problems, hit_bytes=hit_bytes)

    async def _taken(self, path: bytes) -> Snapshot | Failure:
        """A snapshot; one for which nobody waits any more is given back."""
        taking = asyncio.ensure_future(off_loop(self._taker.take, _candidate(path)))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            taking.add_done_callback(_give_back)
            raise

    def _known_content(self, opened: OwnFile, path: bytes) -> Scanned | None:
        """The result of the same bytes in another file, or in this one before it was touched."""
        size = opened.status.st_size
        if self.memory is None or size not in _HASHED_FIRST_BYTES or not self.memory.may_know(size):
            return None
        try:
            content = read_whole(opened.descriptor, size)
        except OSError:  # the child will meet it as well, and that is told
            return None
        return self._known_bytes(path, opened.status, content) if len(content) == size else None

    def _known_bytes(self, path: bytes, status: os.stat_result, content: bytes) -> Scanned | None:
        """The result of the same bytes, if they may be known at all."""
        size = len(content)
        if self.memory is None or size not in _HASHED_FIRST_BYTES or not self.memory.may_know(size):
            return None
        context = self.contexts.of(path, status.st_uid)
        return self._fit(self.memory.recall_content(hashlib.sha256(content).hexdigest(), context))

    def _remember(self, path: bytes, status: os.stat_result, scanned: Scanned, begun_ns: int) -> None:
        """Keep a result, unless the file had just changed when reading it began: it may have changed once more."""
        settled = max(status.st_mtime_ns, status.st_ctime_ns) < begun_ns - _SETTLED_NS
        if self.memory is not None and settled:
            folder, name = os.path.split(path)
            context = self.contexts.of(path, status.st_uid)
            self.memory.remember(self.contexts.of_folder(folder), name, state_of(status), context, scanned)

    def _remember_snapshot(self, taken: Snapshot, scanned: Scanned, begun_ns: int) -> None:
        """Keep the result of a snapshot, if the file is still what it was when the snapshot was begun."""
        assert taken.path is not None  # it was taken by its path
        with contextlib.suppress(OSError):
            now = os.lstat(taken.path)
            if _is_of(now, taken.stat):
                self._remember(taken.path, now, scanned, begun_ns)


def _is_known(one: Outcome | asyncio.Future[Outcome]) -> bool:
    return not isinstance(one, asyncio.Future) or one.done()


async def _known(one: Outcome | asyncio.Future[Outcome]) -> Outcome:
    return await one if isinstance(one, asyncio.Future) else one


def _is_of(status: os.stat_result, taken: FileStat) -> bool:
    """Whether a file is in the state that it was in when a snapshot of it was begun."""
    then = (taken.device, taken.inode, taken.size, taken.uid, taken.mtime_ns, taken.ctime_ns)
    return then == (
        status.st_dev, status.st_ino, status.st_size, status.st_uid, status.st_mtime_ns, status.st_ctime_ns
    )  # fmt: skip


def _give_back(taking: asyncio.Future[Snapshot | Failure]) -> None:
    if not taking.cancelled() and taking.exception() is None:
        taken = taking.result()
        if isinstance(taken, Snapshot):
            snapshot.release(taken)


def _candidate(path: bytes) -> Candidate:
    peer = Peer(os.geteuid(), os.getegid(), os.getpid(), tuple(os.getgroups()))
    return Candidate(str(uuid4()), SystemClock().now(), Reason.POLICY, peer, PathSource(path))


def _hit_bytes(taken: Snapshot, scanned: Scanned) -> tuple[tuple[bytes, ...], ...]:
    return tuple(
        tuple(
            b"".join(snapshot.read_range(taken, hit.offset, min(hit.length, HIT_BYTES_MAX_COUNT))) for hit in match.hits
        )
        for match in scanned.matches
    )
