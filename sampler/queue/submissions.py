"""What a manifest asks of the queue: which contents are wanted, and where its submission stands. Pure.

Known bytes never travel: a content that the queue has verified is not wanted again, whichever host brought it. So the
answer tells a host that *somebody* has delivered a content already. This is deliberate, and its limit is the proof of
knowledge: a host has to name the SHA-256, and learns nothing that it could not ask any public reputation service. It
never learns who, when or how often, and a content can never be read through a submission.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sampler.errors import RequestError
from sampler.model import SubmissionState, TaskState
from sampler.wire.messages import ContentMessage, Manifest

_OF_TASK = {
    TaskState.WAITING: SubmissionState.QUEUED,
    TaskState.RESTING: SubmissionState.QUEUED,
    TaskState.LEASED: SubmissionState.ANALYZING,
    TaskState.DONE: SubmissionState.DONE,
    TaskState.DEAD: SubmissionState.DEAD,
    TaskState.CANCELLED: SubmissionState.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Wants:
    """The contents of a manifest, each once, in its order."""

    wanted: tuple[str, ...]
    known: tuple[str, ...]


def content_sizes(manifest: Manifest, *, max_bytes: int) -> dict[str, int]:
    """SHA-256 to bytes of everything that a manifest offers, in its order.

    Raises:
        RequestError: a content contradicts the object, the part it is said to be, another one, or the ceiling.
    """
    sizes: dict[str, int] = {}
    for content in manifest.contents:
        _check_content(manifest, content, max_bytes)
        if sizes.setdefault(content.sha256, content.size) != content.size:
            raise RequestError(f"content {content.sha256} is offered with two sizes; a hash has one")
    return sizes


def wants(sizes: Mapping[str, int], verified: Collection[str]) -> Wants:
    """Which of the offered contents have to travel, and which the queue has."""
    return Wants(
        wanted=tuple(sha256 for sha256 in sizes if sha256 not in verified),
        known=tuple(sha256 for sha256 in sizes if sha256 in verified),
    )


def state_of(task: TaskState | None) -> SubmissionState:
    """A submission has a task from the moment that its last wanted content is verified."""
    return SubmissionState.RECEIVING if task is None else _OF_TASK[task]


def _check_content(manifest: Manifest, content: ContentMessage, max_bytes: int) -> None:
    if content.size > max_bytes:
        raise RequestError(f"content {content.sha256} has {content.size} bytes; this queue takes at most {max_bytes}")
    part, whole = content.part, manifest.object
    if part is None:
        if (content.sha256, content.size) != (whole.sha256, whole.size):
            raise RequestError(f"content {content.sha256} is offered as the whole object, which is {whole.sha256}")
    elif part.length != content.size or (part.offset if part.recipe else part.offset + part.length > whole.size):
        raise RequestError(f"content {content.sha256} does not lie where its part says: {part.kind} {part.name!r}")
