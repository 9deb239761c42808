"""One queue, as a host sees it: offer a manifest, upload a content, ask for a state, wait for verdicts."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from datetime import date
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urlsplit

from sampler.errors import QueueFaulty, SettingsError
from sampler.limits import BODY_STALL_SECONDS, LONG_POLL_MAX_SECONDS, QUEUE_CONNECT_SECONDS
from sampler.model import Content
from sampler.runtime.blocking import off_loop
from sampler.upload import tus
from sampler.upload.answers import message_of, require
from sampler.upload.exchange import Exchange
from sampler.upload.ports import ContentReader
from sampler.upload.recalls import RecallLink
from sampler.upload.receipts import ReceiptLink
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
    ) -> None:
        """Nothing is connected yet. ``check`` is asked before each request but those that take something back.

        Raises:
            SettingsError: ``url`` is not an ``https://`` one of a host.
        """
        self.url = checked_url(url)
        self._exchange = Exchange(
            tls, connect_seconds=connect_seconds, stall_seconds=stall_seconds, connections=connections, check=check
        )
        self.receipts = ReceiptLink(self._exchange, self.url)
        self.recalls = RecallLink(self._exchange, self.url)

    async def __aenter__(self) -> Self:
        await self._exchange.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exchange.__aexit__(kind, error, trace)

    async def hang_up(self) -> None:
        """Close all connections, whatever is under way on them; the next request makes a new one."""
        await self._exchange.hang_up()

    async def submit(self, manifest: bytes) -> ManifestAnswer:
        """Offer an object; the same manifest again changes nothing and gets the same answer."""
        answer = await self._exchange.ask(
            routes.SUBMIT.method,
            self.url + routes.SUBMIT.path,
            headers={"Content-Type": "application/json"},
            body=manifest,
            repeatable=True,
        )
        what = "offering a manifest"
        return message_of(require(answer, what, 200, 201), ManifestAnswer, what)

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
        """Bring a content to the queue; returns the content bytes that travelled for it.

        Args:
            submission: whose content it is.
            content: what it is.
            open_content: opens its bytes by SHA-256.
            resume_url: where an upload was begun before, as ``on_created`` was told.
            on_created: told the URL of the upload, before bytes go there.
            before_chunk: called before bytes leave; what it raises stops the upload and comes through.
            on_sent: told of bytes as they are handed to the connection, also of those of an upload that fails.

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
        file = await off_loop(open_content, content.sha256)
        try:
            errand = Errand(self.url + routes.TUS_CREATE.path, submission, content, file)
            await Uploading(self._exchange, errand, hooks).run(resume_url)
        finally:
            file.close()
        return travelled

    async def terminate(self, url: str) -> None:
        """Have an upload thrown away (tus termination); one that is gone is fine, one elsewhere is not touched."""
        if tus.same_origin(url, self.url):
            answer = await self._exchange.ask("DELETE", url, headers=tus.plain_headers(), takes_back=True)
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


def checked_url(url: str) -> str:
    """The URL without its last slash.

    Raises:
        SettingsError: it is not an ``https://`` one of a host, or has a user, a query or a fragment.
    """
    try:
        parts = urlsplit(url)
        sound = bool(parts.scheme == "https" and parts.hostname and parts.port != 0)
    except ValueError:
        sound = False
    if not sound or "@" in parts.netloc or parts.query or parts.fragment:
        raise SettingsError(f"the queue's URL is {url!r}; it must look like https://queue.example:8443")
    return url.rstrip("/")


async def _nothing() -> None:
    """For callers who need not be asked."""
