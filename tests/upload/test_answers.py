"""Reading answers, as pure code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import QueueBusy, QueueFaulty, QueueRefused, SamplerError
from sampler.upload.answers import Answer, message_of, plain, require, retry_after_seconds
from sampler.wire.messages import Health

_DATE = "Tue, 24 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, QueueBusy), (502, QueueBusy), (503, QueueBusy), (504, QueueBusy), (507, QueueBusy), (400, QueueRefused),
        (404, QueueRefused), (499, QueueRefused), (302, QueueFaulty), (500, QueueFaulty), (204, QueueFaulty),
    ],
)  # fmt: skip
def test_statuses(status: int, error: type[SamplerError]) -> None:
    """Each status that was not expected has one meaning."""
    with pytest.raises(error, match=f"asking: the queue answered {status}"):
        require(Answer(status), "asking", 200)
    assert require(Answer(status), "asking", status).status == status


def test_the_queues_own_words() -> None:
    """A problem's detail is passed on, made fit for a terminal; its status stays."""
    body = b'{"type": "x", "title": "No", "status": 422, "detail": "bad\\u0007 field", "more": [1]}'
    with pytest.raises(QueueRefused, match="422: bad  field") as caught:
        require(Answer(422, {}, body), "asking", 200)
    assert caught.value.status == 422


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"detail": 5}', b"\xff", b"[" * 5000])
def test_bodies_that_are_no_problem(body: bytes) -> None:
    """An error without a readable problem is reported by its status alone."""
    with pytest.raises(QueueRefused, match=r"answered 404$"):
        require(Answer(404, {}, body), "asking", 200)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "999999"}, 3600.0),
        ({"retry-after": "9" * 400}, 3600.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Tue, 24 Nov 2026 12:01:30 GMT", "date": _DATE}, 90.0),
        ({"retry-after": "Tue, 24 Nov 2026 11:00:00 GMT", "date": _DATE}, 0.0),
        ({"retry-after": "Tue, 24 Nov 2027 11:00:00 GMT", "date": _DATE}, 3600.0),
        ({"retry-after": "Tue, 24 Nov 2026 12:01:30 GMT"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds or a date, never more than an hour; what is neither is nothing."""
    assert retry_after_seconds(headers) == seconds


@given(st.text(), st.text())
def test_any_retry_after(value: str, date: str) -> None:
    """Whatever stands in the headers is a wait within bounds, or none."""
    seconds = retry_after_seconds({"retry-after": value, "date": date})
    assert seconds is None or 0 <= seconds <= 3600


def test_message() -> None:
    """A body is a message, or a failure of the queue with the place."""
    assert message_of(Answer(200, {}, b'{"status": "ok"}'), Health, "asking") == Health(status="ok")
    with pytest.raises(QueueFaulty, match=r"asking: .*status"):
        message_of(Answer(200, {}, b'{"status": 1}'), Health, "asking")


def test_plain() -> None:
    """Text from outside becomes one bounded line without control characters."""
    assert plain(" a\n\x1b[31mb\u202e ") == "a  [31mb"
    assert len(plain("x" * 5000)) == 1024
