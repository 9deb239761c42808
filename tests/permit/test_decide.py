from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sampler.limits import FIELD_VALUE_MAX_CHARACTERS, FIELDS_MAX_COUNT
from sampler.model import (
    Content,
    ContentKind,
    Field,
    Finding,
    ObjectState,
    Omission,
    Parcel,
    Plan,
    Reason,
    Refusal,
    Sampling,
    Scope,
    StatementRef,
    Subject,
    Treated,
    WholeSwitch,
    value_of,
)
from sampler.permit import (
    SAFE_KINDS,
    Consent,
    HostNames,
    Policy,
    Rule,
    Statement,
    decide,
    shipped_statement,
    still_allowed,
)

MakeFinding = Callable[..., Finding]
Deciding = Callable[..., Parcel | Refusal]
Case = tuple[Rule, Policy, ContentKind, frozenset[Scope]]
WHOLE = Plan(Sampling.WHOLE, (), (Omission("overlay", "the object has none"),))


@pytest.fixture
def deciding(extended: Statement, consent: Consent, host: HostNames, now: datetime) -> Deciding:
    """``decide`` with everything accepted and the default policy, unless told otherwise."""

    def call(
        finding: Finding,
        *,
        statement: Statement = extended,
        given: Consent | None = consent,
        policy: Policy | None = None,
        scopes: frozenset[Scope] | None = None,
        at: datetime = now,
    ) -> Parcel | Refusal:
        if given is not None and scopes is not None:
            given = replace(given, scopes=scopes)
        return decide(finding, statement, given, policy or Policy(), host, at)

    return call


def permitted(outcome: Parcel | Refusal) -> Parcel:
    assert isinstance(outcome, Parcel), outcome
    return outcome


def refused(outcome: Parcel | Refusal) -> Refusal:
    assert isinstance(outcome, Refusal), outcome
    return outcome


def test_without_consent_nothing_leaves(finding: MakeFinding, deciding: Deciding) -> None:
    """P1: no consent, no parcel, and how to give one."""
    refusal = refused(deciding(finding(), given=None))
    assert (refusal.rule, refusal.state) == (Rule.NO_CONSENT, ObjectState.REFUSED)
    assert "sampler consent accept" in refusal.detail


def test_a_withdrawn_consent_is_none(finding: MakeFinding, deciding: Deciding, consent: Consent) -> None:
    """P1: after a withdrawal nothing leaves, and who withdrew is said."""
    gone = consent.without(None, "ann", consent.at)
    refusal = refused(deciding(finding(), given=gone))
    assert refusal.rule == Rule.NO_CONSENT
    assert "ann withdrew" in refusal.detail


@pytest.mark.parametrize(("seconds", "stands"), [(-1, True), (0, False), (1, False)])
def test_a_consent_ends_when_it_expires(
    finding: MakeFinding, deciding: Deciding, consent: Consent, seconds: int, stands: bool
) -> None:
    """P1: a consent with an end stands until that instant and not longer."""
    end = consent.at + timedelta(days=1)
    outcome = deciding(finding(), given=replace(consent, expires=end), at=end + timedelta(seconds=seconds))
    assert isinstance(outcome, Parcel) is stands


def test_another_statement_is_not_the_one_accepted(finding: MakeFinding, deciding: Deciding) -> None:
    """P2: a consent to one statement says nothing of another one."""
    refusal = refused(deciding(finding(), statement=shipped_statement("basic")))
    assert refusal.rule == Rule.OTHER_STATEMENT


def test_a_changed_statement_is_another_one(finding: MakeFinding, deciding: Deciding, consent: Consent) -> None:
    """P2: the same identifier and version with other bytes are not what was accepted."""
    changed = replace(consent, statement=replace(consent.statement, digest="cd" * 32))
    assert refused(deciding(finding(), given=changed)).rule == Rule.OTHER_STATEMENT


@pytest.mark.parametrize(
    ("reason", "scopes", "missing"),
    [
        (Reason.DETECTION, frozenset(Scope) - {Scope.REPUTATION}, "reputation"),
        (Reason.TRUSTED, frozenset(Scope) - {Scope.TRUSTED}, "trusted"),
        (Reason.TRUSTED, frozenset({Scope.METADATA}), "reputation, trusted"),
    ],
)
def test_without_the_first_scopes_nothing_leaves(
    finding: MakeFinding, deciding: Deciding, reason: Reason, scopes: frozenset[Scope], missing: str
) -> None:
    """P3: reputation is needed for anything, trusted for anything about a trusted file."""
    refusal = refused(deciding(finding(reason=reason), scopes=scopes))
    assert refusal.rule == Rule.SCOPE
    assert missing in refusal.detail


def test_an_excluded_path_stays(finding: MakeFinding, deciding: Deciding) -> None:
    """P4: not even a hash leaves of what the policy excludes."""
    refusal = refused(deciding(finding(), policy=Policy(exclude_paths=("/home/alice/Downloads",))))
    assert refusal.rule == Rule.EXCLUDED_PATH


def test_what_asks_for_nothing_gets_nothing(finding: MakeFinding, deciding: Deciding) -> None:
    """P5: a rule with sampling none sends nothing."""
    assert refused(deciding(finding(plan=Plan(Sampling.NONE)))).rule == Rule.NOTHING_ASKED


def test_a_policy_of_nothing(finding: MakeFinding, deciding: Deciding) -> None:
    """P6: an administrator can stop everything."""
    assert refused(deciding(finding(), policy=Policy(sampling_max=Sampling.NONE))).rule == Rule.POLICY_CEILING


@pytest.mark.parametrize("ceiling", [Sampling.METADATA, Sampling.PARTS])
def test_a_policy_below_what_is_asked(finding: MakeFinding, deciding: Deciding, ceiling: Sampling) -> None:
    """P6: a whole over the ceiling is left out by name, its facts leave."""
    parcel = permitted(deciding(finding(plan=WHOLE), policy=Policy(sampling_max=ceiling)))
    assert parcel.contents == ()
    assert parcel.omissions[0].what == "whole"
    assert parcel.omissions[0].reason.startswith(Rule.POLICY_CEILING)


def test_a_policy_of_facts_only(finding: MakeFinding, deciding: Deciding, parts_plan: Plan) -> None:
    """P6: parts over the ceiling are left out by name."""
    parcel = permitted(deciding(finding(plan=parts_plan), policy=Policy(sampling_max=Sampling.METADATA)))
    assert (parcel.contents, parcel.omissions[0].what) == ((), "parts")
    assert parcel.omissions[0].reason.startswith(Rule.POLICY_CEILING)


def test_a_whole_leaves_alone(finding: MakeFinding, deciding: Deciding) -> None:
    """P7: an allowed whole is the only content; what extraction left out stays named."""
    parcel = permitted(deciding(finding(plan=WHOLE)))
    assert parcel.contents == (Content("ab" * 32, 4096, 0),)
    assert parcel.omissions == WHOLE.omissions
    assert Scope.WHOLE in parcel.scopes
    assert dict(parcel.reasons)["whole"] == "scope whole, policy safe, kind executable"


@pytest.mark.parametrize(
    "case",
    [
        (Rule.WHOLE_SCOPE, Policy(), ContentKind.EXECUTABLE, frozenset(Scope) - {Scope.WHOLE}),
        (Rule.WHOLE_SWITCH, Policy(whole=WholeSwitch.NEVER), ContentKind.EXECUTABLE, frozenset(Scope)),
        (Rule.HELD, Policy(whole=WholeSwitch.PROMPT), ContentKind.SCRIPT, frozenset(Scope)),
        (Rule.WHOLE_SIZE, Policy(whole_max_bytes=4095), ContentKind.EXECUTABLE, frozenset(Scope)),
        *(
            (Rule.WHOLE_KIND, Policy(whole=switch), kind, frozenset(Scope) - {Scope.DOCUMENTS})
            for kind in ContentKind
            if kind not in SAFE_KINDS
            for switch in (WholeSwitch.SAFE, WholeSwitch.ALL)
        ),
        *((Rule.HELD, Policy(), kind, frozenset(Scope)) for kind in ContentKind if kind not in SAFE_KINDS),
    ],
)
def test_a_whole_that_may_not_leave_is_named(finding: MakeFinding, deciding: Deciding, case: Case) -> None:
    """P7 and P10: scope, switch, size, kind and approval each keep the whole here, and only facts leave."""
    rule, policy, kind, scopes = case
    parcel = permitted(deciding(finding(plan=WHOLE, kind=kind), policy=policy, scopes=scopes))
    assert parcel.contents == ()
    assert parcel.omissions == (Omission("whole", parcel.omissions[0].reason), *WHOLE.omissions)
    assert parcel.omissions[0].reason.startswith(rule)
    assert Scope.WHOLE not in parcel.scopes


def test_all_means_all(finding: MakeFinding, deciding: Deciding) -> None:
    """P7: with the switch on all and the scope documents, a document leaves whole, and needs that scope to the end."""
    parcel = permitted(deciding(finding(plan=WHOLE, kind=ContentKind.DOCUMENT), policy=Policy(whole=WholeSwitch.ALL)))
    assert len(parcel.contents) == 1
    assert Scope.DOCUMENTS in parcel.scopes


def test_parts_leave_with_their_places(finding: MakeFinding, deciding: Deciding, parts_plan: Plan) -> None:
    """P8: each planned part is a content with its offset, length and hash."""
    parcel = permitted(deciding(finding(plan=parts_plan)))
    assert [(content.sha256, content.offset, content.size) for content in parcel.contents] == [
        ("11" * 32, 0, 1024),
        ("22" * 32, 2000, 516),
    ]
    assert tuple(content.part for content in parcel.contents) == parts_plan.parts
    assert Scope.PARTS in parcel.scopes


@pytest.mark.parametrize(
    "case",
    [
        (Rule.PARTS_SCOPE, Policy(), ContentKind.EXECUTABLE, frozenset(Scope) - {Scope.PARTS}),
        (Rule.PARTS_KIND, Policy(), ContentKind.DOCUMENT, frozenset(Scope) - {Scope.DOCUMENTS}),
        (Rule.PARTS_KIND, Policy(whole=WholeSwitch.ALL), ContentKind.DOCUMENT, frozenset(Scope) - {Scope.DOCUMENTS}),
        (Rule.HELD, Policy(), ContentKind.DOCUMENT, frozenset(Scope)),
        (Rule.HELD, Policy(whole=WholeSwitch.PROMPT), ContentKind.MAIL, frozenset(Scope)),
        (Rule.PARTS_KIND, Policy(whole=WholeSwitch.NEVER), ContentKind.ARCHIVE, frozenset(Scope)),
    ],
)
def test_parts_that_may_not_leave_are_named(
    finding: MakeFinding, deciding: Deciding, parts_plan: Plan, case: Case
) -> None:
    """P8: a window around a match in a document stays here just as the document does."""
    rule, policy, kind, scopes = case
    parcel = permitted(deciding(finding(plan=parts_plan, kind=kind), policy=policy, scopes=scopes))
    assert (parcel.contents, parcel.omissions[0].what) == ((), "parts")
    assert parcel.omissions[0].reason.startswith(rule)


@pytest.mark.parametrize("switch", [WholeSwitch.NEVER, WholeSwitch.PROMPT])
def test_parts_of_programs_do_not_need_the_whole_switch(
    finding: MakeFinding, deciding: Deciding, parts_plan: Plan, switch: WholeSwitch
) -> None:
    """P8: the switch is about wholes; parts of a safe kind leave under it."""
    assert len(permitted(deciding(finding(plan=parts_plan), policy=Policy(whole=switch))).contents) == 2


def test_a_plan_without_parts_is_facts(finding: MakeFinding, deciding: Deciding) -> None:
    """When nothing that was asked for is there, the facts and what is missing leave."""
    plan = Plan(Sampling.PARTS, (), (Omission("overlay", "the object has none"),))
    parcel = permitted(deciding(finding(plan=plan)))
    assert (parcel.contents, parcel.omissions) == ((), plan.omissions)
    assert Scope.PARTS not in parcel.scopes


def test_fields_leave_as_the_statement_says(finding: MakeFinding, deciding: Deciding) -> None:
    """P9: each listed field is treated, with the line that let it through; an unlisted one does not exist."""
    parcel = permitted(deciding(finding()))
    assert value_of(parcel.fields, "file.path") == "~user/Downloads/setup.exe"
    assert value_of(parcel.fields, "file.uid") == "person"
    assert str(value_of(parcel.fields, "file.owner")).startswith("~p_")
    assert value_of(parcel.fields, "process.args") == ("setup.exe", "--password", "~secret")
    assert value_of(parcel.fields, "process.command_line") == "setup.exe --password '~secret'"
    assert value_of(parcel.fields, "file.hash.sha256") == "ab" * 32
    assert value_of(parcel.fields, "file.size") == 4096
    assert value_of(parcel.fields, "event.created") == "2026-11-24T12:00:00Z"
    assert value_of(parcel.fields, "host.hostname") is None
    assert dict(parcel.reasons)["file.path"] == "P9 fields: scope metadata, file.path = template"


def test_every_field_and_content_has_its_reason(finding: MakeFinding, deciding: Deciding, parts_plan: Plan) -> None:
    """The owner can read for each thing that leaves by which rule it does."""
    parcel = permitted(deciding(finding(plan=parts_plan)))
    named = {field.name for group in (parcel.fields, *parcel.matches) for field in group}
    assert named | {"header:@0+1024", "match:$a@2000+516"} == set(dict(parcel.reasons))


def test_a_match_is_a_group_of_fields(finding: MakeFinding, deciding: Deciding) -> None:
    """A matching rule leaves as its name, known metadata and places; other metadata does not."""
    (group,) = permitted(deciding(finding())).matches
    assert {field.name: field.value for field in group} == {
        "rule.name": "test_rule",
        "rule.ruleset": "own/test.yar",
        "rule.author": "us",
        "sampler.rule.severity": "high",
        "sampler.rule.tags": ("test",),
        "sampler.rule.strings": ("$a:16:4",),
    }


def test_reputation_alone_says_nothing_of_the_host(finding: MakeFinding, deciding: Deciding) -> None:
    """With only reputation accepted, no name, path, owner or process leaves."""
    parcel = permitted(deciding(finding(), scopes=frozenset({Scope.REPUTATION})))
    assert not [
        field.name
        for field in parcel.fields
        if field.name.startswith(("process.", "host.", "file.path", "file.name", "file.owner"))
    ]
    assert parcel.scopes == frozenset({Scope.REPUTATION})


def test_a_trusted_file_needs_that_scope_to_the_end(finding: MakeFinding, deciding: Deciding) -> None:
    """A parcel about a trusted file says that it needs the scope trusted, so that a withdrawal stops it."""
    parcel = permitted(deciding(finding(reason=Reason.TRUSTED)))
    assert Scope.TRUSTED in parcel.scopes
    assert value_of(parcel.fields, "event.kind") == "event"


def test_what_the_finding_knows_wins(finding: MakeFinding, deciding: Deciding) -> None:
    """A described field cannot pass itself off as the object's hash, size or event."""
    forged = (Field("file.hash.sha256", "00" * 32), Field("file.size", 1), Field("event.id", "other"))
    parcel = permitted(deciding(finding(fields=forged)))
    assert [field.value for field in parcel.fields if field.name == "file.hash.sha256"] == ["ab" * 32]
    assert value_of(parcel.fields, "file.size") == 4096


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**64, -(2**64)])
def test_numbers_that_json_cannot_carry_stay(finding: MakeFinding, deciding: Deciding, value: float) -> None:
    """A value that would break the manifest is left out, and the rest leaves."""
    parcel = permitted(deciding(finding(fields=(Field("sampler.file.entropy", value), Field("file.mode", "0644")))))
    assert value_of(parcel.fields, "sampler.file.entropy") is None
    assert value_of(parcel.fields, "file.mode") == "0644"


def test_texts_fit_the_wire(finding: MakeFinding, deciding: Deciding) -> None:
    """Long texts are cut without leaving half a word, and bytes that are not UTF-8 are escaped."""
    fields = (Field("file.type", "x y" * 20_000), Field("file.path", "/tmp/\udcff/x"))
    parcel = permitted(deciding(finding(fields=fields)))
    cut, path = value_of(parcel.fields, "file.type"), value_of(parcel.fields, "file.path")
    assert isinstance(cut, str)
    assert len(cut) <= FIELD_VALUE_MAX_CHARACTERS
    assert cut.endswith(" …")
    assert path == "/tmp/\\udcff/x"


def test_no_more_fields_than_the_wire_takes(finding: MakeFinding, deciding: Deciding) -> None:
    """A flood of fields does not make a manifest that the queue would reject."""
    fields = tuple(Field(f"file.pe.f{number}", number) for number in range(3 * FIELDS_MAX_COUNT))
    assert len(permitted(deciding(finding(fields=fields))).fields) == FIELDS_MAX_COUNT


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda consent: None, Rule.NO_CONSENT),
        (lambda consent: consent.without(None, "ann", consent.at), Rule.NO_CONSENT),
        (lambda consent: replace(consent, expires=consent.at), Rule.NO_CONSENT),
        (lambda consent: replace(consent, statement=StatementRef("x", 1, "00" * 32)), Rule.OTHER_STATEMENT),
        (lambda consent: consent.without(frozenset({Scope.WHOLE}), "ann", consent.at), Rule.SCOPE),
        (lambda consent: consent.without(frozenset({Scope.METADATA}), "ann", consent.at), Rule.SCOPE),
    ],
)
def test_what_was_permitted_can_be_stopped(
    finding: MakeFinding, deciding: Deciding, consent: Consent, change: Callable[[Consent], Consent | None], rule: Rule
) -> None:
    """A parcel is looked at again before it is sent; whatever it needed and no longer has stops it."""
    parcel = permitted(deciding(finding(plan=WHOLE)))
    why = still_allowed(parcel.scopes, parcel.statement, change(consent), consent.at)
    assert why is not None
    assert why.startswith(rule)


def test_what_is_still_accepted_is_still_sent(finding: MakeFinding, deciding: Deciding, consent: Consent) -> None:
    """Withdrawing a scope that a parcel does not need does not stop it."""
    parcel = permitted(deciding(finding(plan=WHOLE)))
    left = consent.without(frozenset({Scope.MEMORY}), "ann", consent.at)
    assert still_allowed(parcel.scopes, parcel.statement, left, datetime(2030, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize("subject", [Subject.MEMORY, Subject.BOOT])
@pytest.mark.parametrize("switch", list(WholeSwitch))
def test_the_switch_for_whole_objects_does_not_speak_of_what_is_no_file(
    finding: MakeFinding, deciding: Deciding, subject: Subject, switch: WholeSwitch
) -> None:
    """Memory and boot records go by their own scope, whatever kind their bytes look like."""
    whole = finding(subject=subject, kind=ContentKind.OTHER, plan=Plan(Sampling.WHOLE))
    parcel = permitted(deciding(whole, policy=Policy(whole=switch)))
    assert [content.sha256 for content in parcel.contents] == [whole.sha256]
    assert Scope(subject.value) in parcel.scopes


@pytest.mark.parametrize("subject", [Subject.MEMORY, Subject.BOOT, Subject.ACTIVITY])
def test_what_is_no_file_is_refused_without_its_scope(
    finding: MakeFinding, deciding: Deciding, extended: Statement, subject: Subject
) -> None:
    """P3: not even its hash is told."""
    treated = Treated(extended.ref, frozenset())
    outcome = deciding(finding(subject=subject, treated=treated), scopes=frozenset(Scope) - {Scope(subject.value)})
    assert refused(outcome).rule == Rule.SCOPE
    assert subject.value in refused(outcome).detail


def test_the_policy_narrows_what_is_no_file(finding: MakeFinding, deciding: Deciding) -> None:
    """P6 and P7: the ceiling and the size of the whole are the administrator's for memory as well."""
    whole = finding(subject=Subject.MEMORY, size=4096, plan=Plan(Sampling.WHOLE))
    for policy, rule in (
        (Policy(sampling_max=Sampling.PARTS), Rule.POLICY_CEILING),
        (Policy(whole_max_bytes=4095), Rule.WHOLE_SIZE),
    ):
        parcel = permitted(deciding(whole, policy=policy))
        assert parcel.contents == ()
        assert parcel.omissions[0].reason.startswith(rule)


def test_a_report_of_another_statement(finding: MakeFinding, deciding: Deciding) -> None:
    """P2: what another statement treated, or none, is not sent under this one."""
    other = Treated(StatementRef("other", 1, "00" * 32), frozenset())
    for treated in (None, other):
        outcome = deciding(finding(subject=Subject.ACTIVITY, treated=treated))
        assert refused(outcome).rule == Rule.OTHER_STATEMENT
