"""Asking hosts for more of an object: transitions, and the queue's part of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import Conflict, NotFound, TooMany
from sampler.model import AskState
from sampler.queue import AskRecord, Queue, QueuePolicy, Submission
from sampler.queue.asks import answered, expired
from sampler.storage.memory_queue import MemoryQueueLedger
from sampler.wire.ask_messages import AskAnswer, AskRequest

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ASKED = AskRequest(wants="parts", parts=("section:.text",))
OPEN = AskRecord("a1", "s1", "d1", ASKED, NOW, NOW + timedelta(days=7))
ANSWERS = st.builds(
    AskAnswer,
    outcome=st.sampled_from(["sent", "refused", "gone"]),
    answer=st.sampled_from([None, "11111111-1111-4111-8111-111111111111"]),
    reason=st.sampled_from([None, "P1", "P7"]),
)


class MovedClock(Protocol):
    def advance(self, seconds: float) -> None: ...


@given(answers=st.lists(ANSWERS, min_size=1, max_size=5))
def test_the_first_answer_stands(answers: list[AskAnswer]) -> None:
    """However often and in whatever order answers come, an ask ends once: by the first of them."""
    ended = answered(OPEN, answers[0])
    assert ended.state is not AskState.OPEN
    for again in answers:
        try:
            assert answered(ended, again) == ended
        except Conflict:
            assert again != answers[0]


def test_an_expired_ask_takes_no_answer() -> None:
    """Whoever answers too late is told that it has ended."""
    late = expired(OPEN)
    assert late.state is AskState.EXPIRED
    with pytest.raises(Conflict, match="it is expired"):
        answered(late, AskAnswer(outcome="sent"))


@pytest.fixture
def told(ledger: MemoryQueueLedger, device: str) -> str:
    """A submission that the device made."""
    ledger.add_submission(Submission("s1", device, NOW, b"{}"), {})
    return "s1"


async def test_a_host_reads_and_answers_what_it_is_asked(queue: Queue, told: str, device: str) -> None:
    """An open ask is seen by its host and by nobody else, until it is answered."""
    view = await queue.ask(told, ASKED)
    assert (view.state, view.submission, view.parts) == (AskState.OPEN, told, ("section:.text",))
    assert (await queue.open_asks(device, 0)).asks == (view,)
    assert (await queue.open_asks("another", 0)).asks == ()
    with pytest.raises(NotFound):
        await queue.answer_ask("another", view.id, AskAnswer(outcome="gone"))
    ended = await queue.answer_ask(device, view.id, AskAnswer(outcome="refused", reason="P8 parts-scope"))
    assert (ended.state, ended.reason) == (AskState.REFUSED, "P8 parts-scope")
    assert (await queue.open_asks(device, 0)).asks == ()
    assert (await queue.asks(told, 10)).asks == (ended,)


async def test_a_host_that_waits_is_woken(queue: Queue, told: str, device: str) -> None:
    """A long poll ends with the ask, not with its time."""
    waiting = asyncio.create_task(queue.open_asks(device, 30))
    await asyncio.sleep(0)
    view = await queue.ask(told, ASKED)
    async with asyncio.timeout(10):
        assert (await waiting).asks == (view,)


async def test_the_same_is_not_asked_twice_at_once(queue: Queue, told: str, device: str) -> None:
    """The same wish while it is open is the same ask; once it has ended it may be asked again."""
    first = await queue.ask(told, ASKED)
    assert await queue.ask(told, ASKED) == first
    assert (await queue.ask(told, AskRequest(wants="whole"))).id != first.id
    await queue.answer_ask(device, first.id, AskAnswer(outcome="gone"))
    assert (await queue.ask(told, ASKED)).id != first.id


async def test_what_is_not_there_cannot_be_asked_about(queue: Queue) -> None:
    """An unknown submission is named."""
    with pytest.raises(NotFound, match="no submission"):
        await queue.ask("s9", ASKED)


async def test_asks_of_one_host_are_bounded(
    make_queue: Callable[..., Queue], policy: QueuePolicy, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People cannot pile up more for one host than its ceiling."""
    async with make_queue() as queue:
        monkeypatch.setattr(queue, "_policy", replace(policy, open_asks_per_device_max=2))
        for context in (1, 2):
            await queue.ask(told, AskRequest(wants="parts", context=context))
        with pytest.raises(TooMany, match="2 unanswered asks"):
            await queue.ask(told, AskRequest(wants="parts", context=3))


async def test_time_ends_an_ask(queue: Queue, clock: MovedClock, told: str, device: str) -> None:
    """A host that does not answer in time is not waited for, and people see so."""
    await queue.ask(told, ASKED)
    clock.advance(7 * 86400)
    await queue.sweep()
    (ask,) = (await queue.asks(None, 10)).asks
    assert (ask.state, ask.reason) == (AskState.EXPIRED, "the host did not answer in time")
    assert (await queue.open_asks(device, 0)).asks == ()
