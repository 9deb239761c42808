"""Values of the model refuse to exist when they are wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sampler.limits import HITS_PER_RULE_MAX_COUNT, REGIONS_MAX_COUNT
from sampler.model import (
    Conclusion,
    ContentKind,
    Examination,
    Failure,
    Field,
    ObjectState,
    Parcel,
    PartKind,
    PathSource,
    Region,
    RuleMatch,
    Sampling,
    Scope,
    StatementRef,
    StringHit,
    Verdict,
    value_of,
)


@pytest.mark.parametrize("path", [b"relative", b"", b"/nul\0byte"])
def test_a_path_source_is_absolute_and_without_nul(path: bytes) -> None:
    """Only an absolute path without NUL names a file."""
    with pytest.raises(ValueError, match="not an absolute path"):
        PathSource(path)


@pytest.mark.parametrize("name", ["", ".", "a..b", "a b", "file.", "a\n"])
def test_a_field_has_a_dotted_name(name: str) -> None:
    """What is no ECS-like name cannot be a field."""
    with pytest.raises(ValueError, match="not a field name"):
        Field(name, 1)


def test_value_of_finds_the_first() -> None:
    """The first field of a name counts; an absent one is None."""
    fields = (Field("file.size", 1), Field("file.size", 2))
    assert value_of(fields, "file.size") == 1
    assert value_of(fields, "file.name") is None


@pytest.mark.parametrize("state", [ObjectState.SPOOLED, ObjectState.HELD])
def test_a_failure_ends_an_object(state: ObjectState) -> None:
    """A failure cannot leave an object in a state that is not final."""
    with pytest.raises(ValueError, match="ends an object"):
        Failure(state, "code", "detail")


def test_samplings_are_ordered() -> None:
    """From nothing to the whole."""
    assert [sampling.rank for sampling in Sampling] == [0, 1, 2, 3]


def test_what_a_child_says_has_ceilings() -> None:
    """Negative ranges, too many regions, hits or too long texts cannot be values."""
    with pytest.raises(ValueError, match="not a range"):
        StringHit("$a", -1, 4)
    for key in (-1, 256):
        with pytest.raises(ValueError, match="xor key"):
            StringHit("$a", 0, 1, key)
    with pytest.raises(ValueError, match="not a range"):
        Region(PartKind.HEADER, "", 0, -1)
    with pytest.raises(ValueError, match="region name"):
        Region(PartKind.SECTION, "x" * 1000, 0, 1)
    hit = StringHit("$a", 0, 1)
    with pytest.raises(ValueError, match="string hits"):
        RuleMatch("r", "n", hits=(hit,) * (HITS_PER_RULE_MAX_COUNT + 1))
    region = Region(PartKind.HEADER, "", 0, 1)
    with pytest.raises(ValueError, match="regions"):
        Examination("0" * 64, ContentKind.OTHER, "a/b", "v", regions=(region,) * (REGIONS_MAX_COUNT + 1))


@pytest.mark.parametrize("score", [-1, 101])
def test_a_score_is_0_to_100(score: int) -> None:
    """No other score exists."""
    with pytest.raises(ValueError, match="0 to 100"):
        Verdict(Conclusion.UNKNOWN, score, "analyzer", datetime(2026, 1, 1, tzinfo=UTC))


def test_a_parcel_is_made_by_permit_and_by_nothing_else() -> None:
    """Whoever constructs one is refused."""
    values: dict[str, Any] = {
        "event_id": "x",
        "created": datetime(2026, 1, 1, tzinfo=UTC),
        "sha256": "0" * 64,
        "size": 1,
        "statement": StatementRef("s", 1, "0" * 64),
        "scopes": frozenset({Scope.WHOLE}),
        "fields": (),
        "matches": (),
        "contents": (),
        "omissions": (),
        "reasons": (),
    }
    with pytest.raises(TypeError, match="made by permit"):
        Parcel(**values)
    with pytest.raises(TypeError, match="made by permit"):
        Parcel(**values, seal=object())


def test_nobody_gets_a_second_sealer() -> None:
    """After permit was imported the sealer is gone."""
    import sampler.permit  # noqa: F401  # it claims the sealer
    from sampler.model.parcel import claim_sealer

    with pytest.raises(TypeError, match="belongs to permit"):
        claim_sealer()
