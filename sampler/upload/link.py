"""One queue, as a host sees it: offer a manifest, upload a content, ask for a state, wait for verdicts."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from sampler.errors import QueueFaulty
from sampler.limits import BODY_STALL_SECONDS, LONG_POLL_MAX_SECONDS, QUEUE_CONNECT_SECONDS
from sampler.model import Content
from sampler.runtime.blocking import off_loop
from sampler.upload import tus
from sampler.upload.addresses import Addresses
from sampler.upload.answers import message_of, require
from sampler.upload.exchange import Exchange
from sampler.upload.known_good import KnownGoodLink
from sampler.upload.lookups import LookUpLink
from sampler.upload.offers import Offers
from sampler.upload.pace import Pace
from sampler.upload.packing import Packing
from sampler.upload.ports import ContentReader
from sampler.upload.proxies import proxy_for
from sampler.upload.recalls import RecallLink
from sampler.upload.receipts import ReceiptLink
from sampler.upload.terms import Terms
from sampler.upload.uploading import Errand, Hooks, Uploading
from sampler.wire import routes
from sampler.wire.ask_messages import AskAnswer, AskPage
from sampler.wire.codec import encode
from sampler.wire.messages import ManifestAnswer, SubmissionView, VerdictPage
from sampler.wire.statistics_messages import StatisticsAnswer, StatisticsKey


class QueueLink:
    """HTTPS to one queue, with a host's certificate in ``tls``; an async context manager.

    Every method may raise ``QueueUnreachable`` (``IdentityRefused``), ``QueueBusy``, ``QueueRefused`` and
    ``QueueFaulty``.
    """

    def __init__(
        self,
        url: str,
        tls: ssl.SSLContext,
        *,
        connect_seconds: float = QUEUE_CONNECT_SECONDS,
        stall_seconds: float = BODY_STALL_SECONDS,
        connections: int = 8,
        check: Callable[[], Awaitable[None]] | None = None,
        also: Sequence[str] = (),
        terms: Terms | None = None,
    ) -> None:
        """Nothing is connected yet.

        Args:
            url: where the queue is.
            tls: whom to trust, and who this host is.
            connect_seconds: TCP and TLS.
            stall_seconds: how long nothing may move.
            connections: at once.
            check: asked before each request but those that take something back.
            also: further addresses of the same queue, for when those before them do not answer.
            terms: what deliveries may take.

        Raises:
            SettingsError: an address is not an ``https://`` one of a host, or the proxy's URL is none.
        """
        self.terms = terms or Terms()
        self._addresses = Addresses(url, *also)
        proxy_for(url, self.terms.proxy)  # what is wrong with it is said now
        pace = Pace(self.terms.bytes_per_second)
        self._packing = Packing(wanted=self.terms.compress, line_bytes_per_second=self.terms.bytes_per_second or None)
        self._contents = asyncio.Semaphore(pace.bodies_at_once(self.terms.contents_at_once))
        self._exchange = Exchange(
            tls,
            connect_seconds=connect_seconds,
            stall_seconds=stall_seconds,
            connections=connections,
            check=check,
            addresses=self._addresses,
            pace=pace,
            proxy=self.terms.proxy,
        )
        self._offers = Offers(self._exchange, self._packing, self._here)
        self.receipts = ReceiptLink(self._exchange, self._here)
        self.recalls = RecallLink(self._exchange, self._here)
        self.lookups = LookUpLink(self._exchange, self._here)
        self.known_good = KnownGoodLink(self._exchange, self._here)

    @property
    def url(self) -> str:
        """The address in use."""
        return self._here()

    def _here(self) -> str:
        return self._addresses.at(_now())

    async def __aenter__(self) -> Self:
        await self._exchange.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._offers.close()
        await self._exchange.__aexit__(kind, error, trace)

    async def hang_up(self) -> None:
        """Close all connections, whatever is under way on them; the next request makes a new one."""
        await self._exchange.hang_up()

    async def submit(self, manifest: bytes) -> ManifestAnswer:
        """Offer an object, together with others that are offered at the same time; the same manifest again changes
        nothing and gets the same answer."""
        return await self._offers.submit(manifest)

    async def upload(
        self,
        submission: str,
        content: Content,
        open_content: ContentReader,
        *,
        resume_url: str | None,
        on_created: Callable[[str], Awaitable[None]],
        before_chunk: Callable[[], Awaitable[None]] | None = None,
        on_sent: Callable[[int], None] | None = None,
    ) -> int:
        """Bring a content to the queue; returns the bytes that travelled for it.

        Args:
            submission: whose content it is.
            content: what it is.
            open_content: opens its bytes by SHA-256.
            resume_url: where an upload was begun before, as ``on_created`` was told.
            on_created: told the URL of the upload, before bytes go there.
            before_chunk: called before bytes leave; what it raises stops the upload and comes through.
            on_sent: told of bytes as they are handed to the connection, packed or not, also of an upload that fails.

        Raises:
            SpoolError: the bytes cannot be read.
        """
        travelled = 0

        def count(length: int) -> None:
            nonlocal travelled
            travelled += length
            if on_sent is not None:
                on_sent(length)

        hooks = Hooks(on_created, before_chunk or _nothing, count)
        async with self._contents:
            file = await off_loop(open_content, content.sha256)
            try:
                errand = Errand(self.url + routes.TUS_CREATE.path, submission, content, file)
                begun = self._addresses.here(resume_url, _now()) if resume_url else None
                await Uploading(self._exchange, errand, hooks, self._packing).run(begun)
            finally:
                file.close()
        return travelled

    async def terminate(self, url: str) -> None:
        """Have an upload thrown away (tus termination); one that is gone is fine, one elsewhere is not touched."""
        here = self._addresses.here(url, _now())
        if here is not None:
            answer = await self._exchange.ask("DELETE", here, headers=tus.plain_headers(), takes_back=True)
            require(answer, "ending an upload", 204, 404, 410)

    async def submission(self, id: str) -> SubmissionView:  # noqa: A002  # the contract's own word
        """Where a submission is, and what the queue still lacks of it."""
        answer = await self._exchange.ask(routes.SUBMISSION.method, self.url + routes.SUBMISSION.at(id=id))
        what = f"asking for submission {id}"
        return message_of(require(answer, what, 200), SubmissionView, what)

    async def verdicts(self, after: int, wait: float) -> VerdictPage:
        """This host's verdicts after a cursor; the queue may hold its answer back for ``wait`` seconds."""
        wait = min(max(wait, 0.0), LONG_POLL_MAX_SECONDS)
        query = urlencode({"after": after, "wait": f"{wait:g}"})
        answer = await self._exchange.ask(
            routes.VERDICTS.method, f"{self.url}{routes.VERDICTS.path}?{query}", patience_seconds=wait
        )
        what = "waiting for verdicts"
        return message_of(require(answer, what, 200), VerdictPage, what)

    async def open_asks(self, wait: float) -> AskPage:
        """What the queue asks this host for; it may hold its answer back for ``wait`` seconds."""
        wait = min(max(wait, 0.0), LONG_POLL_MAX_SECONDS)
        query = urlencode({"wait": f"{wait:g}"})
        answer = await self._exchange.ask(
            routes.OPEN_ASKS.method, f"{self.url}{routes.OPEN_ASKS.path}?{query}", patience_seconds=wait
        )
        what = "waiting for asks"
        return message_of(require(answer, what, 200), AskPage, what)

    async def answer_ask(self, ask_id: str, answer: AskAnswer) -> None:
        """Tell the queue what became of an ask; one that has ended otherwise meanwhile stays as it is."""
        reply = await self._exchange.ask(
            routes.ANSWER_ASK.method,
            self.url + routes.ANSWER_ASK.at(id=ask_id),
            headers={"Content-Type": "application/json"},
            body=encode(answer),
            repeatable=True,
        )
        require(reply, f"answering ask {ask_id}", 200, 404, 409)

    async def statistics_key(self, day: date) -> StatisticsKey:
        """What the queue wants distinct objects of a day to be hashed with."""
        answer = await self._exchange.ask(
            routes.STATISTICS_KEY.method, f"{self.url}{routes.STATISTICS_KEY.path}?{urlencode({'day': str(day)})}"
        )
        what = f"asking for the key of {day}"
        key = message_of(require(answer, what, 200), StatisticsKey, what)
        if key.day != day:
            raise QueueFaulty(f"{what}: the queue answered for {key.day}")
        return key

    async def report_statistics(self, report: bytes) -> StatisticsAnswer:
        """Report a day; the same report again changes nothing."""
        answer = await self._exchange.ask(
            routes.REPORT_STATISTICS.method,
            self.url + routes.REPORT_STATISTICS.path,
            headers={"Content-Type": "application/json"},
            body=report,
            repeatable=True,
        )
        what = "reporting statistics"
        return message_of(require(answer, what, 200), StatisticsAnswer, what)


async def _nothing() -> None:
    """For callers who need not be asked."""


def _now() -> float:
    return asyncio.get_running_loop().time()
