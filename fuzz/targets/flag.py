"""What a local peer asks for: a flag request's JSON, or, behind a question mark, a query for objects."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

from fuzz.target import Target
from sampler.intake.problems import Rejected
from sampler.intake.requests import LIST_MAX_COUNT, Flag, read_flag, read_listing
from sampler.limits import (
    DETECTIONS_MAX_COUNT,
    MIB,
    PATH_MAX_BYTES,
    PROCESS_ID_MAX,
    TEXT_MAX_CHARACTERS,
    URL_MAX_CHARACTERS,
)
from sampler.model import Peer

_PEERS: Final = (Peer(0, 0, 1), Peer(65534, 65534, 1, (65534,)))
_NOW: Final = datetime(2026, 11, 24, tzinfo=UTC)


def one_input(data: bytes) -> None:
    """It is refused by ``Rejected`` with a status of the client's fault, or it keeps to every ceiling."""
    for peer in _PEERS:
        try:
            if data.startswith(b"?"):
                listing = read_listing(dict(parse_qsl(data[1:].decode("utf-8", "replace"))))
                assert 1 <= listing.limit <= LIST_MAX_COUNT
            else:
                _judge(read_flag(data, peer))
        except Rejected as error:
            assert 400 <= error.status < 500


def _judge(flag: Flag) -> None:
    assert len(flag.detections) <= DETECTIONS_MAX_COUNT
    assert all(len(name) <= TEXT_MAX_CHARACTERS for name in flag.detections)
    assert flag.pid is None or 1 <= flag.pid <= PROCESS_ID_MAX
    assert flag.origin_url is None or len(flag.origin_url) <= URL_MAX_CHARACTERS
    if flag.path is not None:
        assert len(flag.path) <= PATH_MAX_BYTES
        flag.candidate(flag.path_source(), event_id="", received=_NOW)


def _seeds() -> Iterator[bytes]:
    yield b'{"path":"/tmp/a.exe","detections":["Eicar-Test"],"reason":"detection","pid":1,"wants":"whole"}'
    yield b'{"id":"01234567-89ab-cdef-0123-456789abcdef","path_hex":"2f746d702fff","origin_url":"https://a.example/x"}'
    yield b'{"descriptor":true,"path":"/name"}'
    yield b"?state=delivered&after=a&limit=10"


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b'"id":', b'"path":', b'"path_hex":', b'"descriptor":', b'"reason":', b'"detections":', b'"pid":',
        b'"origin_url":', b'"wants":', b"\\ud800", b"\\u0000", b"/../", b"1e999", b"-1", b"9999999999999999999999",
        b"null", b"state=", b"after=", b"limit=",
    ),
    memory_max_bytes=64 * MIB,
)  # fmt: skip
