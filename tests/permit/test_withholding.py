from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sampler.model import Field, Finding, Parcel, Scope
from sampler.permit import Consent, HostNames, Policy, Statement, decide, explain, withheld

MakeFinding = Callable[..., Finding]


def test_every_known_field_leaves_or_stays_with_a_reason(
    finding: MakeFinding, extended: Statement, consent: Consent, host: HostNames, now: datetime
) -> None:
    """Names of what stays, each once and under the reason that a preview gives, and none of what leaves."""
    known = finding(fields=(Field("file.path", "/home/alice/x.exe"), Field("secret.thing", "s")))
    for accepted in (frozenset({Scope.REPUTATION, Scope.STATISTICS}), extended.scopes):
        narrow = replace(consent, scopes=accepted)
        parcel = decide(known, extended, narrow, Policy(), host, now)
        assert isinstance(parcel, Parcel)
        stays = withheld(known, parcel, extended, accepted)
        named = [name for names in stays.values() for name in names]
        seen = explain(known, extended, narrow, Policy(), host, now)
        lines = [line for group in (seen.fields, *seen.matches) for line in group]
        assert sorted(named) == sorted({line.before.name for line in lines if line.after is None})
        whys = {line.before.name: line.why for line in lines}
        assert all(
            whys[name] in (why, why.removesuffix(" leaves nothing of it")) for why in stays for name in stays[why]
        )
        assert "secret.thing" in named
        assert ("file.path" in named) == (Scope.METADATA not in accepted)


def test_no_value_is_noted(
    finding: MakeFinding, extended: Statement, consent: Consent, host: HostNames, now: datetime
) -> None:
    """The owner's record of what stayed holds nothing of it."""
    known = finding(fields=(Field("secret.thing", "hunter2"),))
    parcel = decide(known, extended, consent, Policy(), host, now)
    assert isinstance(parcel, Parcel)
    assert "hunter2" not in str(withheld(known, parcel, extended, consent.scopes))
