"""Private look-ups at one queue. What may be asked comes as a question that ``permit`` made, and as nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from sampler.errors import QueueFaulty
from sampler.model import LookUpQuestion, Verdict
from sampler.upload.answers import message_of, plain, require, utc
from sampler.upload.exchange import Exchange
from sampler.wire import routes
from sampler.wire.lookup_messages import LookUpAnswer, LookUpEntry, LookUpTerms, prefix_of


class LookUpLink:
    """The part of a ``QueueLink`` that looks up; every method may raise what those of it may."""

    def __init__(self, exchange: Exchange, url: Callable[[], str]) -> None:
        """``url`` says where the queue is now."""
        self._exchange = exchange
        self._url = url

    async def terms(self) -> int:
        """By how many bits the queue wants to be asked now."""
        what = "asking how to look up"
        answer = await self._exchange.ask(
            routes.LOOKUP_TERMS.method, self._url() + routes.LOOKUP_TERMS.path, repeatable=True
        )
        return message_of(require(answer, what, 200), LookUpTerms, what).bits

    async def look_up(self, question: LookUpQuestion) -> Mapping[str, Verdict]:
        """Everything that the queue has listed under the prefix: verdicts by SHA-256."""
        what = "looking up"
        query = urlencode({"bits": question.bits, "prefix": question.prefix})
        url = f"{self._url()}{routes.LOOKUP.path}?{query}"
        answer = await self._exchange.ask(routes.LOOKUP.method, url, repeatable=True)
        found = message_of(require(answer, what, 200), LookUpAnswer, what)
        if (found.bits, found.prefix) != (question.bits, question.prefix):
            raise QueueFaulty(f"{what}: the queue answered about another prefix")
        return {
            entry.sha256: _verdict(entry)
            for entry in found.entries
            if prefix_of(entry.sha256, question.bits) == question.prefix
        }


def _verdict(entry: LookUpEntry) -> Verdict:
    return Verdict(
        conclusion=entry.conclusion,
        score=entry.score,
        analyzer=plain(entry.analyzer),
        at=utc(entry.at),
        family=None if entry.family is None else plain(entry.family),
        expires=utc(entry.expires),
    )
