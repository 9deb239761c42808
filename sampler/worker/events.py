"""Server-sent events of the queue, as messages (HTML Living Standard, section 9.2; the queue ends lines with LF)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from typing import TypeVar

import msgspec

from sampler.errors import DeliveryError
from sampler.limits import ANSWER_MAX_BYTES
from sampler.wire.codec import DecodeError, decode

A = TypeVar("A", bound=msgspec.Struct)

_DATA = b"data: "


async def messages(chunks: AsyncIterable[bytes], kind: type[A]) -> AsyncGenerator[A, None]:
    """The messages of a stream, in their order, as they come; comments are passed over.

    Raises:
        DeliveryError: an event is larger than any answer may be, or is none of this kind.
    """
    pending = bytearray()
    async for chunk in chunks:
        pending += chunk
        while (end := pending.find(b"\n\n")) >= 0:
            data = _data(bytes(pending[:end]))
            del pending[: end + 2]
            if data:
                yield _decoded(data, kind)
        if len(pending) > ANSWER_MAX_BYTES:
            raise DeliveryError(f"one of the queue's events has more than {ANSWER_MAX_BYTES} bytes")


def _data(event: bytes) -> bytes:
    return b"\n".join(line.removeprefix(_DATA) for line in event.split(b"\n") if line.startswith(_DATA))


def _decoded(data: bytes, kind: type[A]) -> A:
    try:
        return decode(data, kind)
    except DecodeError as error:
        raise DeliveryError(f"an event of the queue is none of this interface: {error}") from error
