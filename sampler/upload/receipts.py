"""Receipts of one queue and the log that they are in, as a host asks for them. Nothing is checked or believed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from sampler.limits import LONG_POLL_MAX_SECONDS
from sampler.upload.answers import message_of, require
from sampler.upload.exchange import Exchange
from sampler.wire import routes
from sampler.wire.receipt_messages import LogKey, LogProof, ReceiptPage, Signed
from sampler.wire.routes import Route

M = TypeVar("M", bound=msgspec.Struct)


class ReceiptLink:
    """The part of a ``QueueLink`` that asks for receipts and proofs; every method may raise what those of it may."""

    def __init__(self, exchange: Exchange, url: Callable[[], str]) -> None:
        """``url`` says where the queue is now."""
        self._exchange = exchange
        self._url = url

    async def page(self, after: int, wait: float) -> ReceiptPage:
        """This host's receipts after a cursor; the queue may hold its answer back for ``wait`` seconds."""
        wait = min(max(wait, 0.0), LONG_POLL_MAX_SECONDS)
        return await self._get(routes.RECEIPTS, ReceiptPage, patience=wait, after=str(after), wait=f"{wait:g}")

    async def key(self) -> str:
        """The key that the queue says it signs with."""
        return (await self._get(routes.LOG_KEY, LogKey)).key

    async def head(self) -> Signed:
        """The log as it is now."""
        return await self._get(routes.LOG_HEAD, Signed)

    async def consistency(self, first: int, second: int) -> LogProof:
        """That the log of ``second`` receipts begins with that of ``first``."""
        return await self._get(routes.LOG_CONSISTENCY, LogProof, first=str(first), second=str(second))

    async def inclusion(self, position: int, size: int) -> LogProof:
        """That the receipt at ``position`` is in the log of ``size`` receipts."""
        return await self._get(routes.LOG_INCLUSION, LogProof, position=str(position), size=str(size))

    async def _get(self, route: Route, kind: type[M], *, patience: float = 0.0, **query: str) -> M:
        url = f"{self._url()}{route.path}" + (f"?{urlencode(query)}" if query else "")
        answer = await self._exchange.ask(route.method, url, patience_seconds=patience, repeatable=True)
        what = f"asking for {route.path}"
        return message_of(require(answer, what, 200), kind, what)
