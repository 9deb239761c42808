from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

import sampler.permit
from sampler.model import Field, Finding, Parcel
from sampler.model.parcel import claim_sealer
from sampler.permit import Consent, HostNames, Policy, Statement, decide


@pytest.fixture
def parcel(
    finding: Callable[..., Finding], extended: Statement, consent: Consent, host: HostNames, now: datetime
) -> Parcel:
    made = decide(finding(), extended, consent, Policy(), host, now)
    assert isinstance(made, Parcel)
    return made


def _values(parcel: Parcel) -> dict[str, Any]:
    return {name: getattr(parcel, name) for name in Parcel.__slots__}


def test_a_parcel_cannot_be_made_elsewhere(parcel: Parcel) -> None:
    """The same values that permit sealed are refused from any other hand."""
    with pytest.raises(TypeError, match="made by permit"):
        Parcel(**_values(parcel))
    with pytest.raises(TypeError, match="made by permit"):
        Parcel(**{**_values(parcel), "seal": object()})


def test_a_parcel_cannot_be_changed(parcel: Parcel) -> None:
    """Neither by setting a field nor by copying it with another one."""
    with pytest.raises(AttributeError):
        parcel.fields = (Field("host.hostname", "x"),)  # type: ignore[misc]  # this is what is tried
    with pytest.raises(TypeError, match="made by permit"):
        replace(parcel, fields=(Field("host.hostname", "x"),))


def test_the_sealer_is_taken() -> None:
    """Once permit is imported nobody gets the sealer any more."""
    with pytest.raises(TypeError, match="belongs to permit"):
        claim_sealer()


def test_the_sealer_is_not_handed_out() -> None:
    """What permit exports makes no parcel but by deciding."""
    assert "seal" not in sampler.permit.__all__


def test_a_sealed_parcel_shows_no_seal(parcel: Parcel) -> None:
    """The seal cannot be taken off one parcel and put on another."""
    assert parcel.seal is None
    assert copy.copy(parcel) == parcel
    with pytest.raises(TypeError, match="made by permit"):
        Parcel(**{**_values(pickle.loads(pickle.dumps(parcel))), "size": 1})
