"""How long prefixes are, and what is listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.model import Conclusion, PartKind, Verdict
from sampler.queue import Submission
from sampler.queue.lookup import bits_for, entry_of, estimate, span, to_list
from sampler.wire.codec import encode
from sampler.wire.lookup_messages import padded, prefix_of
from sampler.wire.messages import ContentMessage, Manifest, PartMessage


@pytest.mark.parametrize(
    ("lines", "bits"),
    [(0, 0), (63, 0), (64, 1), (127, 1), (128, 2), (1_000_000, 14), (10_000_000, 18), (10**12, 24)],
)
def test_how_long_a_prefix_may_be(lines: int, bits: int) -> None:
    """32 lines or more for each prefix, and never more than 24 bits."""
    assert bits_for(lines) == bits


@settings(deadline=None)
@given(lines=st.integers(0, 10**9))
def test_a_prefix_always_has_a_crowd(lines: int) -> None:
    """On average; a list that is too short for one is told whole."""
    assert bits_for(lines) == 0 or lines >> bits_for(lines) >= 32


@settings(deadline=None)
@given(sha256=st.binary(min_size=32, max_size=32), bits=st.integers(0, 24))
def test_a_hash_lies_in_the_span_of_its_prefix(sha256: bytes, bits: int) -> None:
    """And its neighbours on either side of the span do not."""
    name = sha256.hex()
    first, last = span(bits, prefix_of(name, bits))
    assert first <= name <= last
    assert int(last, 16) - int(first, 16) + 1 == 1 << (256 - bits)


@pytest.mark.parametrize("lines", [0, 1, 63, 1000, 1023, 20_000, 300_000, 5_000_000, 200_000_000])
def test_how_many_lines_there_are_is_never_overstated(lines: int) -> None:
    """Short lists are counted, of long ones a slice is; few lines are read in any case."""
    read = 0

    def count(last: str, most: int) -> int:
        nonlocal read
        found = min(round(lines * (int(last, 16) + 1) / 2**256), most)
        read += found
        return found

    assert lines * 0.6 <= estimate(count) <= lines
    assert read <= max(2500, lines >> 12)


@pytest.fixture
def verdict(now: datetime) -> Verdict:
    return Verdict(Conclusion.MALICIOUS, 90, "a" * 100, now, "f" * 100, "for the analyst", now + timedelta(days=1))


def test_what_is_listed_says_little(make_manifest: Callable[..., Manifest], verdict: Verdict, now: datetime) -> None:
    """The conclusion, who came to it, the family; no note, nothing of who submitted it."""
    manifest = make_manifest(b"whole")
    listed = to_list(Submission(manifest.id, "device", now, encode(manifest), "tenant"), verdict)
    assert listed is not None
    assert (listed.tenant, listed.sha256) == ("tenant", manifest.object.sha256)
    entry = entry_of(listed)
    assert (entry.analyzer, entry.family) == ("a" * 64, "f" * 64)
    assert b"for the analyst" not in encode(entry)
    assert b"device" not in encode(entry)


def test_parts_and_features_prove_nothing_of_a_hash(
    make_manifest: Callable[..., Manifest], verdict: Verdict, now: datetime
) -> None:
    """A host that was taken over could claim any hash for them, and have other hosts believe it."""
    part = PartMessage(kind=PartKind.SECTION, name=".text", offset=0, length=3)
    for contents in ([], [ContentMessage(sha256="b" * 64, size=3, part=part)]):
        manifest = make_manifest(sha256="c" * 64, size=9, contents=contents)
        assert to_list(Submission(manifest.id, "device", now, encode(manifest)), verdict) is None


def test_what_says_nothing_is_not_listed(
    make_manifest: Callable[..., Manifest], verdict: Verdict, now: datetime
) -> None:
    """No conclusion, or no time that it stands."""
    manifest = make_manifest(b"whole")
    submission = Submission(manifest.id, "device", now, encode(manifest))
    for silent in (
        replace(verdict, conclusion=Conclusion.UNKNOWN),
        replace(verdict, expires=None),
        replace(verdict, expires=now),
    ):
        assert to_list(submission, silent) is None


def test_answers_have_one_length(make_manifest: Callable[..., Manifest], verdict: Verdict, now: datetime) -> None:
    """Whether a prefix has nothing, one line or as many as an average one; a crowded one has the next."""
    manifest = make_manifest(b"whole")
    listed = to_list(Submission(manifest.id, "device", now, encode(manifest)), verdict)
    assert listed is not None
    lengths = {len(encode(padded(5, 3, (entry_of(listed),) * number))) for number in (0, 1, 32, 64)}
    assert lengths == {32_768}
    assert len(encode(padded(5, 3, (entry_of(listed),) * 200))) % 32_768 == 0
