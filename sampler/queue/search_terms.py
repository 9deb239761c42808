"""What a submission can be found by: its document, and the numbers that stand for it in the index. Pure.

The document is every field that the manifest keeps, those of its matches and contents among them, and where the
submission stands at the queue. The index holds no text: a field with a value is one number of 63 bits, so an index
that leaks names nothing, and erasing needs no text either. Two values may share a number; whatever the index yields is
therefore looked at again in the document. Names that begin with ``@`` are the queue's own, and no host can write them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, TypeAlias

from sampler.limits import (
    SEARCH_TERMS_MAX_COUNT,
    SEARCH_VALUE_MAX_CHARACTERS,
    SEARCH_VALUES_OF_FIELD_MAX_COUNT,
)
from sampler.model import Conclusion, SubmissionState, Verdict
from sampler.queue.records import Submission
from sampler.wire.codec import DecodeError, decode
from sampler.wire.messages import FieldJson, Fields, Manifest

Document: TypeAlias = Mapping[str, Sequence[str]]
"""Field names to their values as text, case folded."""

HASHES: Final = "related.hash"
"""Every hash that a manifest names, as ECS calls it; a text is taken for one by its looks."""
RULE: Final = "rule.name"
TLSH: Final = "file.hash.tlsh"
DEVICE: Final = "@device"
TENANT: Final = "@tenant"
STATE: Final = "@state"
CONCLUSION: Final = "@conclusion"
FAMILY: Final = "@family"
ANALYZER: Final = "@analyzer"

PREFIX_LENGTHS: Final = (8, 4)
"""Beginnings of so many characters are in the index, the longer ones first."""
_BY_PREFIX: Final = frozenset({HASHES, RULE, "file.name"})
_HASH: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dt[\d:.]+z")
_NOT_INDEXED: Final = frozenset({"event.id", "sampler.rule.strings", "sampler.file.entropy_series"})
"""Nobody looks for these values; as conditions beside others they still hold."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a submission changes after it came."""

    device: str
    tenant: str
    state: SubmissionState
    verdict: Verdict | None = None


def readable(submission: Submission) -> Manifest | None:
    """A submission's manifest; ``None`` of one that was taken back, or that only an older version would have taken.

    One such record is no reason to find nothing else.
    """
    try:
        return decode(submission.manifest, Manifest) if submission.manifest else None
    except DecodeError:
        return None


def document_of(manifest: Manifest, standing: Standing) -> Document:
    """All that a submission can be found by."""
    found: dict[str, list[str]] = {}
    for name, value in _pairs(manifest, standing):
        text = value.casefold()
        found.setdefault(name, []).append(text)
        if name != HASHES and _HASH.fullmatch(text):
            found.setdefault(HASHES, []).append(text)
    return found


def terms_of(document: Document) -> frozenset[int]:
    """The numbers that stand for a document, at most ``SEARCH_TERMS_MAX_COUNT``: what finds most comes first."""
    order = sorted(document, key=lambda name: (not name.startswith("@"), name not in _BY_PREFIX, name))
    terms: dict[int, None] = {}
    for name in order:
        for term in _terms_of_field(name, document[name]):
            if len(terms) >= SEARCH_TERMS_MAX_COUNT:
                return frozenset(terms)
            terms[term] = None
    return frozenset(terms)


def standing_terms(standing: Standing) -> frozenset[int]:
    """The numbers that stand for what changes."""
    return frozenset(term_of(name, value.casefold()) for name, value in _of_standing(standing))


def outdated_terms(standing: Standing) -> frozenset[int]:
    """Numbers that a submission may have had before it stood as it does now."""
    states = {term_of(STATE, each.value) for each in SubmissionState}
    conclusions = {term_of(CONCLUSION, each.value) for each in Conclusion}
    return frozenset(states | conclusions) - standing_terms(standing)


def term_of(name: str, value: str) -> int:
    """The number that stands for a field with this value (case folded)."""
    return _number(f"{name}\0{value[:SEARCH_VALUE_MAX_CHARACTERS]}")


def prefix_term_of(name: str, prefix: str) -> int | None:
    """The number that stands for values that begin so; ``None`` where the index does not know beginnings of it.

    It stands for a shorter beginning where the index has no longer one.
    """
    if name not in _BY_PREFIX:
        return None
    length = next((length for length in PREFIX_LENGTHS if length <= len(prefix)), None)
    return None if length is None else _number(f"{name}\1{prefix[:length]}")


def tlsh_of(manifest: Manifest) -> str | None:
    """The object's TLSH digest as the manifest writes it, whatever that is."""
    value = manifest.fields.get(TLSH)
    return value if isinstance(value, str) else None


def _terms_of_field(name: str, values: Sequence[str]) -> Iterator[int]:
    if name in _NOT_INDEXED:
        return
    most = SEARCH_TERMS_MAX_COUNT if name in _BY_PREFIX else SEARCH_VALUES_OF_FIELD_MAX_COUNT
    for value in values[:most]:
        if _MOMENT.fullmatch(value):
            continue  # moments are compared, not looked up
        yield term_of(name, value)
        yield from _beginnings(name, value)


def _beginnings(name: str, value: str) -> Iterator[int]:
    if name in _BY_PREFIX:
        yield from (_number(f"{name}\1{value[:length]}") for length in PREFIX_LENGTHS if length <= len(value))


def _pairs(manifest: Manifest, standing: Standing) -> Iterator[tuple[str, str]]:
    yield from _of_standing(standing)
    yield "file.hash.sha256", manifest.object.sha256
    yield "file.size", str(manifest.object.size)
    yield from ((HASHES, content.sha256) for content in manifest.contents if content.sha256 != manifest.object.sha256)
    yield from _of_fields(manifest.fields, known=("file.hash.sha256", "file.size"))
    for match in manifest.matches:
        yield from _of_fields(match)


def _of_standing(standing: Standing) -> Iterator[tuple[str, str]]:
    yield DEVICE, standing.device
    yield TENANT, standing.tenant
    yield STATE, standing.state.value
    if standing.verdict is not None:
        yield CONCLUSION, standing.verdict.conclusion.value
        yield ANALYZER, standing.verdict.analyzer
        if standing.verdict.family is not None:
            yield FAMILY, standing.verdict.family


def _of_fields(fields: Fields, known: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if name not in known:
            yield from ((name, text) for text in _texts(value))


def _texts(value: FieldJson) -> Sequence[str]:
    if isinstance(value, list):
        return value
    if isinstance(value, bool):
        return ("true" if value else "false",)
    return (str(value),)


def _number(text: str) -> int:
    """63 bits, so that any database's integer holds it."""
    return int.from_bytes(blake2b(text.encode(errors="replace"), digest_size=8).digest()) >> 1
