from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import ConsentError
from sampler.limits import CONSENT_MAX_BYTES
from sampler.model import Scope, StatementRef
from sampler.permit import Consent, decode_consent, encode_consent

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
REF = StatementRef("extended", 1, "ab" * 32)
_scopes = st.frozensets(st.sampled_from(Scope))


@given(_scopes, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), _scopes)
def test_a_consent_reads_back_as_it_was_written(scopes: frozenset[Scope], by: str, gone: frozenset[Scope]) -> None:
    """Coding and decoding give an equal consent, before and after a withdrawal."""
    consent = Consent(REF, scopes, by, NOW, NOW + timedelta(days=1))
    left = consent.without(gone, by, NOW)
    assert (decode_consent(encode_consent(consent)), decode_consent(encode_consent(left))) == (consent, left)


def test_equal_consents_have_equal_bytes() -> None:
    """The order in which scopes were named makes no difference."""
    forward, backward = frozenset(list(Scope)), frozenset(list(Scope)[::-1])
    assert encode_consent(Consent(REF, forward, "a", NOW)) == encode_consent(Consent(REF, backward, "a", NOW))


@given(st.data())
def test_any_changed_byte_is_seen(data: st.DataObject) -> None:
    """No byte of a consent on disk can be changed into another letter without being seen."""
    encoded = encode_consent(Consent(REF, frozenset(Scope), "root", NOW))
    place = data.draw(st.integers(0, len(encoded) - 2))
    letter = data.draw(st.sampled_from(b'abcdef0123456789"{}:,\x00\xff').filter(lambda byte: byte != encoded[place]))
    with pytest.raises(ConsentError):
        decode_consent(encoded[:place] + bytes([letter]) + encoded[place + 1 :])


def test_a_scope_added_by_hand_is_seen() -> None:
    """A consent that was widened with an editor does not count."""
    encoded = encode_consent(Consent(REF, frozenset({Scope.REPUTATION}), "root", NOW))
    with pytest.raises(ConsentError, match="not as it was written"):
        decode_consent(encoded.replace(b'["reputation"]', b'["reputation","whole"]'))


@pytest.mark.parametrize("data", [b"", b"{}", b"[", b"\xff", b'{"consent":{},"digest":"x","more":1}', b"[" * 100_000])
def test_what_is_no_consent_is_refused(data: bytes) -> None:
    """Foreign bytes are a ConsentError and nothing else."""
    with pytest.raises(ConsentError):
        decode_consent(data)


def test_a_consent_of_any_length_is_not_read() -> None:
    """There is a ceiling."""
    with pytest.raises(ConsentError, match="bytes"):
        decode_consent(b" " * (CONSENT_MAX_BYTES + 1))


def test_withdrawing_some_keeps_the_rest() -> None:
    """What was not named stands; who withdrew and when is kept."""
    left = Consent(REF, frozenset({Scope.REPUTATION, Scope.WHOLE}), "root", NOW).without(
        frozenset({Scope.WHOLE, Scope.BOOT}), "ann", NOW + timedelta(hours=1)
    )
    assert (left.scopes, left.withdrawn) == (frozenset({Scope.REPUTATION}), frozenset({Scope.WHOLE}))
    assert (left.withdrawn_by, left.withdrawn_at) == ("ann", NOW + timedelta(hours=1))


def test_withdrawing_all_leaves_nothing() -> None:
    """Without naming scopes, all go."""
    assert Consent(REF, frozenset(Scope), "root", NOW).without(None, "root", NOW).scopes == frozenset()


def test_withdrawing_what_does_not_stand_changes_nothing() -> None:
    """A withdrawal that takes nothing back leaves no trace of one."""
    consent = Consent(REF, frozenset({Scope.REPUTATION}), "root", NOW)
    assert consent.without(frozenset({Scope.WHOLE}), "ann", NOW) == consent


@pytest.mark.parametrize(
    ("by", "at", "scopes", "withdrawn"),
    [
        ("", NOW, frozenset(Scope), frozenset[Scope]()),
        ("x" * 2000, NOW, frozenset(Scope), frozenset[Scope]()),
        ("root", NOW.replace(tzinfo=None), frozenset(Scope), frozenset[Scope]()),
        ("root", NOW, frozenset({Scope.WHOLE}), frozenset({Scope.WHOLE})),
    ],
)
def test_a_bad_consent_cannot_exist(
    by: str, at: datetime, scopes: frozenset[Scope], withdrawn: frozenset[Scope]
) -> None:
    """A consent names its giver, has times with zones, and no scope that both stands and is withdrawn."""
    with pytest.raises(ValueError):
        Consent(REF, scopes, by, at, withdrawn=withdrawn)


@pytest.mark.parametrize(
    ("scopes", "expires", "stands"),
    [
        (frozenset(Scope), None, True),
        (frozenset(Scope), NOW + timedelta(microseconds=1), True),
        (frozenset(Scope), NOW, False),
        (frozenset[Scope](), None, False),
    ],
)
def test_whether_it_stands(scopes: frozenset[Scope], expires: datetime | None, stands: bool) -> None:
    """It does until the moment at which it expires, and not once all of it was withdrawn."""
    assert Consent(REF, scopes, "root", NOW, expires).stands(NOW) is stands
