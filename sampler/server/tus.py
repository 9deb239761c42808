"""The words of tus 1.0.0 (core protocol; creation, creation-with-upload, checksum, expiration, termination). Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Final

from aiohttp import web
from multidict import MultiMapping

from sampler.limits import METADATA_MAX_CHARACTERS
from sampler.queue import Checksum, Upload
from sampler.server.problems import Refused
from sampler.wire.routes import SHA256, UUID

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,checksum,expiration,termination"
ALGORITHMS: Final = ("sha256", "sha1")
BODY_TYPE: Final = "application/offset+octet-stream"

_ONCE: Final = ("Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Metadata", "Upload-Checksum")
"""Headers that contradict themselves when they come twice."""
_ELSEWHERE: Final = {
    "Upload-Defer-Length": "this server needs Upload-Length at once, not Upload-Defer-Length",
    "Upload-Concat": "this server does not put uploads together; send the whole content to one upload",
}
"""Headers of extensions that are not spoken here, and what to do instead: ignoring them would make another upload."""
_DIGEST_BYTES: Final = {name: hashlib.new(name, usedforsecurity=False).digest_size for name in ALGORITHMS}
_NUMBER: Final = re.compile(r"(0|[1-9][0-9]{0,18})", re.ASCII)
_METADATA: Final = {"submission": re.compile(UUID, re.ASCII), "sha256": re.compile(SHA256, re.ASCII)}


@dataclass(frozen=True, slots=True)
class Creation:
    """What a creating request asks for."""

    submission: str
    sha256: str
    size: int
    metadata: str
    """``Upload-Metadata`` as it came."""


def method(request: web.Request) -> str:
    """What a request is to be taken for (core protocol, ``X-HTTP-Method-Override``): its own method counts no more."""
    return request.headers.get("X-HTTP-Method-Override", request.method)


def options(max_bytes: int) -> dict[str, str]:
    """What this server does of tus."""
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(max_bytes),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }


def check_version(headers: MultiMapping[str]) -> None:
    """Whether the client speaks our version, and says each thing once.

    Raises:
        Refused: 412, with the version that we speak; 400 a header contradicts another of its name.
    """
    if headers.get("Tus-Resumable") != VERSION:
        raise Refused(412, "tus-version", f"send Tus-Resumable: {VERSION}", {"Tus-Version": VERSION})
    for name in _ONCE:
        if len(headers.getall(name, ())) > 1:
            raise Refused(400, "tus-header", f"{name} is there more than once")


def creation(headers: Mapping[str, str], max_bytes: int) -> Creation:
    """The upload that a POST wants to begin.

    Raises:
        Refused: 400 a header is absent or cannot be read, 413 it is too large.
    """
    for name, instead in _ELSEWHERE.items():
        if name in headers:
            raise Refused(400, "tus-header", instead)
    size = number(headers, "Upload-Length")
    if size > max_bytes:
        raise Refused(413, "too-large", f"Upload-Length {size}: this queue takes at most {max_bytes} bytes")
    header = headers.get("Upload-Metadata", "")
    values = metadata(header)
    return Creation(_named(values, "submission"), _named(values, "sha256"), size, header)


def number(headers: Mapping[str, str], name: str) -> int:
    """A header that is a number of bytes.

    Raises:
        Refused: 400 it is absent or not a number.
    """
    text = headers.get(name, "")
    if not _NUMBER.fullmatch(text):
        raise Refused(400, "tus-header", f"{name} is not a number of bytes: {text[:64]!r}")
    return int(text)


def metadata(header: str) -> dict[str, bytes]:
    """``Upload-Metadata``: keys and Base64 values, separated by commas; a key may stand without a value.

    Raises:
        Refused: 400 it is too long or not ASCII, has a key twice, or a value that is not Base64.
    """
    if len(header) > METADATA_MAX_CHARACTERS or not header.isascii():
        raise Refused(
            400, "tus-header", f"Upload-Metadata is not ASCII of at most {METADATA_MAX_CHARACTERS} characters"
        )
    values: dict[str, bytes] = {}
    for pair in filter(None, (each.strip() for each in header.split(","))):
        key, _, value = pair.partition(" ")
        if key in values:
            raise Refused(400, "tus-header", f"Upload-Metadata has {key[:64]!r} twice")
        values[key] = _base64("Upload-Metadata", value)
    return values


def checksum(headers: Mapping[str, str]) -> Checksum | None:
    """What the body should hash to, if the client says so.

    Raises:
        Refused: 400 the algorithm is not one of ours, or the value cannot be read.
    """
    header = headers.get("Upload-Checksum")
    if header is None:
        return None
    algorithm, _, value = header.partition(" ")
    if algorithm not in ALGORITHMS:
        known = ", ".join(ALGORITHMS)
        raise Refused(400, "tus-checksum", f"Upload-Checksum by {algorithm[:32]!r} is not known; known: {known}")
    digest = _base64("Upload-Checksum", value)
    if len(digest) != _DIGEST_BYTES[algorithm]:
        raise Refused(400, "tus-checksum", f"Upload-Checksum has {len(digest)} bytes, which no {algorithm} has")
    return Checksum(algorithm, digest)


def upload_headers(upload: Upload) -> dict[str, str]:
    """Where an upload stands and when it expires (RFC 9110 date)."""
    return {"Upload-Offset": str(upload.offset), "Upload-Expires": _date(upload.expires)}


def head_headers(upload: Upload) -> dict[str, str]:
    """All of an upload (core protocol, HEAD; creation, ``Upload-Metadata`` as its client gave it)."""
    known = {"Upload-Length": str(upload.size), "Cache-Control": "no-store"}
    return known | upload_headers(upload) | ({"Upload-Metadata": upload.metadata} if upload.metadata else {})


def _named(values: Mapping[str, bytes], key: str) -> str:
    text = values.get(key, b"").decode("ascii", "replace")
    if not _METADATA[key].fullmatch(text):
        raise Refused(400, "tus-header", f"Upload-Metadata has no usable {key!r}: {text[:80]!r}")
    return text


def _base64(name: str, value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(400, "tus-header", f"{name} has a value that is not Base64: {value[:64]!r}") from error


def _date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)
