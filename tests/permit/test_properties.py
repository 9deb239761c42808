"""What holds for every finding, consent and policy there can be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sampler.model import (
    ContentKind,
    Field,
    FieldValue,
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
    StringHit,
    Subject,
    Treated,
    WholeSwitch,
)
from sampler.permit import (
    SAFE_KINDS,
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
    refuse,
    shipped_names,
    shipped_statement,
)
from sampler.upload import manifest_of
from sampler.wire.codec import decode, encode
from sampler.wire.messages import Manifest

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
ORDINARY = Circumstances()
USERS = ("alice", "ben", "jsmith")
HOST = HostNames(
    homes=(("/home/alice", "alice"), ("/srv/people/ben stone", "ben")),
    users=frozenset(USERS),
    host_names=frozenset({"orchid7"}),
    pseudonym_key=b"k" * 32,
)
STATEMENTS = [shipped_statement(name) for name in shipped_names()]
LISTED = sorted({pattern.replace("*", "x") for statement in STATEMENTS for pattern in statement.rules})
UNLISTED = ["host.hostname", "host.ip", "user.email", "sampler.secret", "file", "file.content", "process.env_vars"]
ARGUMENTS = ["setup.exe", "--password", "-u", "/home/alice/x", "--user=alice", "https://u:p@evil.example.com/jsmith?q=ben",
             "http://10.0.0.1/", "ben@orchid7", "C:\\Users\\jsmith\\x", "token=abc"]  # fmt: skip

_text = st.sampled_from(ARGUMENTS) | st.text(max_size=12)
_values: st.SearchStrategy[FieldValue] = _text | st.lists(_text, max_size=4).map(tuple) | st.integers() | st.floats()
_fields = st.lists(st.builds(Field, st.sampled_from([*LISTED, *UNLISTED]), _values), max_size=12).map(tuple)
_parts = st.lists(
    st.builds(
        Part,
        kind=st.sampled_from(PartKind),
        name=st.just("p"),
        offset=st.integers(0, 100),
        length=st.integers(1, 100),
        sha256=st.sampled_from(["11" * 32, "22" * 32, "33" * 32]),
        content=st.none() | st.sampled_from(ContentKind),
    ),
    max_size=3,
).map(tuple)
_plans = st.builds(Plan, st.sampled_from(Sampling), _parts)
_matches = st.lists(
    st.builds(
        RuleMatch,
        rule=st.sampled_from(["one", "two"]),
        namespace=st.just("own/a.yar"),
        meta=st.just((("author", "us"), ("severity", 3))),
        hits=st.just((StringHit("$a", 1, 2),)),
    ),
    max_size=2,
).map(tuple)
findings = st.builds(
    Finding,
    event_id=st.just("0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"),
    created=st.just(NOW),
    reason=st.sampled_from(Reason),
    sha256=st.just("ab" * 32),
    size=st.sampled_from([0, 1, 4096, 2**30]),
    kind=st.sampled_from(ContentKind),
    mime_type=st.just("application/octet-stream"),
    ruleset_version=st.just("sha256:0"),
    plan=_plans,
    path=st.sampled_from([None, b"/home/alice/x", b"/srv/secret/x", b"/tmp/\xff\n"]),
    detections=st.lists(_text, max_size=2).map(tuple),
    matches=_matches,
    fields=_fields,
    subject=st.sampled_from(Subject),
    treated=st.none()
    | st.builds(
        Treated,
        statement=st.sampled_from([statement.ref for statement in STATEMENTS]),
        scopes=st.frozensets(st.sampled_from(Scope), max_size=2),
    ),
)
conditions = st.builds(
    Conditions,
    paths=st.sampled_from([(), ("/home",), ("*/x",)]),
    kinds=st.lists(st.sampled_from(ContentKind), max_size=2).map(tuple),
    mime_types=st.sampled_from([(), ("application/*",), ("image/*",)]),
    rules=st.sampled_from([(), ("o*",), ("none",)]),
    severity_at_least=st.sampled_from([None, 0, 3, 50]),
    severity_below=st.sampled_from([None, 0, 3, 50]),
    size_above_bytes=st.sampled_from([None, 0, 4096]),
    reasons=st.lists(st.sampled_from(Reason), max_size=1).map(tuple),
    between=st.sampled_from([None, Hours.parse("08:00-18:00"), Hours.parse("22:00-06:00")]),
)
rules = st.builds(
    PolicyRule,
    conditions=conditions,
    sampling_max=st.sampled_from(Sampling),
    whole=st.sampled_from(WholeSwitch),
    hold=st.booleans(),
)
policies = st.builds(
    Policy,
    sampling_max=st.sampled_from(Sampling),
    whole=st.sampled_from(WholeSwitch),
    whole_max_bytes=st.sampled_from([1, 2**20]),
    exclude_paths=st.sampled_from([(), ("/srv/secret",)]),
    rules=st.lists(rules, max_size=2).map(tuple),
    bytes_per_day=st.sampled_from([None, 0, 150]),
    objects_per_day=st.sampled_from([None, 0, 1]),
)
circumstances = st.builds(
    Circumstances,
    local_offset=st.integers(-12, 14).map(lambda hours: timedelta(hours=hours)),
    spent=st.builds(Spent, st.sampled_from([0, 100]), st.sampled_from([0, 1])),
    approved=st.none() | st.frozensets(st.sampled_from(["11" * 32, "22" * 32, "ab" * 32])),
    can_hold=st.booleans(),
)
scopes = st.frozensets(st.sampled_from(Scope))
statements = st.sampled_from(STATEMENTS)


def _decide(
    finding: Finding,
    statement: Statement,
    accepted: frozenset[Scope],
    policy: Policy,
    beside: Circumstances = ORDINARY,
) -> Parcel | Refusal:
    return decide(finding, statement, Consent(statement.ref, accepted, "root", NOW), policy, HOST, NOW, beside)


def _disclosed(outcome: Parcel | Refusal) -> set[object]:
    """All that leaves: each field, each field of each match, each content."""
    if isinstance(outcome, Refusal):
        return set()
    matched = {(number, repr(field)) for number, group in enumerate(outcome.matches) for field in group}
    return {repr(field) for field in outcome.fields} | matched | set(outcome.contents)


def _held(outcome: Parcel | Refusal) -> set[object]:
    """What would leave once a person approved it."""
    return set() if isinstance(outcome, Refusal) else set(outcome.held)


@given(findings, statements, scopes, scopes, policies, circumstances)
def test_accepting_more_never_sends_less(
    finding: Finding,
    statement: Statement,
    some: frozenset[Scope],
    more: frozenset[Scope],
    policy: Policy,
    beside: Circumstances,
) -> None:
    """Adding a scope removes nothing of what leaves or is held, and so taking one back adds nothing."""
    narrow = _decide(finding, statement, some, policy, beside)
    wide = _decide(finding, statement, some | more, policy, beside)
    assert _disclosed(narrow) <= _disclosed(wide)
    assert _held(narrow) <= _held(wide)


@given(findings, statements, scopes, policies)
def test_only_listed_fields_leave(
    finding: Finding, statement: Statement, accepted: frozenset[Scope], policy: Policy
) -> None:
    """Each field of a parcel has a line in the statement, and that line's scope was accepted."""
    outcome = _decide(finding, statement, accepted, policy)
    if isinstance(outcome, Parcel):
        for field in (*outcome.fields, *(field for group in outcome.matches for field in group)):
            rule = statement.rule_for(field.name)
            assert rule is not None
            assert rule.scope in accepted & outcome.scopes


@given(findings, statements, scopes, policies)
def test_a_parcel_needs_only_what_was_accepted(
    finding: Finding, statement: Statement, accepted: frozenset[Scope], policy: Policy
) -> None:
    """A parcel never names a scope that was not accepted, and contents need theirs."""
    outcome = _decide(finding, statement, accepted, policy)
    if isinstance(outcome, Parcel):
        assert outcome.scopes <= accepted
        wholes = [content for content in outcome.contents if content.part is None]
        own = None if finding.subject is Subject.FILE else Scope(finding.subject.value)
        assert not wholes or ((own or Scope.WHOLE) in outcome.scopes and len(outcome.contents) == 1)
        assert len(wholes) == len(outcome.contents) or (own or Scope.PARTS) in outcome.scopes


@given(findings, statements, scopes, policies)
def test_every_refusal_and_omission_names_its_rule(
    finding: Finding, statement: Statement, accepted: frozenset[Scope], policy: Policy
) -> None:
    """Whatever stays here stays by a numbered rule that can be read."""
    outcome = _decide(finding, statement, accepted, policy)
    if isinstance(outcome, Refusal):
        assert outcome.rule in list(Rule)
        assert outcome.detail
    else:
        assert all(omission.reason.startswith(tuple(Rule)) for omission in outcome.omissions)


@given(findings, statements, scopes, policies, circumstances)
def test_why_nothing_may_leave_can_be_told_without_deciding(
    finding: Finding, statement: Statement, accepted: frozenset[Scope], policy: Policy, beside: Circumstances
) -> None:
    """What is asked before a look-up is what a decision would say, never less and never more."""
    outcome = _decide(finding, statement, accepted, policy, beside)
    refused = refuse(finding, statement, Consent(statement.ref, accepted, "root", NOW), policy, NOW, beside)
    assert refused == (outcome if isinstance(outcome, Refusal) else None)


@given(findings, statements, policies)
def test_no_content_leaves_by_a_narrower_policy(finding: Finding, statement: Statement, policy: Policy) -> None:
    """Whatever leaves or is held under a policy leaves under the widest one too: a policy never widens."""
    widest = Policy(whole=WholeSwitch.ALL, whole_max_bytes=2**32)
    accepted = frozenset(Scope)
    narrow = _decide(finding, statement, accepted, policy)
    assert _disclosed(narrow) | _held(narrow) <= _disclosed(_decide(finding, statement, accepted, widest))


@given(findings, statements, scopes, policies, rules, circumstances)
def test_one_more_rule_never_sends_more(
    finding: Finding,
    statement: Statement,
    accepted: frozenset[Scope],
    policy: Policy,
    rule: PolicyRule,
    beside: Circumstances,
) -> None:
    """A rule of the policy only takes away: of what leaves, and of what leaves or waits for a person."""
    before = _decide(finding, statement, accepted, policy, beside)
    after = _decide(finding, statement, accepted, replace(policy, rules=(*policy.rules, rule)), beside)
    assert _disclosed(after) <= _disclosed(before)
    if beside == ORDINARY and policy.bytes_per_day is policy.objects_per_day is None:
        assert _disclosed(after) | _held(after) <= _disclosed(before) | _held(before)


@given(findings, statements, scopes, policies, st.permutations(range(3)), st.lists(rules, min_size=3, max_size=3))
def test_the_order_of_rules_means_nothing(
    finding: Finding,
    statement: Statement,
    accepted: frozenset[Scope],
    policy: Policy,
    order: list[int],
    several: list[PolicyRule],
) -> None:
    """All that apply are met; the same rules in another order decide the same."""
    one = _decide(finding, statement, accepted, replace(policy, rules=tuple(several)))
    other = _decide(finding, statement, accepted, replace(policy, rules=tuple(several[place] for place in order)))
    assert _disclosed(one) == _disclosed(other)
    assert _held(one) == _held(other)


@given(findings, statements, scopes, policies, circumstances)
def test_an_approval_never_exceeds_consent_and_policy(
    finding: Finding, statement: Statement, accepted: frozenset[Scope], policy: Policy, beside: Circumstances
) -> None:
    """What leaves by approval was approved, and would leave or be held anyway, by scopes that are accepted."""
    approved = beside.approved or frozenset()
    outcome = _decide(finding, statement, accepted, policy, replace(beside, approved=approved))
    asked = replace(beside, approved=None, can_hold=True, spent=Spent())
    unlimited = replace(policy, bytes_per_day=None, objects_per_day=None)
    ordinary = _decide(finding, statement, accepted, unlimited, asked)
    if isinstance(outcome, Parcel):
        assert outcome.scopes <= accepted
        assert {content.sha256 for content in outcome.contents} <= approved
        if finding.subject is Subject.FILE:
            assert set(outcome.contents) <= _disclosed(ordinary) | _held(ordinary)
    assert _held(outcome) == set()


@given(findings, statements, scopes, policies, circumstances)
def test_what_is_held_does_not_leave(
    finding: Finding, statement: Statement, accepted: frozenset[Scope], policy: Policy, beside: Circumstances
) -> None:
    """Contents that wait for a person are no contents of the parcel; it says that they wait, and by which consent."""
    outcome = _decide(finding, statement, accepted, policy, beside)
    if isinstance(outcome, Parcel):
        assert not set(outcome.held) & set(outcome.contents)
        assert outcome.held_scopes <= accepted
        assert bool(outcome.held) == any(omission.reason.startswith(Rule.HELD) for omission in outcome.omissions)
        assert beside.can_hold or not outcome.held


@given(findings, statements, scopes, policies, circumstances)
def test_kinds_that_may_hold_personal_data_need_their_scope(
    finding: Finding, statement: Statement, accepted: frozenset[Scope], policy: Policy, beside: Circumstances
) -> None:
    """Bytes of a file that are neither program nor script need the scope documents, whatever the policy says."""
    outcome = _decide(finding, statement, accepted, policy, beside)
    if isinstance(outcome, Parcel) and finding.subject is Subject.FILE:
        for content in (*outcome.contents, *outcome.held):
            kind = (content.part.content if content.part else None) or finding.kind
            assert kind in SAFE_KINDS or Scope.DOCUMENTS in accepted
        if Scope.DOCUMENTS not in outcome.scopes:
            assert all(
                ((content.part.content if content.part else None) or finding.kind) in SAFE_KINDS
                for content in outcome.contents
            )


@given(findings, statements, scopes, policies)
def test_a_decision_repeats(finding: Finding, statement: Statement, accepted: frozenset[Scope], policy: Policy) -> None:
    """The same in gives the same out."""
    assert repr(_decide(finding, statement, accepted, policy)) == repr(_decide(finding, statement, accepted, policy))


@given(findings, statements)
def test_every_parcel_is_a_manifest(finding: Finding, statement: Statement) -> None:
    """Whatever a host can find, the parcel of it is one that the wire's own strict reading accepts."""
    outcome = _decide(finding, statement, frozenset(Scope), Policy(whole=WholeSwitch.ALL))
    if isinstance(outcome, Parcel):
        assert decode(encode(manifest_of(outcome)), Manifest).object.sha256 == outcome.sha256


_places = st.sampled_from(
    ["/home/{0}/x/{1}.exe", "/tmp/{0}-{1}", "/var/mail/{0}", "/media/{0}/{1}", "/run/user/1000/{0}", "/opt/{0}/{1}",
     "C:\\Users\\{0}\\{1}.exe", "/mnt/home/{0}", "/Users/{0}/Library/{1}"]
)  # fmt: skip
_spoken = st.sampled_from(
    ["--user={0}", "--out=/home/{0}/{1}", "{0}@orchid7", "https://{0}:{1}@evil.example.com/{0}?user={1}#{0}", "{0}",
     "-u{0}", "mailto:{0}@{1}.example.com", "see /home/{0}/{1} and {1}", "%2Fhome%2F{0}%2F{1}"]
)  # fmt: skip
_pairs = st.tuples(st.sampled_from(USERS), st.sampled_from(USERS))


def _said(forms: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda form, names: form.format(*names), forms, _pairs)


@given(
    statements,
    st.lists(_said(_places), min_size=1, max_size=3).map(tuple),
    st.lists(_said(_spoken), min_size=1, max_size=4).map(tuple),
    _said(st.just("https://{0}:x@evil.example.com/{1}/setup.exe?{0}")),
)
def test_no_name_of_a_person_survives(
    statement: Statement, paths: tuple[str, ...], arguments: tuple[str, ...], url: str
) -> None:
    """Names put into paths, arguments, owners, URLs and detections are in no value of the parcel."""
    finding = Finding(
        event_id="0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10",
        created=NOW,
        reason=Reason.DETECTION,
        sha256="ab" * 32,
        size=1,
        kind=ContentKind.EXECUTABLE,
        mime_type="application/octet-stream",
        ruleset_version="sha256:0",
        plan=Plan(Sampling.WHOLE),
        path=paths[0].encode(),
        detections=arguments,
        fields=(
            Field("file.path", paths[0]),
            Field("file.directory", paths[0].rpartition("/")[0]),
            Field("file.name", paths[0].rpartition("/")[2]),
            Field("file.extension", paths[0].rpartition(".")[2]),
            Field("file.owner", "alice"),
            Field("file.group", "ben"),
            Field("process.user.name", "jsmith"),
            Field("process.name", "jsmith.exe"),
            Field("process.executable", paths[-1]),
            Field("process.working_directory", paths[-1]),
            Field("process.args", (*paths, *arguments)),
            Field("process.command_line", " ".join((*paths, *arguments))),
            Field("process.parent.command_line", " ".join((*paths, *arguments))),
            Field("process.parent.args", arguments),
            Field("file.origin_url", url),
            Field("file.origin_referrer_url", arguments[0]),
            Field("sampler.process.modules", paths),
        ),
    )
    parcel = _decide(finding, statement, frozenset(Scope), Policy())
    assert isinstance(parcel, Parcel)
    said = repr([(field.name, field.value) for field in parcel.fields]).lower()
    assert not [name for name in (*USERS, "orchid7") if name in said]


@given(findings, statements, scopes, policies)
def test_what_is_no_file_needs_its_own_scope(
    finding: Finding, statement: Statement, accepted: frozenset[Scope], policy: Policy
) -> None:
    """Nothing is said of memory, boot records or a process without its scope, and the parcel needs it to the end."""
    outcome = _decide(finding, statement, accepted, policy)
    if isinstance(outcome, Refusal):
        return
    own = {Subject.MEMORY: Scope.MEMORY, Subject.BOOT: Scope.BOOT, Subject.ACTIVITY: Scope.ACTIVITY}
    needed = {own[finding.subject]} if finding.subject in own else set()
    needed |= {Scope.TRUSTED} if finding.reason is Reason.TRUSTED else set()
    needed |= finding.treated.scopes if finding.treated else set()
    assert needed <= accepted
    assert needed <= outcome.scopes
    if finding.subject is not Subject.FILE:
        assert not {Scope.WHOLE, Scope.PARTS} & outcome.scopes - needed


@given(findings, statements, scopes, policies)
def test_a_report_leaves_under_the_statement_that_it_was_written_under(
    finding: Finding, statement: Statement, accepted: frozenset[Scope], policy: Policy
) -> None:
    """A report on a process whose fields another statement treated, or none, does not leave."""
    outcome = _decide(finding, statement, accepted, policy)
    if isinstance(outcome, Parcel) and finding.subject is Subject.ACTIVITY:
        assert finding.treated is not None
        assert finding.treated.statement == statement.ref
