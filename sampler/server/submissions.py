"""Manifests, where they stand, and verdicts on their way back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from aiohttp import web

from sampler.limits import EVENTS_BEAT_SECONDS, EVENTS_MAX_SECONDS, LONG_POLL_MAX_SECONDS, MANIFEST_MAX_BYTES
from sampler.queue import OfferOutcome, Queue
from sampler.server import queries
from sampler.server.answers import message, write
from sampler.server.auth import Caller
from sampler.server.bodies import read_json
from sampler.server.problems import problem_of
from sampler.server.routing import Answer
from sampler.wire import routes
from sampler.wire.batch_messages import OfferAnswer, OfferAnswers, OfferRequest
from sampler.wire.codec import decode, encode
from sampler.wire.messages import ManifestAnswer, SubmissionView
from sampler.wire.routes import Route


class Submissions:
    """Answers about submissions."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def answers(self) -> Mapping[Route, Answer]:
        """What answers which route."""
        return {
            routes.SUBMIT: self.submit,
            routes.OFFER: self.offer,
            routes.SUBMISSION: self.submission,
            routes.SUBMISSION_EVENTS: self.events,
            routes.VERDICTS: self.verdicts,
        }

    async def submit(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Accept a manifest."""
        manifest = await read_json(request, MANIFEST_MAX_BYTES)
        answer = await self._queue.submit(caller.host, manifest)
        return message(answer, status=201, headers={"Location": routes.SUBMISSION.at(id=answer.id)})

    async def offer(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Accept manifests, each as if it came alone."""
        asked = decode(await read_json(request, MANIFEST_MAX_BYTES), OfferRequest)
        outcomes = await self._queue.submit_all(caller.host, [bytes(manifest) for manifest in asked.manifests])
        return message(OfferAnswers(answers=[_offer_answer(outcome) for outcome in outcomes]))

    async def submission(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Where a submission is; a host sees its own, people see all."""
        return message(await self._queue.submission(caller.device, request.match_info["id"]))

    async def verdicts(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """A host's verdicts behind a cursor."""
        after = queries.whole_number(request, "after", 0)
        wait = queries.seconds(request, "wait", most=LONG_POLL_MAX_SECONDS)
        return message(await self._queue.verdicts(caller.host, after, wait))

    async def events(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """A submission's changes as server-sent events (HTML Living Standard, section 9.2)."""
        submission_id = request.match_info["id"]
        await self._queue.submission(caller.device, submission_id)  # so that an unknown one is a 404
        response = web.StreamResponse(headers={"Cache-Control": "no-store"})
        response.content_type = "text/event-stream"
        await response.prepare(request)
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            async with asyncio.timeout(EVENTS_MAX_SECONDS):
                async for view in self._queue.watch(caller.device, submission_id, EVENTS_BEAT_SECONDS):
                    await write(response, _event(view))
        return response


def _offer_answer(outcome: OfferOutcome) -> OfferAnswer:
    if isinstance(outcome, ManifestAnswer):
        return OfferAnswer(accepted=outcome)
    return OfferAnswer(problem=problem_of(outcome))


def _event(view: SubmissionView | None) -> bytes:
    return b": nothing new\n\n" if view is None else b"event: submission\ndata: " + encode(view) + b"\n\n"
