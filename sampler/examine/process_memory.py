"""Scanning the memory of one process: what it is, a child that reads it, and whether it still is what it was.

A process that ends during a scan looks to the engine like one without matches. So the process is held by a pidfd that
was opened before, and an answer counts only if the process is alive after it, is the one that was seen at first, and
runs the same program. It is not stopped, and nothing is written to it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from sampler.describe import owner_class
from sampler.errors import ChildDied, ChildTimedOut, SandboxError
from sampler.examine.messages import encode_order
from sampler.examine.process_messages import (
    MemoryRead,
    NotRead,
    NotReadBecause,
    ReadRequest,
    decode_answer,
    encode_request,
)
from sampler.examine.reports import report_in
from sampler.examine.settings import ExamineSettings, RuleReport
from sampler.limits import PROCESS_ID_MAX
from sampler.model import Failure, ObjectState, Problem, RuleMatch
from sampler.runtime.blocking import off_loop
from sampler.runtime.process_sighting import Sighting
from sampler.sandbox import ChildPool, Confinement, Profile
from sampler.sandbox.target_files import is_running

_ENTRY: Final = "sampler.examine.process_child:prepare"
_FAILURES: Final = {
    NotReadBecause.PERMISSION: (ObjectState.UNREADABLE, "permission"),
    NotReadBecause.GONE: (ObjectState.VANISHED, "target-ended"),
    NotReadBecause.TIMEOUT: (ObjectState.TIMED_OUT, "scan-timeout"),
    NotReadBecause.ENGINE: (ObjectState.FAILED, "scan-failed"),
}


@dataclass(frozen=True, slots=True)
class ProcessScan:
    """What the rules found in the memory of one process; the offsets of hits are addresses in it."""

    pid: int
    path: bytes | None
    """Its program; hostile text."""
    ruleset_version: str
    matches: tuple[RuleMatch, ...]
    matches_total: int
    """How many there were, kept or not."""
    problems: tuple[Problem, ...] = ()


class ProcessScanner:
    """Scans processes one at a time, each in a child of its own that ends with it. Belongs to one event loop."""

    def __init__(self, settings: ExamineSettings) -> None:
        self._pool = ChildPool(
            _ENTRY,
            encode_order(settings.rules, settings.limits),
            children=1,
            deadline_seconds=settings.deadline_seconds,
            memory_max_bytes=settings.memory_max_bytes,
            require_sandbox=settings.require_sandbox,
            profile=Profile.PROCESS,
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> RuleReport:
        """Load the rules.

        Raises:
            RulesError: a place is missing, or no rule compiles; nothing is left running.
            SandboxError: children cannot be had; nothing is left running.
        """
        try:
            return report_in(await self._pool.start())
        except BaseException:
            await self.close()
            raise

    @property
    def report(self) -> RuleReport:
        """The rules that run."""
        return report_in(self._pool.report)

    @property
    def confinement(self) -> Confinement:
        """What holds the children, and what could not be had; as an ordinary user some of it cannot."""
        return self._pool.confinement

    async def scan(self, pid: int) -> ProcessScan | Failure:
        """What the rules find in the memory of a process, or why that cannot be told.

        Raises:
            SandboxError: no child, or none with rules, can be had.
        """
        try:
            seen = await off_loop(Sighting.of, pid)
        except PermissionError:
            return _unreadable("permission", f"this user may not see process {pid}")
        failure = self._unfit(pid, seen)
        if failure is not None or seen is None:
            return failure or _no_such_process(pid)
        with _held(pid) as pidfd:
            if pidfd is None:
                return _unreadable("not-a-process", f"{pid} is no process any more, or the number of a thread")
            outcome = await self._ask(seen, pidfd)
            return await off_loop(_what_became_of, seen, pidfd) or outcome

    async def close(self) -> None:
        """End the child; a scan under way ends with a failure."""
        await self._pool.close()

    def _unfit(self, pid: int, seen: Sighting | None) -> Failure | None:
        """Why nobody could scan this process."""
        if not 0 < pid <= PROCESS_ID_MAX or seen is None:
            return _no_such_process(pid)
        if pid == os.getpid() or self._pool.is_own(pid):
            return _unreadable("own-process", f"process {pid} is this program; its rules would match themselves")
        if seen.is_kernel_thread:
            return _unreadable("kernel-thread", f"process {pid} is a thread of the kernel and has no memory of its own")
        if seen.has_ended:
            return Failure(ObjectState.VANISHED, "zombie", f"process {pid} has ended; its parent has not noticed yet")
        return None

    async def _ask(self, seen: Sighting, pidfd: int) -> ProcessScan | Failure:
        """Have a child scan it; what comes back counts only if it is alive and the same afterwards."""
        request = encode_request(ReadRequest(seen.pid, seen.path, owner_class(seen.user)))
        try:
            answer = await self._pool.exchange(request, pidfd, decode_answer)
        except ChildTimedOut as error:
            return Failure(ObjectState.TIMED_OUT, "deadline", str(error))
        except ChildDied as error:
            return Failure(ObjectState.FAILED, "child-died", str(error))
        if isinstance(answer, MemoryRead):
            return _scan_of(seen, answer)
        if isinstance(answer, NotRead):
            return _failure_of(seen, answer)
        raise SandboxError(f"the children have no rules any more: {answer.message}")


async def scan_process(settings: ExamineSettings, pid: int) -> ProcessScan | Failure:
    """What the rules find in the memory of one process, or why that cannot be told; for several, ``ProcessScanner``.

    Raises:
        RulesError: a place is missing, or no rule compiles.
        SandboxError: no child can be had.
    """
    async with ProcessScanner(settings) as scanner:
        return await scanner.scan(pid)


@contextmanager
def _held(pid: int) -> Iterator[int | None]:
    """A pidfd, so that the process can be told from any later one with its number."""
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        yield None
        return
    try:
        yield pidfd
    finally:
        os.close(pidfd)


def _what_became_of(seen: Sighting, pidfd: int) -> Failure | None:
    """Why nothing that was read can be believed: it is gone, is another one, or runs something else."""
    try:
        now = Sighting.of(seen.pid)
    except PermissionError:
        return _unreadable("permission", f"process {seen.pid} may not be seen any more")
    if now is None or now.has_ended or now.started != seen.started or not is_running(pidfd):
        return Failure(ObjectState.VANISHED, "target-ended", f"the target ended during the scan: process {seen.pid}")
    if now.program != seen.program:
        return Failure(ObjectState.CHANGED, "target-changed", f"process {seen.pid} ran another program during the scan")
    return None


def _scan_of(seen: Sighting, answer: MemoryRead) -> ProcessScan:
    return ProcessScan(
        pid=seen.pid,
        path=seen.path,
        ruleset_version=answer.ruleset_version,
        matches=answer.matches,
        matches_total=answer.matches_total,
        problems=answer.problems,
    )


def _failure_of(seen: Sighting, answer: NotRead) -> Failure:
    state, code = _FAILURES[answer.because]
    return Failure(state, code, f"the memory of process {seen.pid} could not be scanned: {answer.detail}")


def _unreadable(code: str, detail: str) -> Failure:
    return Failure(ObjectState.UNREADABLE, code, detail)


def _no_such_process(pid: int) -> Failure:
    return Failure(ObjectState.VANISHED, "absent", f"there is no process {pid}")
