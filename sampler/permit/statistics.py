"""The one decision about which counters leave the host. Pure, and the only maker of what leaves of them.

What a statement does not list under its scope ``statistics`` as ``keep`` cannot be put into a release.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sampler.limits import STATISTICS_ACCEPT_DAYS, STATISTICS_THRESHOLD
from sampler.model import Sampling, Scope
from sampler.model.statistics import (
    StatisticsRefusal,
    StatisticsRelease,
    Table,
    Tally,
    claim_statistics_sealer,
    end_of,
    start_of,
)
from sampler.permit.consent import Consent
from sampler.permit.decide import still_allowed
from sampler.permit.policy import Policy
from sampler.permit.statement import FieldRule, Statement
from sampler.permit.treatments import Treatment

_seal: Final = claim_statistics_sealer()
_NEEDED: Final = frozenset({Scope.STATISTICS})


class StatisticsRule(StrEnum):
    """The numbered rules of statistics, behind ``P1`` to ``P3``, in the order in which they are looked at."""

    POLICY = "S4 policy-ceiling"
    NOT_OVER = "S5 day-not-over"
    BEFORE_CONSENT = "S6 day-before-consent"
    TOO_OLD = "S7 day-too-old"
    NOT_LISTED = "S8 not-listed"


def release_statistics(
    tally: Tally, statement: Statement, consent: Consent | None, policy: Policy, now: datetime
) -> StatisticsRelease | StatisticsRefusal:
    """Which counters of a day may leave, or the numbered rule by which none does.

    The checks, in their order; the first that fails decides:

    1. a consent is given, and neither withdrawn nor expired;
    2. it was given for this very statement;
    3. it holds the scope ``statistics``;
    4. the policy does not keep everything here;
    5. the day is over;
    6. the consent stood when the day began, and when the first of its objects was flagged: nothing from before is told;
    7. the queue still takes the day;
    8. each table: listed in the statement under ``statistics`` as ``keep``; else it is left out.
    """
    refused = still_allowed(_NEEDED, statement.ref, consent, now)  # 1, 2, 3
    if refused is not None or consent is None:
        rule, _, detail = (refused or "").partition(": ")
        return StatisticsRefusal(tally.day, rule, detail)
    if (why := _why_not(tally, consent, policy, now)) is not None:
        return StatisticsRefusal(tally.day, why[0].value, why[1])
    listed = dict(_listed(statement))  # 8
    if not listed:
        detail = f"statement {statement.id} version {statement.version} lists no counter"
        return StatisticsRefusal(tally.day, StatisticsRule.NOT_LISTED.value, detail)
    return _seal(
        day=tally.day,
        statement=statement.ref,
        threshold=statement.statistics_threshold or STATISTICS_THRESHOLD,
        counts=tuple(count for count in tally.counts if count.table in listed),
        sketches=frozenset(table for table in listed if table.is_distinct),
        reasons=tuple((table.value, f"{rule.pattern} = {rule.treatment}") for table, rule in listed.items()),
        left_out=tuple(table.value for table in Table if table not in listed),
    )


def _why_not(tally: Tally, consent: Consent, policy: Policy, now: datetime) -> tuple[StatisticsRule, str] | None:
    if policy.sampling_max is Sampling.NONE:  # 4
        return StatisticsRule.POLICY, "the policy lets nothing leave"
    if now < end_of(tally.day):  # 5
        return StatisticsRule.NOT_OVER, "the day is not over; counters leave once it is"
    if min(start_of(tally.day), tally.first or consent.at) < consent.at:  # 6
        return (
            StatisticsRule.BEFORE_CONSENT,
            f"it counts what is older than the consent of {consent.at:%Y-%m-%dT%H:%M:%SZ}",
        )
    if now >= end_of(tally.day) + timedelta(days=STATISTICS_ACCEPT_DAYS):  # 7
        return StatisticsRule.TOO_OLD, f"the queue takes a day for {STATISTICS_ACCEPT_DAYS} days after it"
    return None


def _listed(statement: Statement) -> Iterator[tuple[Table, FieldRule]]:
    for table in Table:
        rule = statement.rule_for(table.value)
        if rule is not None and rule.scope is Scope.STATISTICS and rule.treatment is Treatment.KEEP:
            yield table, rule
