"""Private look-ups: asking the queue by the first bits of a hash whether it knows the file.

What is asked is permitted, then in the journal, then said. A queue that does not answer is left alone for a while, so
that what is flagged does not wait for it again and again; an answer is remembered for a moment, so that the same prefix
is not told twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import structlog

from sampler.agent.consents import ConsentStore
from sampler.agent.deciding import Decider
from sampler.agent.verdict_settings import LookUpSection
from sampler.agent.verdicts import Verdicts
from sampler.errors import QueueRefused, QueueUnreachable, SamplerError
from sampler.journal import Journal
from sampler.model import (
    Finding,
    KnownFrom,
    KnownVerdict,
    LookUpQuestion,
    LookUpRefusal,
    Refusal,
    Sampling,
    Verdict,
)
from sampler.permit import Consent, Policy, Statement, permit_look_up
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.upload import LookUpLink

log = structlog.get_logger()

_TERMS_STAND: Final = timedelta(hours=1)
_ANSWERS_STAND: Final = timedelta(minutes=5)
_ANSWERS_MAX_COUNT: Final = 32
_SILENCE: Final = timedelta(seconds=30)
_TERMS_CHANGED: Final = 409
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class LookUp:
    """Asks one queue."""

    link: LookUpLink
    verdicts: Verdicts
    journal: Journal
    consents: ConsentStore
    policy: Policy
    settings: LookUpSection
    clock: Clock
    _bits: int = field(default=0, init=False)
    _bits_until: datetime = field(default=_LONG_AGO, init=False)
    _silent_until: datetime = field(default=_LONG_AGO, init=False)
    _answers: dict[tuple[int, int], tuple[datetime, Mapping[str, Verdict]]] = field(default_factory=dict, init=False)

    async def about(self, finding: Finding, decider: Decider) -> KnownVerdict | None:
        """What the queue knows of a flagged object, if it says so in time; whatever fails, the object is sent."""
        if not self.settings.enabled or self.clock.now() < self._silent_until:
            return None
        refused = await off_loop(decider.refuse, finding)
        try:
            async with asyncio.timeout(self.settings.timeout_seconds):
                found = await self.ask(finding.sha256, refused, event_id=finding.event_id)
        except (SamplerError, TimeoutError) as error:
            self._silent_until = self.clock.now() + _SILENCE
            log.info("not looked up", event_id=finding.event_id, reason=str(error) or "no answer in time")
            return None
        if not isinstance(found, KnownVerdict):
            return None
        await off_loop(self.verdicts.keep, found)
        return found

    async def ask(
        self, sha256: str, refused: Refusal | None = None, *, event_id: str = ""
    ) -> KnownVerdict | LookUpRefusal | None:
        """What the queue knows of a file; ``None``: nothing.

        Args:
            sha256: of the file.
            refused: why nothing of it may leave, where it was flagged and that is so.
            event_id: of that.

        Raises:
            DeliveryError: the queue does not answer, or not as it should.
            ConsentError, JournalError: what was accepted cannot be read, or the question not be written down.
        """
        standing = await off_loop(lambda: (self.consents.statement(), self.consents.load()))
        nothing = self._permit(standing, sha256, 0, refused)
        if isinstance(nothing, LookUpRefusal):  # then the queue is not even asked how to ask
            return nothing
        for _ in range(2):
            question = self._permit(standing, sha256, await self._terms(), refused)
            if isinstance(question, LookUpRefusal):
                return question
            try:
                return self._known(sha256, await self._listed(question, event_id))
            except QueueRefused as error:
                if error.status != _TERMS_CHANGED:
                    raise
                self._bits_until = _LONG_AGO
        raise QueueUnreachable("looking up: the queue changes its terms with each question; ask again later")

    def _permit(
        self, standing: tuple[Statement, Consent | None], sha256: str, bits: int, refused: Refusal | None
    ) -> LookUpQuestion | LookUpRefusal:
        """A consent that ends meanwhile is seen by the gate, before each request."""
        statement, consent = standing
        return permit_look_up(
            sha256, bits, self.settings.bits_max, statement, consent, self.policy, self.clock.now(), refused
        )

    async def _terms(self) -> int:
        """By how many bits to ask: as many as the queue wants, and no more than this host tells."""
        now = self.clock.now()
        if now >= self._bits_until:
            self._bits, self._bits_until = await self.link.terms(), now + _TERMS_STAND
        return min(self._bits, self.settings.bits_max)

    async def _listed(self, question: LookUpQuestion, event_id: str) -> Mapping[str, Verdict]:
        now, key = self.clock.now(), (question.bits, question.prefix)
        until, listed = self._answers.get(key, (_LONG_AGO, {}))
        if now < until:
            return listed
        await off_loop(self.journal.append, "looked_up", event_id, now, journal_document(question))
        listed = await self.link.look_up(question)
        self._answers.pop(key, None)
        self._answers[key] = now + _ANSWERS_STAND, listed
        for oldest in list(self._answers)[:-_ANSWERS_MAX_COUNT]:
            del self._answers[oldest]
        return listed

    def _known(self, sha256: str, listed: Mapping[str, Verdict]) -> KnownVerdict | None:
        verdict = listed.get(sha256)
        if verdict is None or verdict.expires is None or verdict.expires <= self.clock.now():
            return None
        return KnownVerdict(sha256, verdict, KnownFrom.LOOK_UP, verdict.expires, Sampling.WHOLE)


def journal_document(question: LookUpQuestion) -> Mapping[str, object]:
    """What the owner reads of it."""
    return {
        "scopes": sorted(question.scopes),
        "bits": question.bits,
        "prefix": f"{question.prefix:0{question.bits}b}" if question.bits else "",
        "statement": msgspec.to_builtins(question.statement),
    }
