"""What a child does with a live file, and what the parent believes of it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import ChildDied
from sampler.examine import Examiner, ExamineSettings, rules_child
from sampler.examine.checking import check_swept
from sampler.examine.messages import (
    MessageError,
    SweepRequest,
    Swept,
    decode_answer,
    decode_request,
    encode,
    encode_swept,
)
from sampler.examine.reading import hash_live, read_whole
from sampler.examine.rules_child import RulesExaminer
from sampler.limits import FRAME_MAX_BYTES, HITS_PER_RULE_MAX_COUNT, MATCHES_MAX_COUNT, PROBLEMS_MAX_COUNT
from sampler.model import Problem, RuleMatch, StringHit
from sampler.scan import RuleSet, RuleSettings, ScanLimits

SWEPT = Swept("ab" * 32, 3, "text/plain", (RuleMatch("r", "n"),), (Problem("scan", "x", "y"),))


@pytest.fixture
def examiner(rules: Path) -> RulesExaminer:
    return RulesExaminer(RuleSet.load(RuleSettings((rules,))), ScanLimits())


def swept(examiner: RulesExaminer, file: Path, size: int | None = None) -> Swept:
    """The answer on a file, announced with a size."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        request = SweepRequest(file.stat().st_size if size is None else size, os.fsencode(file), "person")
        answer = decode_answer(examiner.handle(encode(request), descriptor))
    finally:
        os.close(descriptor)
    assert isinstance(answer, Swept)
    return answer


@pytest.mark.parametrize("whole", [True, False], ids=["read", "mapped"])
@pytest.mark.parametrize("content", [b"", b"hay", b"hay needle", b"MZ" + bytes(1000) + b"needle"])
def test_hash_type_and_rules(
    examiner: RulesExaminer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, whole: bool
) -> None:
    """Read at once or mapped, the answer is the same: hash and size of the bytes, and what a snapshot would match."""
    monkeypatch.setattr(rules_child, "READ_WHOLE_MAX_BYTES", 10_000 if whole else -1)
    file = tmp_path / "sample"
    file.write_bytes(content)
    answer = swept(examiner, file)
    assert (answer.sha256, answer.size) == (hashlib.sha256(content).hexdigest(), len(content))
    names = {match.rule for match in answer.matches}
    assert ("needle" in names) == (b"needle" in content)
    assert ("program" in names) == content.startswith(b"MZ")
    assert ("nothing" in names) == (not content)
    assert "owned" in names
    assert answer.problems == ()


@pytest.mark.parametrize("whole", [True, False], ids=["read", "mapped"])
@pytest.mark.parametrize("announced", [5, 15])
def test_another_size_shows(
    examiner: RulesExaminer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bool, announced: int
) -> None:
    """A file that grew or shrank since it was announced is answered with a size that says so."""
    monkeypatch.setattr(rules_child, "READ_WHOLE_MAX_BYTES", 10_000 if whole else -1)
    (tmp_path / "sample").write_bytes(b"0123456789")
    assert swept(examiner, tmp_path / "sample", announced).size != announced


@given(content=st.binary(max_size=3000), announced=st.integers(0, 3000))
def test_no_more_is_read_than_announced(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, announced: int
) -> None:
    """At most one byte more than announced is read, however long the file is by now."""
    file = tmp_path_factory.mktemp("read") / "sample"
    file.write_bytes(content)
    descriptor = os.open(file, os.O_RDONLY)
    try:
        read = read_whole(descriptor, announced)
        digest, size = hash_live(descriptor, announced)
    finally:
        os.close(descriptor)
    assert read == content[: announced + 1]
    assert (digest, size) == (hashlib.sha256(read).hexdigest(), len(read))


def test_short_reads_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system may give fewer bytes than were asked for."""
    (tmp_path / "sample").write_bytes(bytes(range(200)))
    descriptor = os.open(tmp_path / "sample", os.O_RDONLY)
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda descriptor, size, offset: pread(descriptor, min(size, 7), offset))
    try:
        assert read_whole(descriptor, 200) == bytes(range(200))
        assert hash_live(descriptor, 200) == (hashlib.sha256(bytes(range(200))).hexdigest(), 200)
    finally:
        os.close(descriptor)


def test_messages_arrive() -> None:
    """Request and answer come out of the coding as they went in, whatever the file is called."""
    request = SweepRequest(5, b"/\xff\n", "person")
    assert decode_request(encode(request)) == request
    assert decode_answer(encode_swept(SWEPT)) == SWEPT


def test_a_long_answer_is_made_to_fit() -> None:
    """Hits and metadata go; that something matched, and where it was written, stays."""
    hits = tuple(StringHit("$" + "n" * 50, number, 1) for number in range(HITS_PER_RULE_MAX_COUNT))
    match = RuleMatch("r" * 500, "n" * 500, ("t" * 500,), (("k", "v" * 5000),), hits, 999)
    many = msgspec.structs.replace(SWEPT, matches=(match,) * MATCHES_MAX_COUNT)
    data = encode_swept(many)
    assert len(data) < FRAME_MAX_BYTES
    answer = decode_answer(data)
    assert isinstance(answer, Swept)
    assert answer.matches == (replace(match, hits=(), meta=(), tags=()),) * MATCHES_MAX_COUNT
    assert [problem.code for problem in answer.problems] == ["too-much"]


@pytest.mark.parametrize(
    "changes",
    [
        {"sha256": ""},
        {"sha256": "AB" * 32},
        {"sha256": "ab" * 32 + "\n"},
        {"size": -1},
        {"mime_type": "x" * 1025},
        {"matches": (RuleMatch("r", "n"),) * (MATCHES_MAX_COUNT + 1)},
        {"problems": (Problem("scan", "x", "y"),) * (PROBLEMS_MAX_COUNT + 1)},
    ],
    ids=str,
)
def test_what_is_not_believed(changes: dict[str, object]) -> None:
    """An answer that cannot be one about a file is refused; a plain one is not."""
    check_swept(SWEPT)
    with pytest.raises(MessageError):
        check_swept(msgspec.structs.replace(SWEPT, **changes))


async def test_an_answer_to_another_question(rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that answers a sweep with an examination, or with nonsense, is not believed."""
    (tmp_path / "sample").write_bytes(b"hay")
    descriptor = os.open(tmp_path / "sample", os.O_RDONLY)
    settings = ExamineSettings(RuleSettings((rules,)), children=1)
    try:
        async with Examiner(settings) as examiner:
            with monkeypatch.context() as patch:
                patch.setattr("sampler.examine.examiner.decode_answer", lambda data: replace_size(data, -1))
                with pytest.raises(ChildDied, match="not credible"):
                    await examiner.sweep(descriptor, 3, b"/sample", "")
            assert (await examiner.sweep(descriptor, 3, b"/sample", "")).size == 3
    finally:
        os.close(descriptor)


def replace_size(data: bytes, size: int) -> Swept:
    answer = decode_answer(data)
    assert isinstance(answer, Swept)
    return msgspec.structs.replace(answer, size=size)
