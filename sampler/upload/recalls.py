"""Taking submissions back, and listing what the queue has of this host. Nothing is checked or believed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal
from urllib.parse import urlencode

from sampler.limits import SUBMISSIONS_PAGE_MAX_COUNT
from sampler.upload.answers import message_of, require
from sampler.upload.exchange import Exchange
from sampler.wire import routes
from sampler.wire.codec import encode
from sampler.wire.messages import SubmissionView
from sampler.wire.recall_messages import RecallRequest, SubmissionPage
from sampler.wire.receipt_messages import Signed

_GONE = 410
_UNKNOWN = 404


class RecallLink:
    """The part of a ``QueueLink`` that takes back and compares; every method may raise what those of it may."""

    def __init__(self, exchange: Exchange, url: Callable[[], str]) -> None:
        """``url`` says where the queue is now."""
        self._exchange = exchange
        self._url = url

    async def recall(self, submission_id: str, cause: Literal["person", "consent"]) -> Signed:
        """Have the queue destroy what a submission brought; its signed confirmation. The same again changes nothing."""
        answer = await self._exchange.ask(
            routes.RECALL.method,
            self._url() + routes.RECALL.at(id=submission_id),
            headers={"Content-Type": "application/json"},
            body=encode(RecallRequest(cause=cause)),
            repeatable=True,
            takes_back=True,
        )
        what = f"recalling {submission_id}"
        return message_of(require(answer, what, 200), Signed, what)

    async def page(self, after: str | None) -> SubmissionPage:
        """What the queue has of this host, by identifier."""
        query = {"limit": str(SUBMISSIONS_PAGE_MAX_COUNT)} | ({"after": after} if after else {})
        url = f"{self._url()}{routes.OWN_SUBMISSIONS.path}?{urlencode(query)}"
        answer = await self._exchange.ask(routes.OWN_SUBMISSIONS.method, url, repeatable=True)
        what = "asking what the queue has of this host"
        return message_of(require(answer, what, 200), SubmissionPage, what)

    async def one(self, submission_id: str) -> SubmissionView | Literal["recalled", "unknown"]:
        """Where one submission is."""
        answer = await self._exchange.ask(
            routes.SUBMISSION.method, self._url() + routes.SUBMISSION.at(id=submission_id)
        )
        if answer.status in (_GONE, _UNKNOWN):
            return "recalled" if answer.status == _GONE else "unknown"
        what = f"asking for submission {submission_id}"
        return message_of(require(answer, what, 200), SubmissionView, what)
