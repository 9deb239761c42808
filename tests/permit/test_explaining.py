from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.model import Field, Finding, Parcel, Scope
from sampler.permit import Consent, HostNames, Policy, Statement, decide, explain

MakeFinding = Callable[..., Finding]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(scopes=st.frozensets(st.sampled_from(Scope)))
def test_what_is_shown_is_what_is_decided(
    finding: MakeFinding,
    extended: Statement,
    consent: Consent,
    host: HostNames,
    now: datetime,
    scopes: frozenset[Scope],
) -> None:
    """Under any consent the fields that a preview shows as sent are exactly the parcel's, as they are sent."""
    given_consent = replace(consent, scopes=scopes)
    seen = explain(finding(), extended, given_consent, Policy(), host, now)
    assert seen.outcome == decide(finding(), extended, given_consent, Policy(), host, now)
    sent = tuple(line.after for line in seen.fields if line.after is not None)
    assert sent == (seen.outcome.fields if isinstance(seen.outcome, Parcel) else ())
    groups = [tuple(line.after for line in group if line.after is not None) for group in seen.matches]
    assert tuple(filter(None, groups)) == (seen.outcome.matches if isinstance(seen.outcome, Parcel) else ())


def test_every_field_says_what_became_of_it(
    finding: MakeFinding, extended: Statement, consent: Consent, host: HostNames, now: datetime
) -> None:
    """A field that is not listed, one whose scope is refused and one that is treated each name why."""
    known = finding(fields=(Field("file.path", "/home/alice/x.exe"), Field("secret.thing", "s")))
    narrow = replace(consent, scopes=frozenset({Scope.REPUTATION}))
    by_name = {line.before.name: line for line in explain(known, extended, narrow, Policy(), host, now).fields}
    assert by_name["secret.thing"].why == "P9 fields: the statement does not list it"
    assert by_name["file.path"].why == "P9 fields: the scope metadata is not accepted"
    assert by_name["file.path"].after is None
    by_name = {line.before.name: line for line in explain(known, extended, consent, Policy(), host, now).fields}
    assert by_name["file.path"].why == "P9 fields: scope metadata, file.path = template"
    after = by_name["file.path"].after
    assert after is not None
    assert "alice" not in str(after.value)


def test_a_refusal_explains_every_line(
    finding: MakeFinding, extended: Statement, host: HostNames, now: datetime
) -> None:
    """Without consent no field has an after, and each names the rule that refused."""
    seen = explain(finding(), extended, None, Policy(), host, now)
    lines = (*seen.fields, *(line for group in seen.matches for line in group))
    assert lines
    assert all(line.after is None and line.why.startswith("P1 no-consent: ") for line in lines)
