"""Many manifests in one request, each with an answer of its own."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sampler.limits import OFFERS_MAX_COUNT
from sampler.wire.messages import ManifestAnswer, Message, Problem


class OfferRequest(Message, frozen=True, kw_only=True):
    """``POST /v1/offers``: manifests as ``POST /v1/submissions`` takes one, each as if it came alone.

    A manifest is kept byte for byte as it stands here, so the same one may come again in either way.
    """

    manifests: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=OFFERS_MAX_COUNT)]


class OfferAnswer(Message, frozen=True, kw_only=True):
    """What became of one of them: exactly one of both is there."""

    accepted: ManifestAnswer | None = None
    problem: Problem | None = None
    """Why it was not accepted. When it is worth to try again, ``POST /v1/submissions`` says with it."""


class OfferAnswers(Message, frozen=True, kw_only=True):
    """In the order of the manifests; all that were accepted are durable."""

    answers: list[OfferAnswer]
