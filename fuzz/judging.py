"""What every examination must keep to, said once more and apart from the code that enforces it."""

from __future__ import annotations

import math
from itertools import chain
from typing import Final

from sampler.examine.checking import check_examination, check_swept
from sampler.examine.messages import Examined, Swept, decode_answer, encode_answer, encode_swept
from sampler.limits import (
    FIELD_VALUE_MAX_CHARACTERS,
    FIELDS_MAX_COUNT,
    FRAME_MAX_BYTES,
    HITS_PER_RULE_MAX_COUNT,
    MATCHES_MAX_COUNT,
    PART_NAME_MAX_CHARACTERS,
    PROBLEMS_MAX_COUNT,
    REGIONS_MAX_COUNT,
    TEXT_MAX_CHARACTERS,
    UNPACK_MEMBER_MAX_BYTES,
)
from sampler.model import ContentKind, Examination, Field, Problem, Region, RuleMatch

SHA256: Final = "0" * 64
"""The name of every object here; nothing that is fuzzed computes it."""
_NAMES: Final = ("file.mime_type", "file.type", "file.hash.tlsh", "file.hash.ssdeep", "file.target_path")
_OF_CONTENT: Final = ("file.pe.", "file.elf.", "file.macho.", "file.code_signature.", "sampler.file.")


def examination_of(
    *,
    matches: tuple[RuleMatch, ...] = (),
    regions: tuple[Region, ...] = (),
    fields: tuple[Field, ...] = (),
    problems: tuple[Problem, ...] = (),
) -> Examination:
    """What a child would answer that found only this."""
    return Examination(SHA256, ContentKind.OTHER, "application/octet-stream", "", matches, regions, fields, problems)


def judge(examination: Examination, size: int) -> None:
    """Raise ``AssertionError`` or ``MessageError`` unless the parent would believe it of an object of ``size`` bytes,
    it keeps to every ceiling, and it arrives as it was sent."""
    check_examination(examination, sha256=SHA256, size=size)
    _judge_problems(examination.problems)
    _judge_matches(examination.matches, size)
    _judge_regions(examination.regions, size)
    _judge_fields(examination.fields)
    data = encode_answer(examination)
    assert len(data) < FRAME_MAX_BYTES
    assert decode_answer(data) == Examined(examination)


def judge_swept(swept: Swept, size: int) -> None:
    """The same of an answer on a live file of ``size`` bytes."""
    check_swept(swept)
    _judge_problems(swept.problems)
    _judge_matches(swept.matches, size)
    data = encode_swept(swept)
    assert len(data) < FRAME_MAX_BYTES
    assert decode_answer(data) == swept


def _judge_problems(problems: tuple[Problem, ...]) -> None:
    assert len(problems) <= PROBLEMS_MAX_COUNT
    assert all(len(problem.detail) <= TEXT_MAX_CHARACTERS for problem in problems)


def _judge_matches(matches: tuple[RuleMatch, ...], size: int) -> None:
    assert len(matches) <= MATCHES_MAX_COUNT
    for match in matches:
        assert len(match.hits) <= HITS_PER_RULE_MAX_COUNT
        assert max(len(match.rule), len(match.namespace)) <= TEXT_MAX_CHARACTERS
    for hit in chain.from_iterable(match.hits for match in matches):
        assert 0 <= hit.offset <= hit.offset + hit.length <= size, hit


def _judge_regions(regions: tuple[Region, ...], size: int) -> None:
    assert len(regions) <= REGIONS_MAX_COUNT
    for region in regions:
        assert len(region.name) <= PART_NAME_MAX_CHARACTERS
        most = UNPACK_MEMBER_MAX_BYTES if region.recipe else size
        assert 0 <= region.offset <= region.offset + region.length <= most, region


def _judge_fields(fields: tuple[Field, ...]) -> None:
    assert len(fields) <= FIELDS_MAX_COUNT
    for field in fields:
        assert field.name in _NAMES or field.name.startswith(_OF_CONTENT), field.name
        texts = field.value if isinstance(field.value, tuple) else (str(field.value),)
        assert sum(map(len, texts)) <= FIELD_VALUE_MAX_CHARACTERS, field.name
        assert not isinstance(field.value, float) or math.isfinite(field.value), field.name
