"""Which counters may leave: nothing that is not listed, of no day that the consent does not cover."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.limits import STATISTICS_ACCEPT_DAYS
from sampler.model import Reason, Sampling, Scope
from sampler.model.statistics import (
    ALL,
    Count,
    StatisticsRefusal,
    StatisticsRelease,
    Table,
    Tally,
    claim_statistics_sealer,
)
from sampler.permit import Consent, Policy, Statement, parse_statement, release_statistics, shipped_statement

DAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
BEFORE = datetime(2026, 11, 20, tzinfo=UTC)
TALLY = Tally(
    DAY, (Count(Table.OBJECTS, ALL, 7), Count(Table.BY_RULE, "A_Rule", 2), Count(Table.BY_REASON, "detection", 7))
)
BASIC = shipped_statement("basic")


def listing(*lines: str) -> Statement:
    """The basic statement with these lines in place of its own about counters."""
    head = BASIC.data.decode().partition("[fields.statistics]")[0]
    return parse_statement(f"{head}[fields.statistics]\n{chr(10).join(lines)}\n".encode(), BASIC.text.encode())


def accepted(statement: Statement = BASIC, at: datetime = BEFORE) -> Consent:
    return Consent(statement.ref, frozenset({Scope.REPUTATION, Scope.STATISTICS}), "root", at)


def decided(
    statement: Statement = BASIC,
    consent: Consent | None = None,
    *,
    tally: Tally = TALLY,
    policy: Policy | None = None,
    now: datetime = NOW,
) -> StatisticsRelease | StatisticsRefusal:
    return release_statistics(tally, statement, consent or accepted(statement), policy or Policy(), now)


def rule_of(outcome: StatisticsRelease | StatisticsRefusal) -> str:
    assert isinstance(outcome, StatisticsRefusal)
    assert outcome.detail
    return outcome.rule


def test_what_the_statement_lists_leaves() -> None:
    """Every counter, with the line that allowed its table, under the statement's own threshold."""
    outcome = decided()
    assert isinstance(outcome, StatisticsRelease)
    assert (outcome.day, outcome.counts, outcome.statement) == (DAY, TALLY.counts, BASIC.ref)
    assert outcome.threshold == BASIC.statistics_threshold
    assert dict(outcome.reasons)[Table.BY_RULE] == "sampler.statistics.objects_by_rule = keep"
    assert outcome.sketches == {Table.DISTINCT, Table.DISTINCT_BY_RULE}
    assert outcome.left_out == ()


def test_without_a_consent_nothing_leaves() -> None:
    """The rules of every decision stand before those of statistics."""
    assert rule_of(release_statistics(TALLY, BASIC, None, Policy(), NOW)) == "P1 no-consent"
    withdrawn = accepted().without(None, "root", NOW)
    assert rule_of(decided(consent=withdrawn)) == "P1 no-consent"
    assert rule_of(decided(consent=replace(accepted(), expires=NOW))) == "P1 no-consent"
    assert rule_of(decided(shipped_statement("extended"), accepted())) == "P2 other-statement"
    only = replace(accepted(), scopes=frozenset({Scope.REPUTATION}))
    assert rule_of(decided(consent=only)) == "P3 scope-not-accepted"


def test_the_policy_can_keep_everything_here() -> None:
    """A policy that lets nothing leave lets no counter leave."""
    assert rule_of(decided(policy=Policy(sampling_max=Sampling.NONE))) == "S4 policy-ceiling"


def test_a_day_that_is_not_over() -> None:
    """Counters of a day leave once it is over, to the moment."""
    end = datetime(2026, 11, 25, tzinfo=UTC)
    assert rule_of(decided(now=end - timedelta(microseconds=1))) == "S5 day-not-over"
    assert isinstance(decided(now=end), StatisticsRelease)


def test_a_day_that_the_consent_does_not_cover() -> None:
    """A day that began before the consent was given stays here, so that nothing from before it is told."""
    start = datetime(2026, 11, 24, tzinfo=UTC)
    late = accepted(at=start + timedelta(microseconds=1))
    assert rule_of(decided(consent=late)) == "S6 day-before-consent"
    assert isinstance(decided(consent=accepted(at=start)), StatisticsRelease)


def test_an_object_from_before_the_consent_keeps_its_day_here() -> None:
    """An object that was flagged before the consent and ended after it does not leave as a number either."""
    older = replace(TALLY, first=BEFORE - timedelta(seconds=1))
    assert rule_of(decided(tally=older)) == "S6 day-before-consent"
    assert isinstance(decided(tally=replace(TALLY, first=BEFORE)), StatisticsRelease)


def test_a_day_that_the_queue_takes_no_more() -> None:
    """A host that was off for long does not send what nobody takes."""
    last = datetime(2026, 11, 25, tzinfo=UTC) + timedelta(days=STATISTICS_ACCEPT_DAYS)
    assert rule_of(decided(now=last)) == "S7 day-too-old"
    assert isinstance(decided(now=last - timedelta(microseconds=1)), StatisticsRelease)


def test_what_is_not_listed_stays() -> None:
    """One line lets one table through, and names what it leaves out."""
    outcome = decided(listing('"sampler.statistics.objects" = "keep"'))
    assert isinstance(outcome, StatisticsRelease)
    assert outcome.counts == (Count(Table.OBJECTS, ALL, 7),)
    assert outcome.sketches == frozenset()
    assert Table.BY_RULE in outcome.left_out


@pytest.mark.parametrize("treatment", ["drop", "class", "redact", "truncate", "template", "pseudonym"])
def test_a_counter_is_kept_or_stays(treatment: str) -> None:
    """No treatment but ``keep`` makes sense of a number; any other keeps it here."""
    assert rule_of(decided(listing(f'"sampler.statistics.objects" = "{treatment}"'))) == "S8 not-listed"


def test_a_line_under_another_scope_lists_no_counter() -> None:
    """Whoever accepts metadata alone has not accepted statistics."""
    data = listing().data.decode().replace("[fields.metadata]", '[fields.metadata]\n"sampler.statistics.*" = "keep"')
    statement = parse_statement(data.encode(), BASIC.text.encode())
    assert rule_of(decided(statement)) == "S8 not-listed"


def test_a_prefix_lists_all_counters() -> None:
    """As it does for fields."""
    outcome = decided(listing('"sampler.statistics.*" = "keep"'))
    assert isinstance(outcome, StatisticsRelease)
    assert outcome.counts == TALLY.counts


def test_a_release_cannot_be_made_elsewhere() -> None:
    """What leaves of statistics is made by permit alone, as parcels are."""
    with pytest.raises(TypeError, match="decided by permit"):
        StatisticsRelease(DAY, BASIC.ref, 5, TALLY.counts, frozenset(), (), ())
    with pytest.raises(TypeError, match="belongs to permit"):
        claim_statistics_sealer()


@pytest.mark.parametrize(
    ("table", "label"),
    [
        (Table.BY_KIND, "my_laptop"), (Table.BY_RULE, "/home/alice"), (Table.BY_RULE, ""), (Table.BY_RULE, "a\n"),
        (Table.OBJECTS, "alice"), (Table.BY_SIZE, "3"), (Table.BY_RULE, "a" * 129),
    ],
)  # fmt: skip
def test_a_label_is_of_its_tables_own_set(table: Table, label: str) -> None:
    """A name of a file, a host or a person cannot be a label."""
    with pytest.raises(ValueError, match="label"):
        Count(table, label, 1)


counts = st.lists(
    st.one_of(
        st.builds(Count, st.just(Table.OBJECTS), st.just(ALL), st.integers(1, 9)),
        st.builds(Count, st.just(Table.BY_RULE), st.sampled_from(["one", "two", "local"]), st.integers(1, 9)),
        st.builds(Count, st.just(Table.BY_REASON), st.sampled_from([*Reason]), st.integers(1, 9)),
    ),
    max_size=5,
).map(tuple)
tables = st.sets(st.sampled_from([*Table]))
scopes = st.sets(st.sampled_from([Scope.REPUTATION, Scope.METADATA, Scope.STATISTICS])).map(frozenset)
moments = st.integers(-20, 20).map(lambda days: NOW + timedelta(days=days))


@given(counts, tables, scopes, moments, moments)
@settings(max_examples=60, deadline=None)
def test_only_what_is_listed_and_accepted_leaves(
    brought: tuple[Count, ...], listed: set[Table], given_scopes: frozenset[Scope], at: datetime, now: datetime
) -> None:
    """Whatever is counted, listed, accepted and when: only listed tables leave, every refusal names its rule, and
    without the scope nothing leaves."""
    statement = listing(*(f'"{table}" = "keep"' for table in sorted(listed)))
    consent = Consent(statement.ref, given_scopes, "root", at)
    outcome = release_statistics(Tally(DAY, brought), statement, consent, Policy(), now)
    if isinstance(outcome, StatisticsRefusal):
        assert outcome.rule[:2] in {"P1", "P3", "S5", "S6", "S7", "S8"}
        return
    assert Scope.STATISTICS in given_scopes
    assert outcome.sketches | {count.table for count in outcome.counts} <= listed
    assert set(outcome.counts) <= set(brought)
