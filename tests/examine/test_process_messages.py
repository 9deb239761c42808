"""What parent and child say to each other about a process's memory."""

from __future__ import annotations

import msgspec
import pytest

from sampler.examine.messages import MessageError, Unusable, encode
from sampler.examine.process_messages import (
    MemoryRead,
    NotRead,
    NotReadBecause,
    ReadRequest,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from sampler.limits import MATCHES_MAX_COUNT, PROBLEMS_MAX_COUNT
from sampler.model import Problem, RuleMatch, StringHit

HIT = StringHit("$a", 0xFFFF_FFFF_FF60_0000, 4)
MATCH = RuleMatch("rule", "file.yar", ("tag",), (("author", "x" * 500),), (HIT,) * 100, 100)
READ = MemoryRead("sha256:0", (MATCH,) * 3, 3, (Problem("scan", "some", "thing"),))


def test_there_and_back() -> None:
    """Requests and answers arrive as they were sent, addresses of the highest half included."""
    for request in (ReadRequest(1, b"/bin/\xff", "root"), ReadRequest(2, None, "")):
        assert decode_request(encode_request(request)) == request
    for answer in (READ, NotRead(NotReadBecause.PERMISSION, "no")):
        assert decode_answer(encode_answer(answer)) == answer
    assert decode_answer(encode(Unusable("no rules"))) == Unusable("no rules")


@pytest.mark.parametrize(
    "data", [b"", b"\xc1", b"\x81\xa3pid\x01", msgspec.msgpack.encode({"type": "read", "more": 1})]
)
def test_garbage(data: bytes) -> None:
    """Bytes that are no message are refused, whichever side gets them."""
    with pytest.raises(MessageError):
        decode_answer(data)
    with pytest.raises(MessageError):
        decode_request(data)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (MemoryRead("", (RuleMatch("r", "n"),) * (MATCHES_MAX_COUNT + 1), 5000, ()), "more matches or problems"),
        (MemoryRead("", (), 0, READ.problems * (PROBLEMS_MAX_COUNT + 1)), "more matches or problems"),
        (MemoryRead("", (MATCH,), 0, ()), "1 matches of 0"),
    ],
)
def test_answers_that_cannot_be(answer: MemoryRead, why: str) -> None:
    """More than is taken, and numbers that contradict each other, are refused."""
    with pytest.raises(MessageError, match=why):
        decode_answer(msgspec.msgpack.encode(answer))


@pytest.mark.parametrize(("ceiling", "hits", "meta"), [(1 << 20, 100, 1), (3000, 0, 1), (700, 0, 0)])
def test_answers_that_would_be_too_long(ceiling: int, hits: int, meta: int) -> None:
    """Hits go first, then metadata; how many hits there were stays known, and that some are missing is said."""
    data = encode_answer(READ, ceiling)
    answer = decode_answer(data)
    assert len(data) <= ceiling
    assert isinstance(answer, MemoryRead)
    assert [(len(match.hits), len(match.meta), match.hits_total) for match in answer.matches] == [(hits, meta, 100)] * 3
    assert ("too-much" in [problem.code for problem in answer.problems]) == (hits == 0)
