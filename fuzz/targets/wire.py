"""Every message of the HTTP contract, as the end that did not write it decodes it; the first byte says which."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from fuzz.target import Target
from sampler.limits import MIB
from sampler.model import PartKind, SubmissionState
from sampler.wire import agent_messages, messages
from sampler.wire.codec import DecodeError, decode, encode

_KINDS: Final = tuple(sorted(messages.Message.__subclasses__(), key=lambda kind: kind.__name__))
_ID: Final = "01234567-89ab-cdef-0123-456789abcdef"
_NOW: Final = datetime(2026, 11, 24, tzinfo=UTC)


def one_input(data: bytes) -> None:
    """It is refused by ``DecodeError``, or it is a message that arrives as it was sent."""
    kind = _KINDS[data[0] % len(_KINDS)] if data else messages.Manifest
    try:
        message = decode(data[1:], kind)
    except DecodeError:
        return
    assert decode(encode(message), kind) == message


def _seeds() -> Iterator[bytes]:
    for message in _examples():
        yield bytes([_KINDS.index(type(message))]) + encode(message)


def _examples() -> Iterator[messages.Message]:
    whole = messages.ObjectMessage(sha256="0" * 64, size=4096)
    part = messages.PartMessage(kind=PartKind.SECTION, name=".text", offset=512, length=1024)
    content = messages.ContentMessage(sha256="1" * 64, size=1024, part=part)
    fields: dict[str, messages.FieldJson] = {"file.size": 12, "sampler.file.entropy": 7.5, "file.pe.sections": [".a"]}
    yield messages.Manifest(
        id=_ID,
        created=_NOW,
        object=whole,
        statement=messages.StatementMessage(id="basic", version=1, digest="2" * 64),
        fields=fields,
        matches=[{"rule.name": "a"}],
        contents=[content],
        omissions=[messages.OmissionMessage(what="whole", reason="too large")],
    )
    yield messages.ManifestAnswer(id=_ID, state=SubmissionState.RECEIVING, wanted=["0" * 64])
    yield agent_messages.FlagRequest(path="/tmp/a")
    yield messages.LeaseRequest(worker="w", seconds=5.5)
    yield messages.VerdictPage(cursor=1)
    yield messages.Problem(type="urn:sampler:problem:x", title="t", status=400)


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b'"id":', b'"created":', b'"object":', b'"sha256":', b'"size":', b'"fields":', b'"matches":', b'"contents":',
        b'"part":', b'"2026-11-24T00:00:00Z"', b'"0001-01-01T00:00:00+23:59"', b"1e999", b"1e308", b"-0.0",
        b"null", b"true", b"99999999999999999999", b"\\ud800", b"[[[[[[[[",
    ),
    memory_max_bytes=64 * MIB,
)  # fmt: skip
