"""What a bench delivers: contents that nobody has, offered and brought by the agent's own link."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from typing import BinaryIO

from sampler.limits import COPY_CHUNK_BYTES
from sampler.model import Content
from sampler.runtime.clock import SystemClock
from sampler.upload import QueueLink
from sampler.wire.codec import encode
from sampler.wire.messages import ContentMessage, Manifest, ObjectMessage, StatementMessage


def content_of(open_content: Callable[[], BinaryIO]) -> Content:
    """Hash and size of all of it."""
    digest, size = hashlib.sha256(), 0
    with open_content() as file:
        while piece := file.read(COPY_CHUNK_BYTES):
            digest.update(piece)
            size += len(piece)
    return Content(digest.hexdigest(), size, 0)


async def deliver(link: QueueLink, content: Content, open_content: Callable[[], BinaryIO]) -> None:
    """Offer a content and bring it, if it is wanted; then it is verified and durable at the queue."""
    submission = str(uuid.uuid4())
    answer = await link.submit(encode(_manifest(submission, content)))
    if content.sha256 in answer.wanted:
        await link.upload(submission, content, lambda _: open_content(), resume_url=None, on_created=_nothing)


def _manifest(submission: str, content: Content) -> Manifest:
    return Manifest(
        id=submission,
        created=SystemClock().now(),
        object=ObjectMessage(sha256=content.sha256, size=content.size),
        statement=StatementMessage(id="basic", version=1, digest="0" * 64),
        contents=[ContentMessage(sha256=content.sha256, size=content.size)],
    )


async def _nothing(_: str) -> None:
    """Where the upload is does not matter: it is not resumed."""
