"""What the demo saw, held against what is expected; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from sampler.cli.demo_fixtures import Case
from sampler.model import Sampling
from sampler.wire.agent_messages import ObjectView
from sampler.wire.messages import PartMessage, StoredContent, TaskView

_WORDS = {Sampling.NONE: "nothing", Sampling.METADATA: "metadata", Sampling.PARTS: "parts", Sampling.WHOLE: "whole"}


def sent_word(view: ObjectView) -> str:
    """``whole``, ``parts``, ``metadata`` or ``nothing``."""
    return _WORDS[view.sampling]


def differences(case: Case, view: ObjectView, task: TaskView | None, downloaded: Mapping[str, str]) -> list[str]:
    """Every way in which a sample's end, on the host and at the queue, is not the expected one."""
    return [*_on_the_host(case, view), *_at_the_queue(case, view, task, downloaded)]


def _on_the_host(case: Case, view: ObjectView) -> Iterator[str]:
    expected = case.expected
    verdict = view.verdict.conclusion.value if view.verdict else None
    seen = {
        "SHA-256": (view.sha256, expected.sha256),
        "size": (view.size, expected.size),
        "matches": (sorted(match.rule for match in view.matches), sorted(expected.matches)),
        "sent": (sent_word(view), expected.sent),
        "state": (view.state, expected.state.value),
        "verdict": (verdict, expected.verdict),
    }
    for what, (is_, should) in seen.items():
        if is_ != should:
            yield f"{what} is {is_}, expected {should}"
    parts = {named for content in view.contents if content.part for named in _named(content.part)}
    for missing in sorted(set(expected.parts) - parts):
        yield f"part {':'.join(missing)} is not among those sent"


def _named(part: PartMessage) -> Iterator[tuple[str, str]]:
    """The part and what lies inside it."""
    yield part.kind.value, part.name
    yield from ((covered.kind.value, covered.name) for covered in part.covers)


def _at_the_queue(case: Case, view: ObjectView, task: TaskView | None, downloaded: Mapping[str, str]) -> Iterator[str]:
    if task is None:
        if case.expected.sent != "nothing":
            yield "the queue does not know it"
        return
    if case.expected.sent == "nothing":
        yield "the queue knows it, though nothing was to be sent"
    data = case.file.read_bytes()
    if task.object.sha256 != hashlib.sha256(data).hexdigest():
        yield f"the queue has it as {task.object.sha256}"
    if {content.sha256 for content in task.contents} != {content.sha256 for content in view.contents}:
        yield "the queue's contents are not those that the host sent"
    for content in task.contents:
        yield from _content(data, content, downloaded)


def _content(data: bytes, content: StoredContent, downloaded: Mapping[str, str]) -> Iterator[str]:
    part = content.part
    if part is not None and part.recipe:
        yield from _download(f"{part.kind}:{part.name}", content.sha256, content, downloaded)
        return
    piece = data if part is None else data[part.offset : part.offset + part.length]
    name = f"{part.kind}:{part.name}" if part else "whole"
    digest = hashlib.sha256(piece).hexdigest()
    if digest != content.sha256:
        yield f"{name}: the queue says {content.sha256}, the sample's bytes there hash to {digest}"
    yield from _download(name, digest, content, downloaded)


def _download(name: str, digest: str, content: StoredContent, downloaded: Mapping[str, str]) -> Iterator[str]:
    if downloaded.get(content.sha256) != digest:
        yield f"{name}: what the queue gives out does not hash to {digest}"
