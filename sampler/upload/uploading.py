"""Walking one content's tus upload to its end over an exchange."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import BinaryIO

from sampler.errors import QueueFaulty, SpoolError
from sampler.limits import CHUNK_MAX_BYTES, UPLOAD_TROUBLES_MAX_COUNT
from sampler.model import Content
from sampler.runtime.blocking import off_loop
from sampler.upload import tus
from sampler.upload.exchange import Exchange


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who wants to know how an upload goes."""

    on_created: Callable[[str], Awaitable[None]]
    """The upload's URL, before any further byte."""
    before_chunk: Callable[[], Awaitable[None]]
    """Before bytes of the content leave; raises to stop the upload."""
    on_sent: Callable[[int], None]
    """Bytes of the content that were handed to the connection."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Which content goes where."""

    url: str
    """Where uploads are created."""
    submission: str
    content: Content
    file: BinaryIO
    """The content's bytes."""


class Uploading:
    """One content on its way. ``run`` it once."""

    def __init__(self, exchange: Exchange, errand: Errand, hooks: Hooks) -> None:
        self._exchange = exchange
        self._url = errand.url
        self._submission = errand.submission
        self._content = errand.content
        self._file = errand.file
        self._hooks = hooks

    async def run(self, resume_url: str | None) -> None:
        """Return when the queue has all of it.

        Raises:
            QueueUnreachable, QueueBusy, QueueRefused, QueueFaulty: it has not; ``on_created`` was told where to go on.
            SpoolError: the content's file is not what it was.
        """
        step = tus.first_step(resume_url, self._url)
        troubles = 0
        while not isinstance(step, tus.Done):
            after = await self._take(step)
            troubles += tus.is_trouble(step, after)
            if troubles > UPLOAD_TROUBLES_MAX_COUNT:
                raise QueueFaulty(
                    f"uploading {self._content.sha256}: the queue lost or refused its bytes {troubles} times; it is "
                    "tried again later"
                )
            step = after

    async def _take(self, step: tus.Step) -> tus.Step:
        if isinstance(step, tus.Look):
            answer = await self._exchange.ask("HEAD", step.url, headers=tus.plain_headers())
            return tus.after_look(answer, step, self._content)
        if isinstance(step, tus.Send):
            return await self._send(step)
        return await self._create()

    async def _create(self) -> tus.Step:
        carried = await self._bytes(0, tus.carried_bytes(self._content))
        headers = tus.creation_headers(self._submission, self._content, carried)
        await self._hooks.before_chunk()
        answer = await self._exchange.ask(
            "POST", self._url, headers=headers, body=carried, on_piece=self._hooks.on_sent
        )
        step, url = tus.after_create(answer, self._content, self._url)
        if url is not None and not isinstance(step, tus.Done):
            await self._hooks.on_created(url)
        return step

    async def _send(self, step: tus.Send) -> tus.Step:
        chunk = await self._bytes(step.offset, min(CHUNK_MAX_BYTES, self._content.size - step.offset))
        headers = tus.chunk_headers(step.offset, chunk)
        await self._hooks.before_chunk()
        answer = await self._exchange.ask("PATCH", step.url, headers=headers, body=chunk, on_piece=self._hooks.on_sent)
        return tus.after_send(answer, step, len(chunk), self._content)

    async def _bytes(self, offset: int, length: int) -> bytes:
        data = await off_loop(_read_at, self._file, offset, length)
        if len(data) != length:
            raise SpoolError(
                f"content {self._content.sha256} ends at {offset + len(data)} of {self._content.size} bytes"
            )
        return data


def _read_at(file: BinaryIO, offset: int, length: int) -> bytes:
    """``length`` bytes, fewer only at the end of the file."""
    try:
        file.seek(offset)
        pieces = []
        while length and (piece := file.read(length)):
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)
    except OSError as error:
        raise SpoolError(f"the spool's disk failed at {offset}: {error}") from error
