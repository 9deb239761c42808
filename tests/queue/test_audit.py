"""Who did what is written down with what was done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sampler.errors import Conflict
from sampler.model import Conclusion
from sampler.queue import Actor, AuditQuestion, Device, Queue, TokenRecord
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.wire.ask_messages import AskRequest
from sampler.wire.audit_messages import Action, first_break
from sampler.wire.messages import CancelRequest, CompleteRequest, FailRequest, LeaseRequest
from sampler.wire.routes import Role

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ANN = Actor("ann", "analyst", "default")
BOT = Actor("bot", "worker", "*")

Deliver = Callable[..., Awaitable[str]]


async def _said(queue: Queue) -> list[tuple[str, str, str, str]]:
    page = await queue.audit(AuditQuestion())
    assert first_break(page.entries) is None
    return [(line.actor, line.action.value, line.subject, line.detail) for line in page.entries]


async def test_a_task_tells_who_had_it(queue: Queue, deliver: Deliver, clock: Any) -> None:
    """Each lease, report, cancellation and requeue is an entry, in order, with what else there is to say."""
    submission = await deliver(b"sample")
    given = (await queue.lease(LeaseRequest(worker="w7", seconds=60), by=BOT)).lease
    assert given is not None
    task = given.task.id
    await queue.fail(task, FailRequest(lease=given.lease, reason="broke", retry=False), BOT)
    await queue.requeue(task, ANN)
    await queue.cancel(task, CancelRequest(reason="enough"), ANN)
    await queue.requeue(task, ANN)
    given = (await queue.lease(LeaseRequest(worker="w7", seconds=60, task=task), by=BOT)).lease
    assert given is not None
    done = CompleteRequest(lease=given.lease, conclusion=Conclusion.BENIGN, score=3, analyzer="a")
    await queue.complete(task, done, BOT)
    await queue.complete(task, done, BOT)
    await queue.ask(submission, AskRequest(wants="whole", note="please"), ANN)
    await queue.note(ANN, Action.DOWNLOAD, "a" * 64, "cart")
    assert await _said(queue) == [
        ("bot", "lease", task, "w7"),
        ("bot", "fail", task, "broke"),
        ("ann", "requeue", task, ""),
        ("ann", "cancel", task, "enough"),
        ("ann", "requeue", task, ""),
        ("bot", "lease", task, "w7"),
        ("bot", "complete", task, "benign 3"),
        ("ann", "ask", submission, "please"),
        ("ann", "download", "a" * 64, "cart"),
    ]


async def test_what_was_not_done_is_not_written_down(queue: Queue, deliver: Deliver) -> None:
    """A report under no lease, and a look for work that finds none, leave no entry."""
    assert (await queue.lease(LeaseRequest(worker="w", seconds=60), by=BOT)).lease is None
    await deliver(b"sample")
    (task,) = (await queue.tasks()).tasks
    with pytest.raises(Conflict):
        await queue.fail(task.id, FailRequest(lease="none", reason="broke"), BOT)
    assert await _said(queue) == []


async def test_an_enrolment_is_an_entry_of_its_token(queue: Queue, ledger: MemoryQueueLedger, device: str) -> None:
    """It is written down which token let which host in."""
    ledger.add_token(TokenRecord("f" * 64, Role.ENROLL, "desk 3", NOW, datetime(2027, 1, 1, tzinfo=UTC)))
    await queue.enroll("f" * 64, Device(device, "abc", "desk 3", NOW, NOW))
    assert await _said(queue) == [("desk 3", "enroll", device, "")]


async def test_entries_come_a_page_at_a_time(queue: Queue) -> None:
    """The cursor of one page leads to the next, the last page has none, and what came meanwhile is behind them."""
    for number in range(5):
        await queue.note(ANN, Action.DOWNLOAD, str(number))
    first = await queue.audit(AuditQuestion(), limit=2)
    await queue.note(ANN, Action.DOWNLOAD, "5")
    assert first.after == 1
    second = await queue.audit(AuditQuestion(), after=first.after, limit=4)
    assert [line.subject for line in (*first.entries, *second.entries)] == list("012345")
    assert second.after is None
    assert first_break((*first.entries, *second.entries)) is None


async def test_the_sweep_chains_and_forgets(queue: Queue, ledger: MemoryQueueLedger, clock: Any) -> None:
    """Nothing stays out of the chain for long, and what is older than it is kept goes."""
    await queue.note(ANN, Action.DOWNLOAD, "old")
    await queue.sweep()
    assert ledger.loose_acts(1) == ()
    clock.advance(731 * 86_400)
    await queue.note(ANN, Action.DOWNLOAD, "new")
    await queue.sweep()
    page = await queue.audit(AuditQuestion())
    assert [(line.position, line.subject) for line in page.entries] == [(1, "new")]


async def test_words_that_are_too_long_are_cut(queue: Queue) -> None:
    """A reason of any length makes an entry that can be read back."""
    await queue.note(ANN, Action.DOWNLOAD, "s" * 5000, "d" * 5000)
    ((_, _, subject, detail),) = await _said(queue)
    assert (len(subject), len(detail)) == (1024, 1024)
