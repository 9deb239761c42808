"""Which known fields a parcel does not hold, and by which rule: names for the owner's record, never values. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from sampler.model import Finding, Parcel, Scope
from sampler.permit.facts import fields_of, fields_of_match
from sampler.permit.rules import Rule
from sampler.permit.statement import Statement


def withheld(
    finding: Finding, parcel: Parcel, statement: Statement, accepted: frozenset[Scope]
) -> dict[str, tuple[str, ...]]:
    """The names of the fields that stay on the host, by the reason.

    Args:
        finding: what the parcel was made from.
        parcel: what leaves of it.
        statement: under which it leaves.
        accepted: the scopes that the owner accepted.
    """
    known = {field.name for field in fields_of(finding)}
    known |= {field.name for match in finding.matches for field in fields_of_match(match)}
    leaves = {field.name for fields in (parcel.fields, *parcel.matches) for field in fields}
    return _by_reason(sorted(known - leaves), statement, accepted)


def _by_reason(names: Iterable[str], statement: Statement, accepted: frozenset[Scope]) -> dict[str, tuple[str, ...]]:
    reasons: dict[str, tuple[str, ...]] = {}
    for name in names:
        why = f"{Rule.FIELDS}: {_why(name, statement, accepted)}"
        reasons[why] = (*reasons.get(why, ()), name)
    return reasons


def _why(name: str, statement: Statement, accepted: frozenset[Scope]) -> str:
    rule = statement.rule_for(name)
    if rule is None:
        return "the statement does not list it"
    if rule.scope not in accepted:
        return f"the scope {rule.scope} is not accepted"
    return f"scope {rule.scope}, {rule.pattern} = {rule.treatment} leaves nothing of it"
