"""Many manifests at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from sampler.errors import Conflict, NotFound, RequestError, StorageFull
from sampler.model import SubmissionState
from sampler.queue import OfferOutcome, Queue
from sampler.wire.codec import DecodeError, encode
from sampler.wire.messages import Manifest, ManifestAnswer

MakeManifest = Callable[..., Manifest]
Deliver = Callable[..., Awaitable[str]]
OTHER = "22222222-2222-4222-8222-222222222222"


def _kinds(outcomes: list[OfferOutcome]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


async def test_each_gets_the_answer_that_it_would_get_alone(
    queue: Queue, device: str, make_manifest: MakeManifest, deliver: Deliver
) -> None:
    """In their order: what is wanted, what is known, what needs nothing and is work at once."""
    await deliver(b"known")
    offers = [make_manifest(b"new"), make_manifest(b"known"), make_manifest()]
    outcomes = await queue.submit_all(device, [encode(offer) for offer in offers])
    assert outcomes == [await queue.submit(device, encode(offer)) for offer in offers]
    states = [outcome.state for outcome in outcomes if isinstance(outcome, ManifestAnswer)]
    assert states == [SubmissionState.RECEIVING, SubmissionState.QUEUED, SubmissionState.QUEUED]
    assert len((await queue.tasks()).tasks) == 3


async def test_the_same_again_changes_nothing(queue: Queue, device: str, make_manifest: MakeManifest) -> None:
    """Twice in one request, in two of them, or one by one."""
    manifest = encode(make_manifest())
    first = await queue.submit(device, manifest)
    assert await queue.submit_all(device, [manifest, manifest]) == [first, first]
    assert len((await queue.tasks()).tasks) == 1


async def test_what_is_wrong_with_one_does_not_touch_the_others(
    queue: Queue, device: str, make_manifest: MakeManifest
) -> None:
    """One that is no manifest, one that contradicts itself, one of another device, one that came otherwise before."""
    theirs, changed = make_manifest(), make_manifest(b"x")
    await queue.submit(OTHER, encode(theirs))
    await queue.submit(device, encode(changed))
    wrong = make_manifest(sha256="f" * 64, size=1, contents=make_manifest(b"y").contents)
    good = make_manifest(), make_manifest(b"z")
    offers = [good[0], wrong, theirs, make_manifest(b"other", id=changed.id), good[1]]
    outcomes = await queue.submit_all(device, [b"{}", *map(encode, offers)])
    assert _kinds(outcomes) == [DecodeError, ManifestAnswer, RequestError, NotFound, Conflict, ManifestAnswer]
    for manifest in good:
        assert (await queue.submission(device, manifest.id)).id == manifest.id


async def test_none_that_can_be_read(queue: Queue, device: str) -> None:
    """Is no reason to ask the ledger."""
    assert _kinds(await queue.submit_all(device, [b"", b"[]"])) == [DecodeError, DecodeError]


async def test_without_room_none_is_accepted(
    make_queue: Callable[..., Queue], device: str, make_manifest: MakeManifest
) -> None:
    """That concerns all of them, and is said once."""
    manifest = make_manifest()
    async with make_queue(reserve_bytes=1 << 60) as queue:
        with pytest.raises(StorageFull):
            await queue.submit_all(device, [encode(manifest)])
        with pytest.raises(NotFound):
            await queue.submission(device, manifest.id)
