"""The parent's side of an examination: children with the rules, one object at a time each."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self, TypeVar

from sampler.errors import NotDerivable, SandboxError
from sampler.examine.checking import check_boot_records, check_examination, check_swept
from sampler.examine.crew import Crew
from sampler.examine.messages import (
    BootRequest,
    BootTold,
    BundleRequest,
    Derived,
    DeriveRequest,
    Examined,
    ExamineRequest,
    MessageError,
    NotDerived,
    SweepRequest,
    Swept,
    SweptBundle,
    Unusable,
    decode_answer,
    encode,
)
from sampler.examine.settings import ExamineSettings, RuleReport, seconds_for_size
from sampler.limits import UNPACK_MEMBER_MAX_BYTES
from sampler.model import Examination, Region, Snapshot
from sampler.runtime.tasks import TaskKeeper
from sampler.sandbox import Confinement

T = TypeVar("T")
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class Examiner:
    """Examines snapshots in sandboxed children that share one compiled rule set."""

    def __init__(self, settings: ExamineSettings) -> None:
        self._settings = settings
        self._crew = Crew(settings)
        self._old: dict[Crew, asyncio.Task[None]] = {}
        """Those that still hold examinations, and what waits for the end of these."""
        self._reloading = asyncio.Lock()
        self._retiring = TaskKeeper("retiring-children")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> RuleReport:
        """Load the rules and start the children.

        Raises:
            RulesError: a folder is missing, or no rule compiles; nothing is left running.
            SandboxError: children cannot be had; nothing is left running.
        """
        return await self._crew.start()

    async def reload(self) -> RuleReport:
        """Load the rules as they are now, and have every examination that begins from now on run with them.

        The old children go on until the examinations that they hold have ended; none is dropped. Until the new ones are
        ready, and if they never are, the old rules run.

        Raises:
            RulesError: a folder is missing, or no rule compiles; the old rules run.
            SandboxError: children cannot be had; the old rules run.
        """
        async with self._reloading:
            crew = Crew(self._settings)
            report = await crew.start()
            old, self._crew = self._crew, crew
            self._old[old] = self._retiring.start("retire", self._retire(old))
            return report

    async def _retire(self, crew: Crew) -> None:
        await crew.retire()
        del self._old[crew]

    @property
    def report(self) -> RuleReport:
        """What the present nursery loaded; changes on disk show after ``reload``, or when a nursery was replaced.

        Raises:
            RulesError: it has no usable rules.
            SandboxError: it was never started, or reported nonsense.
        """
        return self._crew.report

    @property
    def confinement(self) -> Confinement:
        """What holds the present children, and what this kernel lacks for it."""
        return self._crew.pool.confinement

    @property
    def alive(self) -> int:
        """How many children live at this moment."""
        return self._crew.pool.alive

    async def examine(self, snapshot: Snapshot, *, owner: str = "", rules_only: bool = False) -> Examination:
        """What the rules and parsers find in a snapshot; it stays the caller's.

        Args:
            snapshot: the object; its child gets a descriptor that can only read.
            owner: what rules see as the external variable ``owner``.
            rules_only: type and rules; neither structure nor what only sampled objects need.

        Raises:
            ChildDied: the child crashed, gave up, or answered what cannot be; this object is not tried again.
            ChildTimedOut: it ran past the deadline and was killed.
            SandboxError: no child, or none with rules, can be had.
        """
        request = encode(ExamineRequest(snapshot.sha256, snapshot.size, snapshot.path, owner, rules_only))

        def read(answer: bytes) -> Examination | Unusable:
            return _believable(answer, snapshot)

        with _read_only(snapshot.descriptor) as descriptor, self._crew.at_work() as pool:
            return _with_rules(
                await pool.exchange(request, descriptor, read, more_seconds=seconds_for_size(snapshot.size))
            )

    async def derive(self, snapshot: Snapshot, recipe: tuple[str, ...], size: int) -> bytes:
        """The bytes that a recipe makes of a snapshot, made anew in a child; the snapshot stays the caller's.

        Args:
            snapshot: the whole object.
            recipe: of a region that ``examine`` found in it.
            size: how many bytes that region has; at most ``UNPACK_MEMBER_MAX_BYTES``.

        Raises:
            NotDerivable: the recipe does not apply, or makes another number of bytes now.
            ChildDied, ChildTimedOut, SandboxError: as ``examine``.
        """
        if not 0 < size <= UNPACK_MEMBER_MAX_BYTES:
            raise NotDerivable(f"{size} bytes are not derived, at most {UNPACK_MEMBER_MAX_BYTES} are")
        made = bytearray()
        with _read_only(snapshot.descriptor) as descriptor, self._crew.at_work() as pool:
            while len(made) < size:
                request = encode(DeriveRequest(snapshot.size, recipe, len(made)))
                more_seconds = seconds_for_size(snapshot.size)
                answer = await pool.exchange(request, descriptor, _derived, more_seconds=more_seconds)
                made += _page(answer, size)
        if len(made) != size:
            raise NotDerivable(f"it made {len(made)} bytes, {size} were expected")
        return bytes(made)

    async def boot_records(
        self, snapshot: Snapshot, places: tuple[tuple[int, int], ...], disk_size: int, sector_bytes: int
    ) -> tuple[Region, ...]:
        """Which boot records the stretches of a disk tell of, read or not; the snapshot stays the caller's.

        Args:
            snapshot: the stretches, one behind the other.
            places: of each, on the disk, and its length; bytes.
            disk_size: bytes.
            sector_bytes: of a logical sector.

        Raises:
            ChildDied, ChildTimedOut, SandboxError: as ``examine``.
        """
        request = encode(BootRequest(places, disk_size, sector_bytes))

        def read(answer: bytes) -> BootTold | Unusable:
            return _boot_told(answer, disk_size, sector_bytes)

        with _read_only(snapshot.descriptor) as descriptor, self._crew.at_work() as pool:
            return _with_rules(await pool.exchange(request, descriptor, read)).records

    async def sweep(self, descriptor: int, size: int, path: bytes, owner: str) -> Swept:
        """What the rules find in a live file, with its hash and type; the descriptor stays the caller's.

        The file can change at any time: an answer is a reason to take a snapshot, never a finding.

        Args:
            descriptor: open for reading only.
            size: bytes, as fstat(2) told.
            path: what rules see as the file's name.
            owner: what rules see as the external variable ``owner``.

        Raises:
            ChildDied, ChildTimedOut, SandboxError: as ``examine``.
        """
        with self._crew.at_work() as pool:
            request = encode(SweepRequest(size, path, owner))
            return _with_rules(await pool.exchange(request, descriptor, _swept, more_seconds=seconds_for_size(size)))

    async def sweep_bundle(self, files: Sequence[tuple[SweepRequest, bytes]]) -> tuple[Swept, ...]:
        """As ``sweep``, of several small files at a time whose bytes were read already; what holds one holds all.

        Raises:
            ChildDied, ChildTimedOut, SandboxError: as ``examine``; which file was at fault, each by itself will tell.
        """
        request = encode(BundleRequest(tuple(file for file, _ in files)))

        def read(answer: bytes) -> SweptBundle | Unusable:
            return _swept_bundle(answer, [len(content) for _, content in files])

        with _sealed(content for _, content in files) as descriptor, self._crew.at_work() as pool:
            return _with_rules(await pool.exchange(request, descriptor, read)).swept

    async def close(self) -> None:
        """End the children; examinations under way end with ``ChildDied``."""
        for crew, retiring in list(self._old.items()):
            await crew.pool.close()
            await asyncio.wait((retiring,))
        await self._crew.pool.close()


def _believable(data: bytes, snapshot: Snapshot) -> Examination | Unusable:
    answer = decode_answer(data)
    if isinstance(answer, Unusable):
        return answer
    if not isinstance(answer, Examined):
        raise MessageError("it answers another question")
    check_examination(answer.examination, sha256=snapshot.sha256, size=snapshot.size)
    return answer.examination


def _derived(data: bytes) -> Derived | NotDerived | Unusable:
    answer = decode_answer(data)
    if not isinstance(answer, Derived | NotDerived | Unusable):
        raise MessageError("it answers another question")
    return answer


def _page(answer: Derived | NotDerived | Unusable, size: int) -> bytes:
    if isinstance(answer, Unusable):
        raise SandboxError(f"the children have no rules any more: {answer.message}")
    if isinstance(answer, NotDerived):
        raise NotDerivable(answer.detail)
    if answer.size != size or not answer.page:
        raise NotDerivable(f"it makes {answer.size} bytes, {size} were expected")
    return answer.page


def _boot_told(data: bytes, disk_size: int, sector_bytes: int) -> BootTold | Unusable:
    answer = decode_answer(data)
    if isinstance(answer, Unusable):
        return answer
    if not isinstance(answer, BootTold):
        raise MessageError("it answers another question")
    check_boot_records(answer.records, disk_size, sector_bytes)
    return answer


def _swept(data: bytes) -> Swept | Unusable:
    answer = decode_answer(data)
    if isinstance(answer, Unusable):
        return answer
    if not isinstance(answer, Swept):
        raise MessageError("it answers another question")
    check_swept(answer)
    return answer


def _swept_bundle(data: bytes, sizes: Sequence[int]) -> SweptBundle | Unusable:
    answer = decode_answer(data)
    if isinstance(answer, Unusable):
        return answer
    if not isinstance(answer, SweptBundle) or [swept.size for swept in answer.swept] != sizes:
        raise MessageError("it answers another question")
    for swept in answer.swept:
        check_swept(swept)
    return answer


def _with_rules(answer: T | Unusable) -> T:
    if isinstance(answer, Unusable):
        raise SandboxError(f"the children have no rules any more: {answer.message}")
    return answer


@contextmanager
def _sealed(contents: Iterable[bytes]) -> Iterator[int]:
    """Bytes in memory that nobody can change any more (memfd_create(2))."""
    descriptor = os.memfd_create("sampler-bundle", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.writelines(contents)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _read_only(descriptor: int) -> Iterator[int]:
    """A descriptor of the same bytes that cannot write them, whatever the snapshot's own can do."""
    reader = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield reader
    finally:
        os.close(reader)
