from __future__ import annotations

from collections.abc import Callable

import pytest

from sampler.errors import RequestError
from sampler.model import PartKind, SubmissionState, TaskState
from sampler.queue.submissions import content_sizes, state_of, wants
from sampler.wire.messages import ContentMessage, Manifest, PartMessage

MakeManifest = Callable[..., Manifest]
WHOLE, ONE, TWO = "a" * 64, "b" * 64, "c" * 64


def _part(sha256: str, offset: int, length: int, size: int | None = None) -> ContentMessage:
    part = PartMessage(kind=PartKind.HEADER, name="", offset=offset, length=length)
    return ContentMessage(sha256=sha256, size=length if size is None else size, part=part)


def test_each_content_counts_once_in_the_manifests_order(make_manifest: MakeManifest) -> None:
    """A content that lies at two places is wanted once, where it was named first."""
    contents = [_part(TWO, 0, 4), _part(ONE, 4, 4), _part(TWO, 8, 4)]
    assert list(content_sizes(make_manifest(size=12, contents=contents), max_bytes=100).items()) == [(TWO, 4), (ONE, 4)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (ContentMessage(sha256=ONE, size=12), "offered as the whole"),
        (ContentMessage(sha256=WHOLE, size=11), "offered as the whole"),
        (_part(ONE, 9, 4), "does not lie where"),
        (_part(ONE, 0, 4, size=5), "does not lie where"),
        (ContentMessage(sha256=WHOLE, size=101), "at most 100"),
    ],
)
def test_a_content_that_contradicts_the_object_is_refused(
    make_manifest: MakeManifest, content: ContentMessage, reason: str
) -> None:
    """A whole of another hash or size, a part beyond the end or of another length, and too large a one are refused."""
    with pytest.raises(RequestError, match=reason):
        content_sizes(make_manifest(sha256=WHOLE, size=12, contents=[content]), max_bytes=100)


def test_one_hash_has_one_size(make_manifest: MakeManifest) -> None:
    """The same hash with two sizes is refused."""
    with pytest.raises(RequestError, match="two sizes"):
        content_sizes(make_manifest(size=12, contents=[_part(ONE, 0, 4), _part(ONE, 0, 5)]), max_bytes=100)


def test_what_is_verified_is_not_wanted() -> None:
    """Known bytes never travel."""
    asked = wants({ONE: 1, TWO: 2}, {TWO})
    assert (asked.wanted, asked.known) == ((ONE,), (TWO,))


def test_a_submission_is_where_its_task_is() -> None:
    """Without a task it is receiving; every state of a task is a state of its submission."""
    assert state_of(None) is SubmissionState.RECEIVING
    assert {state_of(state) for state in TaskState} == set(SubmissionState) - {
        SubmissionState.RECEIVING,
        SubmissionState.RECALLED,
        SubmissionState.DESTROYED,
    }
