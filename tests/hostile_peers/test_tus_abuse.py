"""Uploads by clients that lie about offsets and lengths, or reach for what is not theirs."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

SIZE = 3 << 20
NUMBERS = ["-1", "+0", "0x0", "0.0", " ", "1e3", "9" * 19, "9" * 40, "٠", "0,0", "01", "NaN"]


@pytest.fixture
def data() -> bytes:
    """A content that nobody has offered."""
    return os.urandom(SIZE)


def _head(call: Any, path: str) -> int:
    answer = call("HEAD", path, None, {"Tus-Resumable": "1.0.0"})
    assert answer.status == 200
    return int(answer.headers["upload-offset"])


def _refused(status: int) -> bool:
    return 400 <= status < 500


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", ["Upload-Offset", "Upload-Length"])
def test_numbers_that_are_none(
    name: str, number: str, attack: Any, begin: Any, make_manifest: Any, tus_headers: Any, data: bytes
) -> None:
    """An offset or a length is digits, at a place that there is; anything else changes nothing."""
    manifest = make_manifest(data)
    path = begin(attack, manifest)
    if name == "Upload-Offset":
        answer = attack("PATCH", path, b"x", tus_headers(None, number.encode()))
    else:
        answer = attack("POST", "/v1/uploads", None, tus_headers(manifest) | {name: number.encode()})
    assert answer.status in {400, 409, 413}
    assert _head(attack, path) == 0


def test_an_upload_of_another_device(
    attack: Any, ask: Any, begin: Any, make_manifest: Any, tus_headers: Any, data: bytes
) -> None:
    """It is as if it were not there, and nothing becomes of it."""
    manifest = make_manifest(data)
    path = begin(ask, manifest)
    version = {"Tus-Resumable": "1.0.0"}
    assert attack("HEAD", path, None, version).status == 404
    assert attack("PATCH", path, data[:10], tus_headers(None, 0)).status == 404
    assert attack("DELETE", path, None, version).status == 404
    assert attack("POST", path, None, version | {"X-HTTP-Method-Override": "DELETE"}).status == 404
    assert attack("POST", "/v1/uploads", data[:10], tus_headers(manifest)).status == 404
    assert _head(ask, path) == 0


@pytest.mark.parametrize("length", [0, 1, SIZE - 1, SIZE + 1, 1 << 40])
def test_a_length_that_the_manifest_does_not_say(
    length: int, attack: Any, begin: Any, make_manifest: Any, tus_headers: Any, data: bytes
) -> None:
    """An upload is as long as its content was said to be when it was offered."""
    manifest = make_manifest(data)
    begin(attack, manifest)
    assert _refused(attack("POST", "/v1/uploads", b"", tus_headers(manifest, Upload_Length=str(length))).status)


@pytest.mark.parametrize("header", [{"Upload-Defer-Length": "1"}, {"Upload-Concat": "partial"}])
def test_lengths_that_come_later(
    header: dict[str, str], attack: Any, make_manifest: Any, tus_headers: Any, data: bytes
) -> None:
    """A client of extensions that are not offered is told so."""
    headers = tus_headers(make_manifest(data), **header)
    assert attack("POST", "/v1/uploads", None, headers).status == 400
    del headers["Upload-Length"]
    assert attack("POST", "/v1/uploads", None, headers).status == 400


def test_more_than_the_length(attack: Any, begin: Any, make_manifest: Any, tus_headers: Any, data: bytes) -> None:
    """Bytes beyond the end are refused, also where the content's own ones came before them."""
    manifest = make_manifest(data)
    path = begin(attack, manifest)
    assert attack("PATCH", path, data + b"x", tus_headers(None, 0)).status == 413
    assert attack("PATCH", path, b"x", tus_headers(None, len(data))).status in {409, 413}
    assert _head(attack, path) <= len(data)


def test_a_body_that_is_shorter_than_it_says(
    peer: Any, attack: Any, begin: Any, make_manifest: Any, tus_headers: Any, data: bytes
) -> None:
    """What came counts, no byte that only was announced does."""
    manifest = make_manifest(data)
    path = begin(attack, manifest)
    headers = tus_headers(None, 0, Host="localhost", Content_Length=str(len(data)))
    lines = [f"PATCH {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    connection = peer()
    connection.send("\r\n".join(lines).encode() + data[:1000])
    assert connection.rest().startswith(b"HTTP/1.1 408 ")
    assert _head(attack, path) in {0, 1000}


def test_one_upload_from_many_sides(attack: Any, begin: Any, make_manifest: Any, tus_headers: Any, data: bytes) -> None:
    """Of PATCHes at one offset at the same time one at most counts; right and wrong bytes never mix."""
    manifest = make_manifest(data)
    path = begin(attack, manifest)
    half = len(data) // 2

    def patch(number: int) -> int:
        status: int = attack("PATCH", path, data[:half], tus_headers(None, 0)).status
        return status

    with ThreadPoolExecutor(8) as at_once:
        statuses = list(at_once.map(patch, range(8)))
    assert statuses.count(204) == 1
    assert all(status == 204 or _refused(status) for status in statuses)
    assert _head(attack, path) == half
    assert attack("PATCH", path, data[half:], tus_headers(None, half)).status == 204
    view = json.loads(attack("GET", f"/v1/submissions/{manifest.id}").body)
    assert view["state"] == "queued"


def test_other_bytes_than_were_offered(
    attack: Any, begin: Any, make_manifest: Any, tus_headers: Any, data: bytes
) -> None:
    """A content is what its hash says; others of its length are thrown away whole."""
    manifest = make_manifest(data)
    path = begin(attack, manifest)
    wrong = hashlib.sha256(data).digest() + data[32:]
    assert attack("PATCH", path, wrong, tus_headers(None, 0)).status == 460
    assert json.loads(attack("GET", f"/v1/submissions/{manifest.id}").body)["state"] != "queued"


def test_one_content_begun_again_and_again(
    attack: Any, begin: Any, make_manifest: Any, tus_headers: Any, data: bytes
) -> None:
    """A content has one upload, however often it is begun: each takes the place of the one before."""
    manifest = make_manifest(data)
    paths = [begin(attack, manifest)]
    for _ in range(30):
        paths.append(attack("POST", "/v1/uploads", None, tus_headers(manifest)).headers["location"])
    found = [path for path in paths if attack("HEAD", path, None, {"Tus-Resumable": "1.0.0"}).status == 200]
    assert found == paths[-1:]
