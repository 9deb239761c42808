"""Bodies that are small as they come and large when they are looked at."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import zstandard

from sampler.limits import (
    CODED_BODIES_MAX_COUNT,
    CODED_CHUNK_MAX_BYTES,
    CREATE_WITH_UPLOAD_MAX_BYTES,
    MANIFEST_MAX_BYTES,
)
from sampler.wire.codec import encode

AT_ONCE = 40
GIB = 1 << 30
JSON = {"Content-Type": "application/json"}


def _zeros(size: int) -> bytes:
    """A zstd frame that decodes to so many zeros and does not say how many."""
    packer = zstandard.ZstdCompressor(level=1, write_content_size=False).compressobj()
    piece = bytes(1 << 20)
    return b"".join([*(packer.compress(piece) for _ in range(size >> 20)), packer.flush()])


def _claiming(frame: bytes, size: int) -> bytes:
    """The same blocks behind a head that claims another size (RFC 8878, section 3.1.1.1)."""
    head = zstandard.frame_header_size(frame)
    return struct.pack("<IBQ", 0xFD2FB528, 0xE0, size) + frame[head:]


BOMB = _zeros(256 << 20)
BODIES = {
    "no size": (BOMB, 400),
    "an honest size": (_claiming(BOMB, 256 << 20), 413),
    "a size beyond all memory": (_claiming(BOMB, 2**63), 413),
    "a small size": (_claiming(BOMB, 1000), 400),
    "the largest size that is taken": (_claiming(BOMB, CREATE_WITH_UPLOAD_MAX_BYTES), 400),
    "many frames": (_claiming(_zeros(1 << 20), 1 << 20) * 200, 400),
    "a window of 2 GiB": (struct.pack("<IBBI", 0xFD2FB528, 0x80, 31 - 10 << 3, 100) + b"\x01\x00\x00", 400),
    "no frame": (b"\x00" * 1000, 400),
    "more than a chunk": (bytes(CODED_CHUNK_MAX_BYTES + 1), 413),
}


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES.keys())
def test_a_bomb_of_zstd(body: bytes, status: int, attack: Any, make_manifest: Any, tus_headers: Any) -> None:
    """A frame is held to what it says, and what it says to what there is room for; no byte of it is kept."""
    manifest = make_manifest(bytes(CREATE_WITH_UPLOAD_MAX_BYTES))
    assert attack("POST", "/v1/submissions", encode(manifest), JSON).status == 201
    headers = tus_headers(manifest, **{"Content-Encoding": "zstd"})
    with ThreadPoolExecutor(8) as at_once:
        statuses = {
            each.status for each in at_once.map(lambda _: attack("POST", "/v1/uploads", body, headers), range(8))
        }
    assert statuses == {status}
    assert attack("POST", "/v1/uploads", None, tus_headers(manifest)).headers["upload-offset"] == "0"


def test_many_bombs_at_once(peer: Callable[[], Any], make_manifest: Any, tus_headers: Any, attack: Any) -> None:
    """Each that is decoded holds its bytes; those for which there is no room are asked to come as they are."""
    manifest = make_manifest(bytes(CREATE_WITH_UPLOAD_MAX_BYTES))
    assert attack("POST", "/v1/submissions", encode(manifest), JSON).status == 201
    headers = tus_headers(manifest, Host="localhost", **{"Content-Encoding": "zstd", "Content-Length": "1000"})
    head = "\r\n".join(["POST /v1/uploads HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""])
    connections = []
    for _ in range(AT_ONCE):
        connections.append(peer())
        connections[-1].send(head.encode() + b"(\xb5/\xfd")
    statuses = sorted(connection.rest()[9:12] for connection in connections)
    assert set(statuses) <= {b"408", b"415"}
    assert statuses.count(b"408") >= CODED_BODIES_MAX_COUNT


TEXTS = {
    "lists in lists": b"[" * (MANIFEST_MAX_BYTES - 10),
    "objects in objects": b'{"fields":' * 100_000,
    "a number of a million digits": b'{"id":' + b"9" * 1_000_000 + b"}",
    "a number with a great exponent": b'{"id":1e999999999}',
    "half a character": b'{"id":"\\ud800"}',
    "bytes that are no text": b'{"id":"' + b"\xff" * 1000 + b'"}',
    "the same key, often": b"{" + b'"id":"",' * 300_000 + b'"id":""}',
    "a list of a million": b'{"manifests":[' + b"{}," * 1_000_000 + b"{}]}",
}


@pytest.mark.parametrize("path", ["/v1/submissions", "/v1/offers"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_text_that_is_large_inside(text: bytes, path: str, attack: Any) -> None:
    """It is refused as what it is not: a message."""
    assert attack("POST", path, text, JSON).status in {400, 422}


def test_a_body_of_gzip(attack: Any) -> None:
    """Nobody unpacks what is not asked for."""
    body = gzip.compress(bytes(64 << 20))
    assert attack("POST", "/v1/submissions", body, JSON | {"Content-Encoding": "gzip"}).status == 415
