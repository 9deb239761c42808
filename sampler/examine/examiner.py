"""The parent's side of an examination: children with the rules, one object at a time each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from sampler.errors import RulesError, SandboxError
from sampler.examine.checking import check_examination
from sampler.examine.messages import (
    ExamineRequest,
    MessageError,
    Unusable,
    decode_answer,
    decode_preparation,
    encode,
    encode_order,
)
from sampler.examine.settings import ExamineSettings, RuleReport
from sampler.model import Examination, Snapshot
from sampler.sandbox import ChildPool, Confinement

_ENTRY = "sampler.examine.child:prepare"


class Examiner:
    """Examines snapshots in sandboxed children that share one compiled rule set."""

    def __init__(self, settings: ExamineSettings) -> None:
        self._pool = ChildPool(
            _ENTRY,
            encode_order(settings.rule_folders),
            children=settings.children,
            deadline_seconds=settings.deadline_seconds,
            memory_max_bytes=settings.memory_max_bytes,
            require_sandbox=settings.require_sandbox,
        )

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
        await self._pool.start()
        try:
            return self.report
        except BaseException:
            await self.close()
            raise

    @property
    def report(self) -> RuleReport:
        """What the present nursery loaded; rules that changed on disk show after a nursery died and was replaced.

        Raises:
            RulesError: it has no usable rules.
            SandboxError: it was never started, or reported nonsense.
        """
        try:
            preparation = decode_preparation(self._pool.report)
        except MessageError as error:
            raise SandboxError(f"the sandbox reported no rules: {error}") from error
        if isinstance(preparation, Unusable):
            raise RulesError(preparation.message)
        return preparation.report

    @property
    def confinement(self) -> Confinement:
        """What holds the present children, and what this kernel lacks for it."""
        return self._pool.confinement

    @property
    def alive(self) -> int:
        """How many children live at this moment."""
        return self._pool.alive

    async def examine(self, snapshot: Snapshot, *, owner: str = "") -> Examination:
        """What the rules and parsers find in a snapshot; it stays the caller's.

        Args:
            snapshot: the object; its child gets a descriptor that can only read.
            owner: what rules see as the external variable ``owner``.

        Raises:
            ChildDied: the child crashed, gave up, or answered what cannot be; this object is not tried again.
            ChildTimedOut: it ran past the deadline and was killed.
            SandboxError: no child, or none with rules, can be had.
        """
        request = encode(ExamineRequest(snapshot.sha256, snapshot.size, snapshot.path, owner))

        def read(answer: bytes) -> Examination | Unusable:
            return _believable(answer, snapshot)

        with _read_only(snapshot.descriptor) as descriptor:
            answer = await self._pool.exchange(request, descriptor, read)
        if isinstance(answer, Unusable):
            raise SandboxError(f"the children have no rules any more: {answer.message}")
        return answer

    async def close(self) -> None:
        """End the children; examinations under way end with ``ChildDied``."""
        await self._pool.close()


def _believable(data: bytes, snapshot: Snapshot) -> Examination | Unusable:
    answer = decode_answer(data)
    if isinstance(answer, Unusable):
        return answer
    check_examination(answer.examination, sha256=snapshot.sha256, size=snapshot.size)
    return answer.examination


@contextmanager
def _read_only(descriptor: int) -> Iterator[int]:
    """A descriptor of the same bytes that cannot write them, whatever the snapshot's own can do."""
    reader = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield reader
    finally:
        os.close(reader)
