"""What a decision would be, field by field: the same decision, shown to the owner before anything leaves. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sampler.model import Field, Finding, Parcel, Refusal, Scope
from sampler.permit.circumstances import ORDINARY, Circumstances
from sampler.permit.consent import Consent
from sampler.permit.decide import decide
from sampler.permit.disclosure import Discloser, FieldLine
from sampler.permit.facts import fields_of, fields_of_match
from sampler.permit.names import HostNames
from sampler.permit.policy import Policy
from sampler.permit.statement import Statement


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision, and what becomes of every field that was known."""

    outcome: Parcel | Refusal
    fields: tuple[FieldLine, ...]
    matches: tuple[tuple[FieldLine, ...], ...]
    """One group a match."""


def explain(  # noqa: PLR0917  # what ``decide`` takes
    finding: Finding,
    statement: Statement,
    consent: Consent | None,
    policy: Policy,
    host: HostNames,
    now: datetime,
    beside: Circumstances = ORDINARY,
) -> Explanation:
    """As ``decide``, with the line for each field; of a refusal every line says the rule that refused."""
    outcome = decide(finding, statement, consent, policy, host, now, beside)
    scopes = consent.scopes & statement.scopes if consent is not None else frozenset[Scope]()
    discloser = Discloser(statement, scopes, host.at(now))

    def lines(fields: Iterable[Field]) -> tuple[FieldLine, ...]:
        if isinstance(outcome, Refusal):
            why = f"{outcome.rule}: {outcome.detail}"
            return tuple(FieldLine(field, None, statement.rule_for(field.name), why) for field in fields)
        return discloser.explain(fields)

    matches = tuple(lines(fields_of_match(match)) for match in finding.matches)
    return Explanation(outcome, lines(fields_of(finding)), matches)
