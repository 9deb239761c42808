"""What runs in the sandbox: ``prepare`` once in the nursery, then ``handle`` for each object in the children."""

from __future__ import annotations

import contextlib
import mmap
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from sampler.describe import ContentFacts, describe_content, load_libmagic
from sampler.errors import RulesError, ScanTimeout
from sampler.examine.externals import externals_of
from sampler.examine.messages import (
    ExamineRequest,
    Unusable,
    decode_order,
    decode_request,
    encode,
    encode_answer,
    encode_ready,
    sendable,
)
from sampler.examine.settings import RuleReport
from sampler.extract import Extraction, find_regions
from sampler.limits import FIELDS_MAX_COUNT, PROBLEMS_MAX_COUNT
from sampler.model import ContentKind, Examination, Problem
from sampler.sandbox import Prepared
from sampler.scan import RuleSet, ScanResult

T = TypeVar("T")
Content: TypeAlias = bytes | mmap.mmap

_WARM_UP: Final = (
    b"MZ" + bytes(62),
    b"\x7fELF" + bytes(60),
    b"%PDF-1.4\n",
    b"#!/bin/sh\n",
    b"PK\x03\x04" + bytes(60),
    b"",
)
"""The first bytes of common formats, so that everything that is loaded at first use is loaded in the nursery."""
_UNKNOWN: Final = ContentFacts(ContentKind.OTHER, "application/octet-stream", ())


def prepare(settings: bytes) -> Prepared:
    """Load the rules and warm everything up; the entry of the nursery.

    Without a usable rule it reports so, and so does every child.

    Raises:
        LibmagicMissing: it says what to install.
    """
    load_libmagic()
    folders = [Path(os.fsdecode(folder)) for folder in decode_order(settings).rule_folders]
    try:
        rules = RuleSet.load(folders)
    except RulesError as error:
        unusable = encode(Unusable(sendable(str(error))))
        return Prepared(lambda request, descriptor: unusable, unusable)
    for content in _WARM_UP:
        examine(rules, ExamineRequest("", len(content)), content)
    problems = tuple(str(problem) for problem in rules.problems)
    return Prepared(
        lambda request, descriptor: handle(rules, request, descriptor),
        encode_ready(RuleReport(rules.version, rules.rule_count, problems)),
    )


def handle(rules: RuleSet, request: bytes, descriptor: int) -> bytes:
    """Examine the object behind ``descriptor``.

    Raises:
        ValueError: the request is none, or is for an object of another size.
    """
    order = decode_request(request)
    with _mapped(descriptor) as content:
        if len(content) != order.size:
            raise ValueError(f"the object has {len(content)} bytes, {order.size} were announced")
        return encode_answer(examine(rules, order, content))


def examine(rules: RuleSet, order: ExamineRequest, content: Content) -> Examination:
    """Type, rules, structure: each stage on its own, so that one that fails does not cost the others' results."""
    problems: list[Problem] = []
    name = None if order.path is None else os.path.basename(order.path)
    facts = _attempt("describe", lambda: describe_content(content, name), _UNKNOWN, problems)
    externals = externals_of(order.path, facts.mime_type, order.owner)
    found = _attempt("scan", lambda: rules.run(content, externals), ScanResult((), 0), problems)
    structure = _attempt("extract", lambda: find_regions(content, facts.kind, facts.mime_type), Extraction(), problems)
    problems += (*_left_out(found), *structure.problems)
    return Examination(
        sha256=order.sha256,
        kind=facts.kind,
        mime_type=facts.mime_type,
        ruleset_version=rules.version,
        matches=found.matches,
        regions=structure.regions,
        fields=(*facts.fields, *structure.fields)[:FIELDS_MAX_COUNT],
        problems=tuple(problems[:PROBLEMS_MAX_COUNT]),
    )


def _attempt(stage: str, work: Callable[[], T], otherwise: T, problems: list[Problem]) -> T:
    """The result of one stage, or ``otherwise`` and a problem."""
    try:
        return work()
    except MemoryError:
        raise  # the child has none left for the other stages either, and is replaced
    except ScanTimeout as error:
        problems.append(Problem(stage, "scan-timeout", sendable(str(error))))
    except Exception as error:  # noqa: BLE001  # the stage boundary: hostile bytes make parsers raise anything
        traceback.print_exc(limit=-8, file=sys.stderr)
        problems.append(Problem(stage, f"{stage}-failed", sendable(f"{type(error).__name__}: {error}")))
    return otherwise


def _left_out(found: ScanResult) -> Iterator[Problem]:
    if found.matches_total > len(found.matches):
        kept = f"{len(found.matches)} of {found.matches_total} matching rules are kept"
        yield Problem("scan", "too-many-matches", kept)
    if found.overflows:
        yield Problem("scan", "too-many-hits", sendable(f"hits were not counted on: {', '.join(found.overflows)}"))


@contextmanager
def _mapped(descriptor: int) -> Iterator[Content]:
    """The object's bytes without copying them; an empty file cannot be mapped (mmap(2)).

    The size is found by seeking: the C library's fstat(3) is a system call that could also ask for files by name.
    """
    size = os.lseek(descriptor, 0, os.SEEK_END)
    if size == 0:
        yield b""
        return
    content = mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)
    try:
        yield content
    finally:
        with contextlib.suppress(BufferError):  # a parser still holds a view; the mapping ends with it
            content.close()
