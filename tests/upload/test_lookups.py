"""What a queue answers to look-ups, and what of it is taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sampler.errors import QueueFaulty
from sampler.model import LookUpQuestion
from sampler.permit import Consent, Policy, permit_look_up, shipped_statement
from sampler.wire.codec import encode
from sampler.wire.lookup_messages import LookUpEntry, padded

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINE, BESIDE, OTHER = "b7" + "ab" * 31, "b7" + "cd" * 31, "c0" + "ab" * 31


@pytest.fixture
def question() -> LookUpQuestion:
    """For everything that begins with b7."""
    statement = shipped_statement("basic")
    consent = Consent(statement.ref, statement.scopes, "root", NOW - timedelta(days=1))
    made = permit_look_up(MINE, 8, 16, statement, consent, Policy(), NOW)
    assert isinstance(made, LookUpQuestion)
    return made


def entry(sha256: str, **changes: Any) -> LookUpEntry:
    values: dict[str, Any] = {"conclusion": "malicious", "score": 9, "analyzer": "a\x1b[2J", "family": "f\n"}
    return LookUpEntry(sha256=sha256, at=NOW, expires=NOW + timedelta(days=1), **values | changes)


async def test_everything_under_the_prefix_comes_back(queue: Any, link: Any, question: LookUpQuestion) -> None:
    """By hash; texts are made fit for a terminal; what lies under another prefix is passed over."""
    answer = padded(8, 0xB7, (entry(MINE), entry(BESIDE), entry(OTHER)))
    queue.answer_once("GET", "/v1/lookup", 200, body=encode(answer))
    async with link() as opened:
        found = await opened.lookups.look_up(question)
    assert set(found) == {MINE, BESIDE}
    assert (found[MINE].analyzer, found[MINE].family) == ("a [2J", "f")


@pytest.mark.parametrize(("bits", "prefix"), [(8, 0xB6), (7, 0x5B), (9, 0x16E)])
async def test_an_answer_about_another_prefix(
    queue: Any, link: Any, question: LookUpQuestion, bits: int, prefix: int
) -> None:
    """Is none."""
    queue.answer_once("GET", "/v1/lookup", 200, body=encode(padded(bits, prefix, ())))
    async with link() as opened:
        with pytest.raises(QueueFaulty):
            await opened.lookups.look_up(question)


@pytest.mark.parametrize("body", [b"{}", b'{"bits": 25}', b'{"bits": -1}', b"\0"])
async def test_terms_that_are_none(queue: Any, link: Any, body: bytes) -> None:
    """A queue cannot ask for more bits than there is a use for."""
    queue.answer_once("GET", "/v1/lookup/terms", 200, body=body)
    async with link() as opened:
        with pytest.raises(QueueFaulty):
            await opened.lookups.terms()


@pytest.mark.parametrize("size", [0, 256 * 1024 + 1])
async def test_pieces_of_a_list_are_bounded(queue: Any, link: Any, size: int) -> None:
    """One that brings nothing, or too much, ends the fetching."""
    queue.answer_once("GET", "/v1/known-good", 200, body=bytes(size))
    async with link() as opened:
        with pytest.raises(QueueFaulty):
            await opened.known_good.piece("0" * 64, 0)
