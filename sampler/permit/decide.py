"""The one decision about what leaves the host. Pure: all that it looks at is handed in, and it alone makes parcels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sampler.model import Finding, ObjectState, Parcel, Reason, Refusal, Sampling, Scope, StatementRef, Subject
from sampler.permit.circumstances import ORDINARY, Circumstances
from sampler.permit.consent import Consent
from sampler.permit.contents import OWN_SCOPES, Selection, select_contents
from sampler.permit.disclosure import Disclosed, Discloser
from sampler.permit.facts import fields_of, fields_of_match
from sampler.permit.names import HostNames
from sampler.permit.part_names import with_treated_names
from sampler.permit.policy import Policy
from sampler.permit.policy_rules import Narrowing
from sampler.permit.rules import Rule
from sampler.permit.sealing import seal
from sampler.permit.statement import Statement

_ACCEPT = "accept it with: sampler consent accept"


def decide(  # noqa: PLR0917  # the six things that a decision is made of, none of them optional
    finding: Finding,
    statement: Statement,
    consent: Consent | None,
    policy: Policy,
    host: HostNames,
    now: datetime,
    beside: Circumstances = ORDINARY,
) -> Parcel | Refusal:
    """What of a finding may leave, or the numbered rule by which none of it does.

    The checks, in their order; the first that fails decides:

    1. a consent is given, and neither withdrawn nor expired;
    2. it was given for this very statement, both files of it;
    3. it holds the scope ``reputation``, ``trusted`` for a trusted file, and for what is no file its own: ``memory``,
       ``boot`` or ``activity``; a report that the agent wrote was written under this statement;
    4. the path is not excluded by the policy;
    5. something is asked for;
    6. the policy's ceiling and the rules of it that apply allow it, else as much of it as they allow; a day's volume
       has room for it, else contents are left out;
    7. the whole: scope, switch, kind (``documents`` for kinds that may hold personal data), size; else it is left out
       (what is no file: size);
    8. the parts: scope, and the kind that each has itself; else they are left out (not asked of what is no file);
       their names leave as paths do, without names of people;
    9. each field: listed in the statement, its scope accepted, treated; else it is left out;
    10. contents that a person has to approve (policy ``hold``, ``prompt``, kinds that may hold personal data unless the
       switch is ``all``) are held: they are no part of the parcel, which only tells the host about them. What
       ``beside.approved`` names is decided about anew, and all the same, but for this step.
    """
    scopes = _accepted(statement, consent)
    limits = policy.narrowed(finding, now + beside.local_offset)
    if (refused := _refused(finding, statement, consent, policy, limits, now)) is not None:
        return refused
    names = host.at(now)
    named = replace(finding, plan=with_treated_names(finding.plan, names))
    selection = select_contents(named, scopes, policy, limits, beside)  # 6, 7, 8, 10
    disclosed = _Told.of(finding, Discloser(statement, scopes, names))  # 9
    return _sealed(finding, statement, selection, disclosed, now)


def refuse(  # noqa: PLR0917  # as ``decide``, but for names, which no refusal depends on
    finding: Finding,
    statement: Statement,
    consent: Consent | None,
    policy: Policy,
    now: datetime,
    beside: Circumstances = ORDINARY,
) -> Refusal | None:
    """Why nothing of a finding may leave (the checks 1 to 6 of ``decide``); ``None``: something may."""
    return _refused(finding, statement, consent, policy, policy.narrowed(finding, now + beside.local_offset), now)


def _refused(  # noqa: PLR0917  # as ``decide``
    finding: Finding,
    statement: Statement,
    consent: Consent | None,
    policy: Policy,
    limits: Narrowing,
    now: datetime,
) -> Refusal | None:
    scopes = _accepted(statement, consent)
    why = _standing(statement.ref, consent, now) or _why_nothing(finding, scopes, policy, limits, statement.ref)
    return None if why is None else Refusal(finding.event_id, ObjectState.REFUSED, why[0].value, why[1])


def _accepted(statement: Statement, consent: Consent | None) -> frozenset[Scope]:
    return consent.scopes & statement.scopes if consent is not None else frozenset()


@dataclass(frozen=True, slots=True)
class _Told:
    """The fields that may leave, of the object and of each rule that matched."""

    fields: tuple[Disclosed, ...]
    matches: tuple[tuple[Disclosed, ...], ...]

    @classmethod
    def of(cls, finding: Finding, discloser: Discloser) -> _Told:
        matches = (discloser.disclose(fields_of_match(match)) for match in finding.matches)
        return cls(discloser.disclose(fields_of(finding)), tuple(group for group in matches if group))

    @property
    def all(self) -> tuple[Disclosed, ...]:
        return (*self.fields, *(item for group in self.matches for item in group))


def _sealed(finding: Finding, statement: Statement, selection: Selection, told: _Told, now: datetime) -> Parcel:
    needed = _scopes_needed(finding)
    return seal(
        event_id=finding.event_id,
        created=now,
        sha256=finding.sha256,
        size=finding.size,
        tree_root=finding.tree_root,
        answers=finding.answers,
        statement=statement.ref,
        region=statement.region.value,
        retention_days=statement.retention_days,
        scopes=selection.scopes | needed | {item.rule.scope for item in told.all},
        fields=tuple(item.field for item in told.fields),
        matches=tuple(tuple(item.field for item in group) for group in told.matches),
        contents=selection.contents,
        omissions=selection.omissions,
        held=selection.held,
        held_scopes=selection.held_scopes | needed if selection.held else frozenset[Scope](),
        reasons=tuple(dict((*selection.reasons, *(item.reason for item in told.all))).items()),
    )


def still_allowed(
    scopes: frozenset[Scope], statement: StatementRef, consent: Consent | None, now: datetime
) -> str | None:
    """Why a parcel that was permitted under these scopes may no longer be sent, or ``None`` if it may."""
    refused = _standing(statement, consent, now)
    if refused is None and consent is not None:
        refused = _missing(scopes, consent.scopes)
    return None if refused is None else f"{refused[0]}: {refused[1]}"


_Why = tuple[Rule, str] | None


def _standing(statement: StatementRef, consent: Consent | None, now: datetime) -> _Why:
    # 1. a consent that stands
    if consent is None:
        return Rule.NO_CONSENT, f"nobody accepted a statement on this machine; {_ACCEPT}"
    if not consent.scopes:
        return Rule.NO_CONSENT, f"{consent.withdrawn_by or consent.by} withdrew the consent; {_ACCEPT}"
    if consent.expires is not None and now >= consent.expires:
        return Rule.NO_CONSENT, f"the consent expired at {consent.expires:%Y-%m-%dT%H:%M:%SZ}; {_ACCEPT}"
    # 2. for this statement
    if consent.statement != statement:
        given = f"{consent.statement.id} version {consent.statement.version}"
        return Rule.OTHER_STATEMENT, f"the consent is for {given}, this is {statement.id} version {statement.version}"
    return None


def _why_nothing(
    finding: Finding, scopes: frozenset[Scope], policy: Policy, limits: Narrowing, statement: StatementRef
) -> _Why:
    # 3. the scopes without which nothing is said of an object at all
    if missing := _missing(_scopes_needed(finding), scopes):
        return missing
    if finding.subject is Subject.ACTIVITY and (finding.treated is None or finding.treated.statement != statement):
        return Rule.OTHER_STATEMENT, "the report was not written under this statement; capture it again"
    # 4. the path
    if (pattern := policy.excluding(finding.path)) is not None:
        return Rule.EXCLUDED_PATH, f"the policy excludes {pattern}"
    # 5. what is asked for
    if finding.plan.sampling is Sampling.NONE:
        return Rule.NOTHING_ASKED, "the matching rules and the policy ask for nothing of this object"
    # 6. the policy's ceiling, where it leaves nothing
    if limits.sampling_max is Sampling.NONE:
        of = "this object" if limits.rules else "any object"
        return Rule.POLICY_CEILING, f"{limits.by} lets nothing of {of} leave"
    return None


def _missing(needed: frozenset[Scope], accepted: frozenset[Scope]) -> _Why:
    missing = sorted(needed - accepted)
    if not missing:
        return None
    return Rule.SCOPE, f"the owner does not accept the scope {', '.join(missing)}; {_ACCEPT}"


def _scopes_needed(finding: Finding) -> frozenset[Scope]:
    trusted = frozenset({Scope.TRUSTED}) if finding.reason is Reason.TRUSTED else frozenset[Scope]()
    own = frozenset({OWN_SCOPES[finding.subject]}) if finding.subject in OWN_SCOPES else frozenset[Scope]()
    treated = finding.treated.scopes if finding.treated is not None else frozenset[Scope]()
    return trusted | own | treated | {Scope.REPUTATION}
