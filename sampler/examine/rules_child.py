"""What runs in the sandbox where only rules are asked: types, hashes and matches, of one file or of many small ones.

It imports no parser of formats, which spares a sweep their memory and the time that importing them takes.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import msgspec

from sampler.describe import QUICK_TYPE_BYTES, quick_type
from sampler.errors import RulesError, ScanTimeout
from sampler.examine.externals import externals_of
from sampler.examine.messages import (
    BundleRequest,
    ExamineRequest,
    Request,
    SweepRequest,
    Swept,
    decode_order,
    decode_request,
    encode_answer,
    encode_bundle,
    encode_swept,
    sendable,
)
from sampler.examine.reading import READ_WHOLE_MAX_BYTES, Content, hash_live, mapped, read_whole
from sampler.examine.reports import left_out, report_on, without_rules
from sampler.examine.settings import seconds_for_size
from sampler.limits import PROBLEMS_MAX_COUNT
from sampler.model import ContentKind, Examination, Problem
from sampler.sandbox import Prepared
from sampler.scan import RuleSet, ScanLimits, ScanResult

T = TypeVar("T")

_WARM_UP: Final = (
    b"%PDF-1.4\n",
    b"#!/bin/sh\n",
    b"PK\x03\x04" + bytes(60),
    b"MZ" + bytes(62),
    b"\x7fELF" + bytes(60),
    b"",
)
"""The first bytes of common formats, so that everything that is loaded at first use is loaded in the nursery."""


def prepare(settings: bytes) -> Prepared:
    """Load the rules and warm them up; the entry of the nursery. Without a usable rule it reports so."""
    order, limits = decode_order(settings)
    try:
        rules = RuleSet.load(order)
    except RulesError as error:
        return without_rules(error)
    examiner = RulesExaminer(rules, limits)
    for content in _WARM_UP:
        examiner.warm(content)
    return Prepared(examiner.handle, report_on(rules))


@dataclass(frozen=True, slots=True)
class RulesExaminer:
    """What one rule set says of objects."""

    rules: RuleSet
    limits: ScanLimits

    def handle(self, request: bytes, descriptor: int) -> bytes:
        """Look at the object behind ``descriptor``.

        Raises:
            ValueError: the request is none, is for an object of another size, or asks for more than rules.
        """
        return self.answer(decode_request(request), descriptor)

    def answer(self, order: Request, descriptor: int) -> bytes:
        """As ``handle``, of a request that was decoded."""
        if isinstance(order, SweepRequest):
            return encode_swept(self.sweep(order, descriptor))
        if isinstance(order, BundleRequest):
            return encode_bundle(self.sweep_bundle(order, descriptor))
        if not isinstance(order, ExamineRequest) or not order.rules_only:
            raise ValueError("this child runs rules and nothing else")
        with sized(descriptor, order.size) as content:
            return encode_answer(self.examine(order, content))

    def warm(self, content: bytes) -> None:
        """Have everything loaded that such a content needs."""
        self.sweep_content(SweepRequest(len(content), b"/warm/up", ""), content, "")

    def examine(self, order: ExamineRequest, content: Content) -> Examination:
        """Type and rules of a snapshot."""
        problems: list[Problem] = []
        found = self.scan(order.path, order.owner, content, problems)
        return Examination(
            sha256=order.sha256,
            kind=ContentKind.OTHER,
            mime_type=quick_type(content[:QUICK_TYPE_BYTES], len(content)),
            ruleset_version=self.rules.version,
            matches=found.matches,
            problems=tuple(problems[:PROBLEMS_MAX_COUNT]),
        )

    def sweep(self, order: SweepRequest, descriptor: int) -> Swept:
        """Hash, type and rules of a live file; it may change meanwhile, which its size or whoever asked will notice."""
        if order.size <= READ_WHOLE_MAX_BYTES:
            content = read_whole(descriptor, order.size)
            return self.sweep_content(order, content, hashlib.sha256(content).hexdigest())
        digest, size = hash_live(descriptor, order.size)
        with mapped(descriptor) as mapping:
            swept = self.sweep_content(order, mapping, digest)
        return swept if size == swept.size else msgspec.structs.replace(swept, size=size)

    def sweep_bundle(self, order: BundleRequest, descriptor: int) -> tuple[Swept, ...]:
        """As ``sweep``, of several small files whose bytes lie one after the other.

        Raises:
            ValueError: there are more or fewer bytes than were announced.
        """
        total = sum(file.size for file in order.files)
        content = read_whole(descriptor, total)
        if len(content) != total:
            raise ValueError(f"{total} bytes were announced, {len(content)} are there")
        swept: list[Swept] = []
        offset = 0
        for file in order.files:
            piece = content[offset : offset + file.size]
            swept.append(self.sweep_content(file, piece, hashlib.sha256(piece).hexdigest()))
            offset += file.size
        return tuple(swept)

    def sweep_content(self, order: SweepRequest, content: Content, sha256: str) -> Swept:
        """As ``sweep``, of bytes that were read."""
        problems: list[Problem] = []
        mime_type = quick_type(content[:QUICK_TYPE_BYTES], len(content))
        found = self.scan(order.path, order.owner, content, problems)
        return Swept(sha256, len(content), mime_type, found.matches, tuple(problems[:PROBLEMS_MAX_COUNT]))

    def scan(self, path: bytes | None, owner: str, content: Content, problems: list[Problem]) -> ScanResult:
        """What the rules find; what goes wrong is one more problem."""

        def run() -> ScanResult:
            head = content[:QUICK_TYPE_BYTES]
            more = seconds_for_size(len(content))
            limits = replace(self.limits, timeout_seconds=self.limits.timeout_seconds + more) if more else self.limits
            return self.rules.run(content, externals_of(path, quick_type(head, len(content)), owner), limits)

        found = attempt("scan", run, ScanResult((), 0), problems)
        problems += left_out(found)
        return found


@contextmanager
def sized(descriptor: int, size: int) -> Iterator[Content]:
    """The object behind a descriptor.

    Raises:
        ValueError: it has another size than was announced.
    """
    with mapped(descriptor) as content:
        if len(content) != size:
            raise ValueError(f"the object has {len(content)} bytes, {size} were announced")
        yield content


def attempt(stage: str, work: Callable[[], T], otherwise: T, problems: list[Problem]) -> T:
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
