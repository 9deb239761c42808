"""Walking one content's tus upload to its end over an exchange."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import BinaryIO, Final

from sampler.errors import QueueFaulty, SpoolError
from sampler.limits import CHUNK_MAX_BYTES, CODED_CHUNK_MAX_BYTES, MIB, UPLOAD_TROUBLES_MAX_COUNT
from sampler.model import Content
from sampler.runtime.blocking import off_loop
from sampler.upload import tus
from sampler.upload.answers import Answer
from sampler.upload.bodies import Streamed
from sampler.upload.exchange import Exchange
from sampler.upload.packing import CODING, Packing, packed

_READ_BYTES: Final = 1 * MIB
_NOT_SO: Final = 415
"""Of a coded body: not coded, then."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who wants to know how an upload goes."""

    on_created: Callable[[str], Awaitable[None]]
    """The upload's URL, before any further byte."""
    before_chunk: Callable[[], Awaitable[None]]
    """Before bytes of the content leave, and again before each ``CHUNK_MAX_BYTES``; raises to stop the upload."""
    on_sent: Callable[[int], None]
    """Bytes that were handed to the connection for the content."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Which content goes where."""

    url: str
    """Where uploads are created."""
    submission: str
    content: Content
    file: BinaryIO
    """The content's bytes."""


@dataclass(frozen=True, slots=True)
class _Load:
    """A request's body."""

    length: int
    """Bytes of the content in it."""
    body: bytes | Streamed
    headers: dict[str, str]

    @property
    def coded(self) -> bool:
        return "Content-Encoding" in self.headers


class Uploading:
    """One content on its way. ``run`` it once.

    What is small, or has gone wrong before, goes in bodies that are checked one by one; what is compressed likewise.
    Everything else is streamed: the queue makes it durable on its way, and checks the whole when it is complete.
    """

    def __init__(self, exchange: Exchange, errand: Errand, hooks: Hooks, packing: Packing) -> None:
        self._exchange = exchange
        self._url = errand.url
        self._submission = errand.submission
        self._content = errand.content
        self._file = errand.file
        self._hooks = hooks
        self._packing = packing
        self._careful = False
        self._compress: bool | None = None
        """``None`` until bytes of it were looked at."""

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
            self._packing.learn(answer)
            return tus.after_look(answer, step, self._content)
        if isinstance(step, tus.Send):
            return await self._send(step)
        return await self._create(tus.Create())

    async def _create(self, step: tus.Create) -> tus.Step:
        load = await self._checked(0, tus.carried_bytes(self._content))
        headers = tus.creation_headers(self._submission, self._content)
        answer = await self._ask("POST", self._url, headers, load)
        if load.coded and answer.status == _NOT_SO:
            return step
        after, url = tus.after_create(answer, self._content, self._url)
        if url is not None and not isinstance(after, tus.Done):
            await self._hooks.on_created(url)
        return after

    async def _send(self, step: tus.Send) -> tus.Step:
        load = await self._load(step.offset, self._content.size - step.offset)
        answer = await self._ask("PATCH", step.url, tus.offset_headers(step.offset), load)
        if load.coded and answer.status == _NOT_SO:
            return step
        return tus.after_send(answer, step, load.length, self._content)

    async def _ask(self, method: str, url: str, headers: dict[str, str], load: _Load) -> Answer:
        time = asyncio.get_running_loop().time
        await self._hooks.before_chunk()
        began = time()
        answer = await self._exchange.ask(
            method, url, headers=headers | load.headers, body=load.body, on_piece=self._hooks.on_sent
        )
        self._packing.learn(answer)
        self._packing.measured(len(load.body) if isinstance(load.body, bytes) else load.length, time() - began)
        self._compress = False if load.coded and answer.status == _NOT_SO else self._compress
        self._careful = self._careful or answer.status == tus.CHECKSUM_MISMATCH
        return answer

    async def _load(self, offset: int, left: int) -> _Load:
        if self._compress is None:
            await off_loop(self._sample, offset, min(_READ_BYTES, left))
        if self._compress or self._careful or left <= CHUNK_MAX_BYTES:
            return await self._checked(offset, min(left, CODED_CHUNK_MAX_BYTES if self._compress else CHUNK_MAX_BYTES))
        return _Load(left, Streamed(left, lambda: self._pieces(offset)), tus.body_headers(None))

    async def _checked(self, offset: int, length: int) -> _Load:
        """Bytes with their checksum, compressed where that pays; what is carried by no request has neither."""
        return await off_loop(self._prepared, offset, length) if length else _Load(0, b"", {})

    def _sample(self, offset: int, length: int) -> None:
        """Find out whether it pays to compress. Blocking."""
        self._compress = self._packing.pays(self._read(offset, length))

    def _prepared(self, offset: int, length: int) -> _Load:
        """Blocking."""
        data = self._read(offset, length)
        headers = tus.body_headers(data)
        if self._compress is None:
            self._compress = self._packing.pays(data)
        frame = packed(data) if self._compress else None
        if frame is None:
            return _Load(length, data, headers)
        return _Load(length, frame, headers | {"Content-Encoding": CODING})

    async def _pieces(self, offset: int) -> AsyncIterator[bytes]:
        begin = offset
        while offset < self._content.size:
            if offset > begin and (offset - begin) % CHUNK_MAX_BYTES == 0:
                await self._hooks.before_chunk()
            piece = await off_loop(self._read, offset, min(_READ_BYTES, self._content.size - offset))
            offset += len(piece)
            yield piece

    def _read(self, offset: int, length: int) -> bytes:
        """Blocking.

        Raises:
            SpoolError: the file has fewer bytes, or its disk fails.
        """
        data = _read_at(self._file, offset, length)
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
