"""Messages to bytes and back. Whatever does not decode raises ``ValueError`` with the place of the fault."""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

M = TypeVar("M")

_encoder = msgspec.json.Encoder()
_making = threading.Lock()
_decoders: dict[type, msgspec.json.Decoder[Any]] = {}


class DecodeError(ValueError):
    """Bytes that are not the expected message; ``str()`` says what is wrong and at which key."""


def _decoder(kind: type[M]) -> msgspec.json.Decoder[M]:
    """The decoder of a type, made once, by one thread at a time: msgspec reads a type's annotations when its first
    decoder is made, and two threads that do so at once end the process (msgspec 0.22)."""
    with _making:
        if kind not in _decoders:
            _decoders[kind] = msgspec.json.Decoder(kind, strict=True)
        decoder: msgspec.json.Decoder[M] = _decoders[kind]
        return decoder


def encode(message: msgspec.Struct) -> bytes:
    """JSON, UTF-8."""
    return _encoder.encode(message)


def decode(data: bytes, kind: type[M]) -> M:
    """A message of ``kind``.

    Raises:
        DecodeError: it is not JSON, has an unknown key, lacks one, or a value is out of range.
    """
    try:
        return _decoder(kind).decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error)) from error
