"""Many manifests as one step: one transaction, one commit, and nothing that is wrong with one touches the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sampler.errors import Conflict, NotFound, Recalled, RequestError, SamplerError, TooLarge, TooMany
from sampler.queue import receiving
from sampler.queue.policy import QueuePolicy
from sampler.queue.ports import Ledger
from sampler.queue.receipts import Making
from sampler.queue.receiver import Receiver
from sampler.queue.receiving import Received
from sampler.queue.records import Submission
from sampler.runtime.blocking import off_loop
from sampler.wire.codec import DecodeError, decode
from sampler.wire.messages import Manifest, ManifestAnswer

OfferOutcome: TypeAlias = ManifestAnswer | SamplerError | DecodeError
"""The answer, or why there is none."""

_ITS_OWN = (RequestError, Conflict, NotFound, Recalled, TooMany, TooLarge)
"""What is wrong with one manifest; anything else is wrong with the ledger, and with all of them."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A manifest as it came, and what it says."""

    submission: Submission
    manifest: Manifest


class Offering(Receiver):
    """The part of the queue that takes manifests by the dozen."""

    async def submit_all(self, device: str, manifests: Sequence[bytes]) -> list[OfferOutcome]:
        """Accept manifests, each as ``submit`` would; what it would raise for one stands in that one's place.

        Raises:
            StorageFull: there is no room.
        """
        await off_loop(self._blobs.check_room, sum(map(len, manifests)))
        read = await off_loop(self._read, device, manifests)
        offers = [each for each in read if isinstance(each, Offer)]
        received = iter(await self._step(submit_all, offers, self._policy, self._making) if offers else ())
        outcomes: list[OfferOutcome] = []
        for each in read:
            outcome = next(received) if isinstance(each, Offer) else each
            outcomes.append(outcome.answer if isinstance(outcome, Received) else outcome)
            if isinstance(outcome, Received) and outcome.new_task:
                await self._ring_complete(outcome.answer.id)
        return outcomes

    def _read(self, device: str, manifests: Sequence[bytes]) -> list[Offer | DecodeError]:
        """Blocking."""
        now = self._clock.now()
        read: list[Offer | DecodeError] = []
        for document in manifests:
            try:
                manifest = decode(document, Manifest)
            except DecodeError as error:
                read.append(error)
            else:
                read.append(Offer(Submission(manifest.id, device, now, document), manifest))
        return read


def submit_all(
    ledger: Ledger, offers: Sequence[Offer], policy: QueuePolicy, making: Making
) -> list[Received | SamplerError]:
    """All in one transaction; where one is not accepted that is undone, and each has one of its own."""
    try:
        with ledger.transaction():
            return [receiving.accept(ledger, offer.submission, offer.manifest, policy, making) for offer in offers]
    except _ITS_OWN:
        return [_alone(ledger, offer, policy, making) for offer in offers]


def _alone(ledger: Ledger, offer: Offer, policy: QueuePolicy, making: Making) -> Received | SamplerError:
    try:
        return receiving.submit(ledger, offer.submission, offer.manifest, policy, making)
    except _ITS_OWN as error:
        return error
