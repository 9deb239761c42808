"""Messages to bytes and back. Whatever does not decode raises ``ValueError`` with the place of the fault."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import msgspec

M = TypeVar("M")

_encoder = msgspec.json.Encoder()


class DecodeError(ValueError):
    """Bytes that are not the expected message; ``str()`` says what is wrong and at which key."""


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=True)


def encode(message: msgspec.Struct) -> bytes:
    """JSON, UTF-8."""
    return _encoder.encode(message)


def decode(data: bytes, kind: type[M]) -> M:
    """A message of ``kind``.

    Raises:
        DecodeError: it is not JSON, has an unknown key, lacks one, or a value is out of range.
    """
    try:
        decoder: msgspec.json.Decoder[M] = _decoder(kind)  # type: ignore[arg-type]  # types are hashable
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error)) from error
