"""The client's side of tus 1.0.0, without I/O: what to send, and what an answer means for what comes next.

https://tus.io/protocols/resumable-upload (core protocol, and the extensions creation, creation-with-upload, checksum
and termination). An upload is a walk over steps: ``Create`` or ``Look`` first, then ``Send`` until ``Done``; whatever
goes wrong on the way leads back to ``Look`` (the server says how far it is) or to ``Create``.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import urljoin

from sampler.errors import QueueFaulty
from sampler.limits import CREATE_WITH_UPLOAD_MAX_BYTES, URL_MAX_CHARACTERS
from sampler.model import Content
from sampler.upload.addresses import same_origin
from sampler.upload.answers import Answer, require

VERSION: Final = "1.0.0"
OFFSET_TYPE: Final = "application/offset+octet-stream"
CHECKSUM_MISMATCH: Final = 460
"""Checksum extension: the bytes that came are not those that were announced."""

_GONE: Final = frozenset({404, 410})
_ELSEWHERE: Final = frozenset({409, 423})
"""It stands elsewhere, or another request holds on to it, for which many servers say 423 (RFC 4918, section 11.3)."""


@dataclass(frozen=True, slots=True)
class Create:
    """Begin the upload (creation extension)."""


@dataclass(frozen=True, slots=True)
class Look:
    """Ask for the offset (core protocol, HEAD)."""

    url: str


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes from ``offset`` on (core protocol, PATCH)."""

    url: str
    offset: int


@dataclass(frozen=True, slots=True)
class Done:
    """The server has all of it, verified."""


Step: TypeAlias = Create | Look | Send | Done


def first_step(resume_url: str | None, base: str) -> Step:
    """Go on where an upload was begun, as long as that is on this queue; else begin."""
    if resume_url and same_origin(resume_url, base):
        return Look(resume_url)
    return Create()


def carried_bytes(content: Content) -> int:
    """How many bytes the creating request carries itself (creation-with-upload): all of a small content, or none."""
    return content.size if content.size <= CREATE_WITH_UPLOAD_MAX_BYTES else 0


def plain_headers() -> dict[str, str]:
    """What every request has."""
    return {"Tus-Resumable": VERSION}


def creation_headers(submission: str, content: Content) -> dict[str, str]:
    """For POST: the length, and whose content it is."""
    metadata = f"submission {_base64(submission.encode())},sha256 {_base64(content.sha256.encode())}"
    return plain_headers() | {"Upload-Length": str(content.size), "Upload-Metadata": metadata}


def offset_headers(offset: int) -> dict[str, str]:
    """For PATCH: where the body goes."""
    return plain_headers() | {"Upload-Offset": str(offset)}


def body_headers(checked: bytes | None) -> dict[str, str]:
    """For whatever has bytes of a content as its body, and the checksum of them where it is to be checked by itself."""
    kind = {"Content-Type": OFFSET_TYPE}
    if checked is None:
        return kind
    return kind | {"Upload-Checksum": f"sha256 {_base64(hashlib.sha256(checked).digest())}"}


def after_create(answer: Answer, content: Content, base: str) -> tuple[Step, str | None]:
    """The next step, and the upload's URL where it has one.

    Raises:
        QueueRefused, QueueBusy, QueueFaulty: it was not created, or the answer does not hold together.
    """
    if answer.status in _ELSEWHERE | {CHECKSUM_MISMATCH}:  # another of our uploads brought the same content meanwhile
        return Create(), None
    require(answer, f"beginning the upload of {content.sha256}", 201)
    url = _location(answer, base)
    if "upload-offset" not in answer.headers:  # a server that does creation only need not say it
        return Look(url), url
    offset = _offset(answer, content)
    return (Done() if offset == content.size else Send(url, offset)), url


def after_look(answer: Answer, step: Look, content: Content) -> Step:
    """Where the upload goes on; an upload that is gone, or is of another length, is begun anew.

    Raises:
        QueueRefused, QueueBusy, QueueFaulty: as above.
    """
    if answer.status in _GONE:
        return Create()
    require(answer, f"resuming the upload of {content.sha256}", 200, 204)
    if answer.headers.get("upload-length", str(content.size)) != str(content.size):
        return Create()
    offset = _offset(answer, content)
    return Done() if offset == content.size else Send(step.url, offset)


def after_send(answer: Answer, step: Send, length: int, content: Content) -> Step:
    """How far the server is after ``length`` bytes; 409, 423 and 460 make us look, a lost upload is begun anew.

    Raises:
        QueueRefused, QueueBusy, QueueFaulty: as above.
    """
    if answer.status in _GONE:
        return Create()
    if answer.status in _ELSEWHERE | {CHECKSUM_MISMATCH}:
        return Look(step.url)
    require(answer, f"uploading {content.sha256}", 204)
    offset = _offset(answer, content)
    if not step.offset < offset <= step.offset + length:
        raise QueueFaulty(
            f"uploading {content.sha256}: after {length} bytes at {step.offset} the queue says it is at {offset}"
        )
    return Done() if offset == content.size else Send(step.url, offset)


def is_trouble(before: Step, after: Step) -> bool:
    """Whether a step leads back instead of on; how often that may happen is the caller's to count."""
    return isinstance(after, Create) or (isinstance(before, Send) and isinstance(after, Look))


def _location(answer: Answer, base: str) -> str:
    """The Location header, resolved; bytes of an object go to the queue and to nobody that it points to."""
    location = answer.headers.get("location", "")
    try:
        url = urljoin(base, location) if 0 < len(location) <= URL_MAX_CHARACTERS else ""
    except ValueError:
        url = ""
    if not same_origin(url, base):
        raise QueueFaulty(f"the queue says that an upload is at {location[:200]!r}, which is not on {base}")
    return url


def _offset(answer: Answer, content: Content) -> int:
    text = answer.headers.get("upload-offset", "")
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= content.size):
        raise QueueFaulty(f"the queue says that the upload of {content.sha256} is at {text[:40]!r} of {content.size}")
    return int(text)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
