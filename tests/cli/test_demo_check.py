"""The demo notices whatever is not as expected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from sampler.cli.demo_check import differences
from sampler.cli.demo_fixtures import Case, Expectation, load_cases
from sampler.errors import SettingsError
from sampler.model import Conclusion, ContentKind, ObjectState, PartKind, Sampling, Scope, TaskState
from sampler.wire.agent_messages import ObjectMatch, ObjectView
from sampler.wire.messages import (
    ContentMessage,
    CoveredMessage,
    ObjectMessage,
    PartMessage,
    StoredContent,
    TaskView,
    VerdictMessage,
)

DATA = b"0123456789abcdef"
PART = PartMessage(kind=PartKind.SECTION, name=".text", offset=4, length=8)
PART_SHA256 = hashlib.sha256(DATA[4:12]).hexdigest()
SHA256 = hashlib.sha256(DATA).hexdigest()
ID = "0e7f3c52-9d4b-4a53-8a55-1f0f6f6f3a11"
Seen = tuple[Case, ObjectView, TaskView | None, dict[str, str]]


@pytest.fixture
def seen(tmp_path: Path, now: datetime) -> Seen:
    """A sample whose one part was delivered as expected."""
    file = tmp_path / "sample"
    file.write_bytes(DATA)
    expected = Expectation(
        file="sample",
        sha256=SHA256,
        size=len(DATA),
        origin="made here",
        license="Apache-2.0",
        kind=ContentKind.EXECUTABLE,
        matches=["a_rule"],
        sampling=Sampling.PARTS,
        sent="parts",
        state=ObjectState.DELIVERED,
        verdict="benign",
        parts=[("section", ".text")],
    )
    view = ObjectView(
        id=ID,
        state="delivered",
        created=now,
        sha256=SHA256,
        size=len(DATA),
        matches=[ObjectMatch(rule="a_rule", strings=1)],
        sampling=Sampling.PARTS,
        contents=[ContentMessage(sha256=PART_SHA256, size=8, part=PART)],
        verdict=VerdictMessage(conclusion=Conclusion.BENIGN, score=0, analyzer="demo", at=now),
    )
    task = TaskView(
        id=ID,
        state=TaskState.DONE,
        submission=ID,
        object=ObjectMessage(sha256=SHA256, size=len(DATA)),
        created=now,
        contents=[StoredContent(sha256=PART_SHA256, size=8, part=PART)],
    )
    return Case("a/b", file, expected), view, task, {PART_SHA256: PART_SHA256}


def test_what_is_as_expected_has_no_difference(seen: Seen) -> None:
    """Host and queue agree with the expectation and with each other."""
    assert differences(*seen) == []


def test_what_lies_inside_a_part_was_sent(seen: Seen) -> None:
    """A part that is covered by another counts as sent; its bytes are in that one."""
    case, view, task, downloaded = seen
    covered = CoveredMessage(kind=PartKind.SECTION, name=".text", offset=0, length=8)
    larger = msgspec.structs.replace(PART, kind=PartKind.SEGMENT, name="", covers=[covered])
    view = msgspec.structs.replace(view, contents=[ContentMessage(sha256=PART_SHA256, size=8, part=larger)])
    assert differences(case, view, task, downloaded) == []


def test_derived_bytes_are_compared_with_what_is_given_out(seen: Seen) -> None:
    """Derived bytes have no place in the sample; the queue has to give out what it was sent."""
    case, view, task, downloaded = seen
    assert task is not None
    derived = msgspec.structs.replace(PART, offset=0, recipe=["zip:0"])
    task = msgspec.structs.replace(task, contents=[StoredContent(sha256=PART_SHA256, size=8, part=derived)])
    assert differences(case, view, task, downloaded) == []
    assert any("does not hash to" in text for text in differences(case, view, task, {}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sha256": "0" * 64}, "SHA-256 is 000"),
        ({"matches": []}, "matches is []"),
        ({"sampling": Sampling.METADATA}, "sent is metadata, expected parts"),
        ({"state": "rejected"}, "state is rejected, expected delivered"),
        ({"verdict": None}, "verdict is None, expected benign"),
        ({"contents": []}, "part section:.text is not among those sent"),
    ],
)
def test_every_difference_on_the_host_is_named(seen: Seen, change: dict[str, object], said: str) -> None:
    """Hash, matches, what was sent, state, verdict and parts."""
    case, view, task, downloaded = seen
    assert any(said in text for text in differences(case, msgspec.structs.replace(view, **change), task, downloaded))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda task: None, "the queue does not know it"),
        (lambda task: msgspec.structs.replace(task, contents=[]), "not those that the host sent"),
        (
            lambda task: msgspec.structs.replace(task, object=ObjectMessage(sha256="0" * 64, size=1)),
            "the queue has it as 000",
        ),
    ],
)
def test_every_difference_at_the_queue_is_named(
    seen: Seen, change: Callable[[TaskView | None], TaskView | None], said: str
) -> None:
    """Absent, other contents, another object."""
    case, view, task, downloaded = seen
    assert any(said in text for text in differences(case, view, change(task), downloaded))


def test_bytes_that_are_not_the_samples_are_named(seen: Seen) -> None:
    """The sample's own bytes at the part's place count, and what the queue gives out."""
    case, view, task, _ = seen
    assert any("does not hash to" in text for text in differences(case, view, task, {PART_SHA256: "0" * 64}))
    case.file.write_bytes(DATA[::-1])
    assert any("the sample's bytes there hash to" in text for text in differences(case, view, task, {}))


def test_what_was_to_stay_and_went_is_named(seen: Seen) -> None:
    """A sample of which nothing was to be sent is not known to the queue."""
    case, view, task, downloaded = seen
    stays = replace(case, expected=msgspec.structs.replace(case.expected, sent="nothing"))
    assert any("though nothing was to be sent" in text for text in differences(stays, view, task, downloaded))


def write_case(folder: Path, **change: object) -> Path:
    case = folder / "family" / "case"
    case.mkdir(parents=True)
    (case / "x").write_bytes(DATA)
    text = {
        "file": "x",
        "sha256": SHA256,
        "size": 16,
        "origin": "o",
        "license": "l",
        "kind": "executable",
        "matches": [],
        "sampling": "whole",
        "sent": "whole",
        "state": "delivered",
        "verdict": None,
        **change,
    }
    (case / "expected.json").write_text(json.dumps(text))
    return folder


def test_a_narrower_statement_expects_less(tmp_path: Path) -> None:
    """Where the whole is not accepted, the metadata alone is expected."""
    folder = write_case(tmp_path)
    assert load_cases(folder, frozenset({Scope.WHOLE}))[0].expected.sent == "whole"
    assert load_cases(folder, frozenset({Scope.PARTS}))[0].expected.sent == "metadata"


@pytest.mark.parametrize(
    ("change", "said"), [({"colour": 1}, "unknown field `colour`"), ({"file": "y"}, "it is not there")]
)
def test_a_bad_expectation_is_named(tmp_path: Path, change: dict[str, object], said: str) -> None:
    """An unknown key, a sample that is absent."""
    with pytest.raises(SettingsError, match=said):
        load_cases(write_case(tmp_path, **change), frozenset())


def test_a_folder_without_samples_is_an_error(tmp_path: Path) -> None:
    """A demo of nothing would be a demo that cannot fail."""
    with pytest.raises(SettingsError, match="holds no samples"):
        load_cases(tmp_path, frozenset())
