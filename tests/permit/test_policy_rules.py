from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from sampler.model import (
    Content,
    ContentKind,
    Finding,
    Parcel,
    Part,
    PartKind,
    Plan,
    Reason,
    Refusal,
    RuleMatch,
    Sampling,
    Scope,
    Spent,
    Subject,
    WholeSwitch,
)
from sampler.permit import (
    Circumstances,
    Conditions,
    Consent,
    HostNames,
    Hours,
    Policy,
    PolicyRule,
    Rule,
    Statement,
    decide,
)
from sampler.permit.policy_rules import severity_of

MakeFinding = Callable[..., Finding]
Deciding = Callable[..., Parcel | Refusal]
WHOLE = Plan(Sampling.WHOLE)


@pytest.fixture
def deciding(extended: Statement, consent: Consent, host: HostNames, now: datetime) -> Deciding:
    """``decide`` with everything accepted, at noon UTC unless told otherwise."""

    def call(finding: Finding, policy: Policy, *, at: datetime = now, **beside: Any) -> Parcel | Refusal:
        return decide(finding, extended, consent, policy, host, at, Circumstances(**beside))

    return call


def permitted(outcome: Parcel | Refusal) -> Parcel:
    assert isinstance(outcome, Parcel), outcome
    return outcome


@pytest.mark.parametrize(
    ("hours", "moment", "inside"),
    [
        ("08:00-18:00", time(8, 0), True),
        ("08:00-18:00", time(17, 59, 59), True),
        ("08:00-18:00", time(18, 0), False),
        ("22:00-06:00", time(23, 0), True),
        ("22:00-06:00", time(0, 0), True),
        ("22:00-06:00", time(6, 0), False),
        ("22:00-06:00", time(12, 0), False),
    ],
)
def test_hours(hours: str, moment: time, *, inside: bool) -> None:
    """The first moment is inside, the last is not, and a stretch may go over midnight."""
    assert Hours.parse(hours).hold_at(moment) is inside


@pytest.mark.parametrize(
    "text", ["", "8:00-18:00", "08:00", "24:00-01:00", "08:60-09:00", "08:00-08:00", "08:00-09:00 "]
)
def test_hours_that_are_none(text: str) -> None:
    """What is no stretch of a day is refused when the settings are read."""
    with pytest.raises(ValueError):
        Hours.parse(text)


@pytest.mark.parametrize(
    ("value", "severity"),
    [("info", 0), ("LOW", 25), ("medium", 50), ("high", 75), ("critical", 100), (7, 7), (101, 0), (True, 0), ("x", 0)],
)
def test_severities(value: str | int, severity: int) -> None:
    """Words of rules' metadata and numbers count alike; what is neither counts as nothing."""
    assert severity_of(RuleMatch("r", "n", meta=(("severity", value),))) == severity
    assert severity_of(RuleMatch("r", "n")) == 0


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True),
        ({"paths": ("/home/alice",)}, True),
        ({"paths": ("/srv",)}, False),
        ({"kinds": (ContentKind.EXECUTABLE,)}, True),
        ({"kinds": (ContentKind.DOCUMENT,)}, False),
        ({"mime_types": ("application/*",)}, True),
        ({"mime_types": ("image/*",)}, False),
        ({"rules": ("test_*",)}, True),
        ({"rules": ("other_*",)}, False),
        ({"severity_at_least": 75}, True),
        ({"severity_at_least": 76}, False),
        ({"severity_below": 76}, True),
        ({"severity_below": 75}, False),
        ({"size_above_bytes": 4095}, True),
        ({"size_above_bytes": 4096}, False),
        ({"reasons": (Reason.DETECTION,)}, True),
        ({"reasons": (Reason.ANALYST,)}, False),
        ({"between": Hours.parse("11:00-13:00")}, True),
        ({"between": Hours.parse("13:00-11:00")}, False),
        ({"paths": ("/home/alice",), "kinds": (ContentKind.DOCUMENT,)}, False),
    ],
)
def test_conditions(finding: MakeFinding, now: datetime, conditions: dict[str, Any], *, holds: bool) -> None:
    """Each condition is one of the object, its matches or the hour; all that are named have to hold."""
    assert Conditions(**conditions).hold_for(finding(), now) is holds


@pytest.mark.parametrize(
    "conditions",
    [
        {"paths": ("",)},
        {"rules": ("a\0",)},
        {"severity_below": 101},
        {"severity_at_least": -1},
        {"size_above_bytes": -1},
    ],
)
def test_conditions_that_are_none(conditions: dict[str, Any]) -> None:
    """A condition that cannot mean what was written is refused."""
    with pytest.raises(ValueError):
        Conditions(**conditions)


def test_a_rule_narrows_and_is_named(finding: MakeFinding, deciding: Deciding) -> None:
    """What a rule leaves out says which rule of the policy it was; nothing at all is a refusal."""
    metadata = Policy(rules=(PolicyRule(), PolicyRule(sampling_max=Sampling.METADATA)))
    parcel = permitted(deciding(finding(plan=WHOLE), metadata))
    assert parcel.contents == ()
    assert parcel.omissions[0].reason.startswith("P6 policy-ceiling: the policy with its rules 1, 2 allows metadata")
    refusal = deciding(finding(plan=WHOLE), Policy(rules=(PolicyRule(sampling_max=Sampling.NONE),)))
    assert isinstance(refusal, Refusal)
    assert (refusal.rule, "rule 1" in refusal.detail) == (Rule.POLICY_CEILING, True)


def test_a_rule_that_does_not_apply_changes_nothing(finding: MakeFinding, deciding: Deciding) -> None:
    """Where a condition does not hold, the object is decided about as without the rule."""
    elsewhere = PolicyRule(Conditions(paths=("/srv",)), sampling_max=Sampling.NONE, hold=True)
    assert deciding(finding(plan=WHOLE), Policy(rules=(elsewhere,))) == deciding(finding(plan=WHOLE), Policy())


def test_hours_are_the_host_s_own(finding: MakeFinding, deciding: Deciding) -> None:
    """Noon UTC is night on a host twelve hours ahead."""
    night = Policy(rules=(PolicyRule(Conditions(between=Hours.parse("22:00-06:00")), whole=WholeSwitch.NEVER),))
    at_noon = permitted(deciding(finding(plan=WHOLE), night))
    at_night = permitted(deciding(finding(plan=WHOLE), night, local_offset=timedelta(hours=12)))
    assert (len(at_noon.contents), len(at_night.contents)) == (1, 0)
    assert at_night.omissions[0].reason.startswith(Rule.WHOLE_SWITCH)


def test_contents_that_are_held(finding: MakeFinding, deciding: Deciding) -> None:
    """P10: what waits is no content of the parcel, needs consent, and leaves by approval of just these bytes."""
    held = Policy(rules=(PolicyRule(hold=True),))
    program = finding(plan=WHOLE)
    parcel = permitted(deciding(program, held))
    assert (parcel.contents, parcel.held) == ((), (Content("ab" * 32, 4096, 0),))
    assert {Scope.WHOLE, Scope.REPUTATION} <= parcel.held_scopes
    assert parcel.omissions[0].reason.startswith("P10 held: the policy with its rule 1 wants it approved")
    assert permitted(deciding(program, held, approved=frozenset({"ab" * 32}))).contents == parcel.held
    assert permitted(deciding(program, held, approved=frozenset({"cd" * 32}))).contents == ()


@pytest.mark.parametrize("changes", [{}, {"subject": Subject.MEMORY}])
def test_what_cannot_be_kept_is_not_held(finding: MakeFinding, deciding: Deciding, changes: dict[str, Any]) -> None:
    """P10: where there is no room, and for what is no file, contents are left out by name and nothing waits."""
    held = Policy(rules=(PolicyRule(hold=True),))
    room = bool(changes)
    parcel = permitted(deciding(finding(plan=WHOLE, **changes), held, can_hold=room))
    assert (parcel.contents, parcel.held) == ((), ())
    assert parcel.omissions[0].reason.startswith("P10 not-held")


def test_a_day_s_volume(finding: MakeFinding, deciding: Deciding, parts_plan: Plan) -> None:
    """P6: once a day's bytes or objects are used up contents stay, metadata still goes; parts go as far as they fit."""
    policy = Policy(bytes_per_day=10_000, objects_per_day=3)
    assert len(permitted(deciding(finding(plan=WHOLE), policy, spent=Spent(5_904, 2))).contents) == 1
    for spent in (Spent(5_905, 2), Spent(0, 3)):
        parcel = permitted(deciding(finding(plan=WHOLE), policy, spent=spent))
        assert parcel.contents == ()
        assert parcel.fields
        assert parcel.omissions[0].reason.startswith("P6 policy-volume")
    partly = permitted(deciding(finding(plan=parts_plan), policy, spent=Spent(10_000 - 1024, 0)))
    assert [content.sha256 for content in partly.contents] == ["11" * 32]


def test_a_part_is_judged_by_its_own_kind(finding: MakeFinding, deciding: Deciding) -> None:
    """P8: a macro's text and a program leave a document under ``safe``; what is of the document stays or waits."""
    text = Part(PartKind.MACRO, "Module1", 0, 100, "11" * 32, ("vba:4+0",), content=ContentKind.SCRIPT)
    letter = Part(PartKind.STREAM, "WordDocument", 0, 100, "22" * 32, ("ole:3",), content=ContentKind.DOCUMENT)
    window = Part(PartKind.MATCH, "$a", 10, 100, "33" * 32)
    program = Part(PartKind.MEMBER, "a.exe", 0, 100, "44" * 32, ("zip:0",), content=ContentKind.EXECUTABLE)
    plan = Plan(Sampling.PARTS, (text, letter, window, program))
    document = finding(kind=ContentKind.DOCUMENT, plan=plan)
    parcel = permitted(deciding(document, Policy()))
    assert [content.part for content in parcel.contents] == [text, program]
    assert [content.part for content in parcel.held] == [letter, window]
    assert Scope.DOCUMENTS not in parcel.scopes
    assert Scope.DOCUMENTS in parcel.held_scopes


def test_parts_that_stay_are_told_without_names(
    finding: MakeFinding, extended: Statement, consent: Consent, host: HostNames, now: datetime
) -> None:
    """What stays of an archive is told by sort and number: names of a person's files are nobody's business."""
    parts = tuple(
        Part(PartKind.MEMBER, f"letter to {name}.txt", 0, 9, name[0] * 64, (f"zip:{at}",), content=ContentKind.OTHER)
        for at, name in enumerate(["ann", "ben"])
    )
    program = Part(PartKind.MEMBER, "a.exe", 0, 9, "c" * 64, ("zip:2",), content=ContentKind.EXECUTABLE)
    archive = finding(kind=ContentKind.ARCHIVE, plan=Plan(Sampling.PARTS, (*parts, program)))
    given = replace(consent, scopes=consent.scopes - {Scope.DOCUMENTS})
    parcel = permitted(decide(archive, extended, given, Policy(), host, now))
    assert [content.part for content in parcel.contents] == [program]
    (omission,) = parcel.omissions
    assert (omission.what, omission.reason.startswith("P8 parts-kind"), omission.reason[-3:]) == ("member", True, "(2)")
    assert "letter" not in repr(parcel.omissions)


def test_moments_have_a_zone(finding: MakeFinding, deciding: Deciding) -> None:
    """The same moment in another zone decides the same."""
    policy = Policy(rules=(PolicyRule(Conditions(between=Hours.parse("11:00-13:00")), hold=True),))
    noon = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    assert permitted(deciding(finding(plan=WHOLE), policy, at=noon)).held
