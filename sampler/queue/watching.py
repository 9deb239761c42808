"""What workers listen to: whether there is work, and whether what they work on is still theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from sampler.errors import Recalled
from sampler.model import TaskState
from sampler.queue import dispatch
from sampler.queue.core import TASKS_BELL, Core, submission_bell
from sampler.queue.dispatch import Leasing
from sampler.queue.ports import Ledger
from sampler.queue.views import task_view
from sampler.queue.waking import rung
from sampler.wire.messages import TaskView, WorkEvent

_ENDED: Final = (TaskState.DONE, TaskState.DEAD, TaskState.CANCELLED)
_GATHER_SECONDS: Final = 0.2
"""Between two looks for work, so that a busy queue is not asked at each ring."""


class Watching(Core):
    """Streams of changes; each ends when the process is about to end."""

    async def watch_task(self, task_id: str, seconds: float) -> AsyncIterator[TaskView | None]:
        """A task now and after each change but that of its lease's end, to its own end.

        ``None`` whenever nothing changed for so long. It ends as well when its host takes the submission back.

        Raises:
            NotFound: there is no such task.
            Recalled: its host took it back before.
        """
        last, submission = None, (await self._step(dispatch.find, task_id)).submission.id
        while last is None or last.state not in _ENDED:
            moved = self._bells.listen(submission_bell(submission))
            try:
                placed = await self._step(dispatch.find, task_id)
            except Recalled:
                return
            view = task_view(placed.task, placed.submission)
            if last is None or _but_for_its_end(view) != _but_for_its_end(last):
                last = view
                yield view
            elif self._bells.silenced:
                return
            elif not await rung(moved, seconds):
                yield None

    async def watch_work(
        self, kinds: frozenset[str], seconds: float, *, tenant: str | None = None
    ) -> AsyncIterator[WorkEvent]:
        """The kinds of analysis that tasks wait for, of these or of all: now, when that changes, and each ``seconds``.

        What a worker took meanwhile shows only after a moment: a lease is what counts.
        """
        last: WorkEvent | None = None
        asked = Leasing("", "", 0, kinds=kinds, tenant=tenant)
        while not self._bells.silenced:
            until = _time() + seconds
            while not self._bells.silenced:
                bell = self._bells.listen(TASKS_BELL)
                event = WorkEvent(waiting=await self._step(_kinds, asked))
                if event != last or not await rung(bell, until - _time()):
                    break
                await asyncio.sleep(_GATHER_SECONDS)
            last = event
            yield event


def _time() -> float:
    return asyncio.get_running_loop().time()


def _kinds(ledger: Ledger, asked: Leasing) -> list[str]:
    return sorted({lane.kind for lane in dispatch.work(ledger, asked)})


def _but_for_its_end(view: TaskView) -> TaskView:
    """Without the moment at which a lease ends: each renewal moves it, and nobody waits for that."""
    return msgspec.structs.replace(view, expires=None)
