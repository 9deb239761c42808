from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sampler.cli import history_question
from sampler.cli.history_question import Question
from sampler.errors import RequestError
from sampler.journal import Journal, JournalReader

START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def reader(tmp_path: Path) -> JournalReader:
    """Three objects in turn, an hour an entry: permitted, offered, delivered; one refused; one consent."""
    scopes = {"a": ["metadata"], "b": ["metadata", "whole"], "c": ["metadata", "memory"]}
    with Journal(tmp_path) as journal:
        journal.append("consent", "", START, {"scopes": ["metadata"]})
        hour = 0
        for kind in ("permitted", "offered", "delivered"):
            for event_id, under in scopes.items():
                hour += 1
                reason = "detection" if event_id == "a" else "policy"
                manifest = {"object": {"sha256": event_id * 64}, "contents": [{"sha256": "d" * 64}]}
                said: dict[str, Any] = {"reason": reason, "scopes": under} if kind == "permitted" else {}
                said |= {"manifest": manifest, "scopes": under} if kind == "offered" else {}
                journal.append(kind, event_id, START + timedelta(hours=hour), said)
        journal.append("refused", "e", START + timedelta(hours=10), {"reason": "policy", "rule": "P4"})
    return JournalReader(tmp_path)


def ask(reader: JournalReader, question: Question, *, newest_first: bool = False) -> list[str]:
    return [f"{entry.kind}:{entry.event_id}" for entry in question.entries(reader, newest_first=newest_first)]


def test_everything_newest_first(reader: JournalReader) -> None:
    """A question that asks for nothing in particular is answered by all."""
    answer = ask(reader, Question(), newest_first=True)
    assert (len(answer), answer[0], answer[-1]) == (11, "refused:e", "consent:")


@pytest.mark.parametrize(
    ("question", "objects"),
    [
        (Question(named=True, ids=frozenset("a")), "a"),
        (Question(named=True, sha256="b" * 64), "b"),
        (Question(named=True, sha256="d" * 64), "abc"),
        (Question(named=True, ids=frozenset("a"), sha256="b" * 64), "ab"),
        (Question(named=True), ""),
        (Question(scopes=frozenset({"whole", "memory"})), "bc"),
        (Question(reasons=frozenset({"policy"})), "bce"),
        (Question(reasons=frozenset({"policy"}), scopes=frozenset({"whole"})), "b"),
        (Question(named=True, sha256="d" * 64, reasons=frozenset({"detection"})), "a"),
    ],
)
def test_objects_by_what_any_entry_says_of_them(reader: JournalReader, question: Question, objects: str) -> None:
    """All entries of an object that is asked for, also those that say nothing of why; each condition narrows."""
    answer = ask(reader, question)
    kinds = ("permitted", "offered", "delivered", "refused")
    known = [f"{kind}:{event_id}" for kind in kinds for event_id in "abce" if (kind == "refused") == (event_id == "e")]
    assert answer == [each for each in known if each[-1] in objects]


def test_by_kind_and_time(reader: JournalReader) -> None:
    """From a moment on, before another, of some kinds."""
    since, until = START + timedelta(hours=4), START + timedelta(hours=6)
    assert ask(reader, Question(since=since, until=until)) == ["offered:a", "offered:b"]
    assert ask(reader, Question(kinds=frozenset({"consent", "refused"}))) == ["consent:", "refused:e"]


def test_one_question_is_about_so_many_objects(reader: JournalReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than may be held in memory are refused, and what to do instead is said."""
    monkeypatch.setattr(history_question, "HISTORY_OBJECTS_MAX_COUNT", 2)
    assert ask(reader, Question(scopes=frozenset({"whole", "memory"})))
    with pytest.raises(RequestError, match="sampler history export"):
        ask(reader, Question(scopes=frozenset({"metadata"})))
