"""What runs in the sandbox: ``prepare`` once in the nursery, then ``handle`` for each object in the children."""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

from sampler.describe import (
    QUICK_TYPE_BYTES,
    ContentFacts,
    classify,
    entropy_fields,
    load_libmagic,
    quick_type,
    similarity_fields,
)
from sampler.describe.authenticode import signature_fields
from sampler.errors import NotDerivable, RulesError, ScanTimeout
from sampler.examine.externals import externals_of
from sampler.examine.messages import (
    BootRequest,
    BootTold,
    BundleRequest,
    Derived,
    DeriveRequest,
    ExamineRequest,
    NotDerived,
    SweepRequest,
    Swept,
    decode_order,
    decode_request,
    encode,
    encode_answer,
    encode_bundle,
    encode_swept,
    sendable,
)
from sampler.examine.reading import READ_WHOLE_MAX_BYTES, Content, hash_live, mapped, read_whole
from sampler.examine.reports import left_out, report_on, without_rules
from sampler.examine.settings import seconds_for_size
from sampler.extract import FORMATS, Extraction, KnownSectors, boot_records, derive, find_regions
from sampler.limits import DERIVED_PAGE_BYTES, FIELDS_MAX_COUNT, PROBLEMS_MAX_COUNT
from sampler.model import ContentKind, Examination, Field, Problem
from sampler.runtime.byte_entropy import entropy_profile
from sampler.sandbox import Prepared
from sampler.scan import RuleSet, ScanLimits, ScanResult

T = TypeVar("T")

_WARM_UP: Final = (b"%PDF-1.4\n", b"#!/bin/sh\n", b"PK\x03\x04" + bytes(60), b"", *(known.warm for known in FORMATS))
"""The first bytes of common formats, so that everything that is loaded at first use is loaded in the nursery."""
_NO_FIELDS: Final[tuple[Field, ...]] = ()
_UNKNOWN: Final = ContentFacts(ContentKind.OTHER, "application/octet-stream", ())


def prepare(settings: bytes) -> Prepared:
    """Load the rules and warm everything up; the entry of the nursery.

    Without a usable rule it reports so, and so does every child.

    Raises:
        LibmagicMissing: it says what to install.
    """
    load_libmagic()
    order, limits = decode_order(settings)
    try:
        rules = RuleSet.load(order)
    except RulesError as error:
        return without_rules(error)
    examiner = ObjectExaminer(rules, limits)
    for content in _WARM_UP:
        examiner.examine(ExamineRequest("", len(content)), content)
        examiner.sweep_content(SweepRequest(len(content), b"/warm/up", ""), content, "")
    return Prepared(examiner.handle, report_on(rules))


@dataclass(frozen=True, slots=True)
class ObjectExaminer:
    """Everything that is done to one object at a time, with one rule set."""

    rules: RuleSet
    limits: ScanLimits

    def handle(self, request: bytes, descriptor: int) -> bytes:
        """Look at the object behind ``descriptor``.

        Raises:
            ValueError: the request is none, or is for an object of another size.
        """
        order = decode_request(request)
        if isinstance(order, SweepRequest):
            return encode_swept(self.sweep(order, descriptor))
        if isinstance(order, BundleRequest):
            return encode_bundle(self.sweep_bundle(order, descriptor))
        if isinstance(order, BootRequest):
            return encode(boot_told(order, descriptor))
        with mapped(descriptor) as content:
            if len(content) != order.size:
                raise ValueError(f"the object has {len(content)} bytes, {order.size} were announced")
            if isinstance(order, DeriveRequest):
                return encode(_derived(order, content))
            return encode_answer(self.examine(order, content))

    def examine(self, order: ExamineRequest, content: Content) -> Examination:
        """Type, rules, structure: each stage on its own, so that one that fails does not cost the others' results."""
        if order.rules_only:
            return self._examine_by_rules(order, content)
        problems: list[Problem] = []
        facts = _attempt("describe", lambda: classify(content), _UNKNOWN, problems)
        profile = entropy_profile(content)
        similarity = _attempt("describe", lambda: similarity_fields(content), _NO_FIELDS, problems)
        signature = _attempt("describe", lambda: signature_fields(content, datetime.now(UTC)), _NO_FIELDS, problems)
        found = self._scan(order.path, order.owner, content, problems)
        structure = _attempt(
            "extract", lambda: find_regions(content, facts.kind, facts.mime_type, profile), Extraction(), problems
        )
        problems += structure.problems
        return Examination(
            sha256=order.sha256,
            kind=facts.kind,
            mime_type=facts.mime_type,
            ruleset_version=self.rules.version,
            matches=found.matches,
            regions=structure.regions,
            fields=(*facts.fields, *entropy_fields(profile), *similarity, *signature, *structure.fields)[
                :FIELDS_MAX_COUNT
            ],
            problems=tuple(problems[:PROBLEMS_MAX_COUNT]),
        )

    def _examine_by_rules(self, order: ExamineRequest, content: Content) -> Examination:
        problems: list[Problem] = []
        found = self._scan(order.path, order.owner, content, problems)
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
        found = self._scan(order.path, order.owner, content, problems)
        return Swept(sha256, len(content), mime_type, found.matches, tuple(problems[:PROBLEMS_MAX_COUNT]))

    def _scan(self, path: bytes | None, owner: str, content: Content, problems: list[Problem]) -> ScanResult:
        def run() -> ScanResult:
            head = content[:QUICK_TYPE_BYTES]
            more = seconds_for_size(len(content))
            limits = replace(self.limits, timeout_seconds=self.limits.timeout_seconds + more) if more else self.limits
            return self.rules.run(content, externals_of(path, quick_type(head, len(content)), owner), limits)

        found = _attempt("scan", run, ScanResult((), 0), problems)
        problems += left_out(found)
        return found


def boot_told(order: BootRequest, descriptor: int) -> BootTold:
    """The records that stretches of a disk tell of.

    Raises:
        ValueError: there are more or fewer bytes than were announced.
    """
    total = sum(length for _, length in order.places)
    content = read_whole(descriptor, total)
    if len(content) != total:
        raise ValueError(f"{total} bytes were announced, {len(content)} are there")
    stretches: list[tuple[int, bytes]] = []
    offset = 0
    for place, length in order.places:
        stretches.append((place, content[offset : offset + length]))
        offset += length
    return BootTold(boot_records(KnownSectors(order.disk_size, order.sector_bytes, stretches)))


def _derived(order: DeriveRequest, content: Content) -> Derived | NotDerived:
    try:
        made = derive(content, order.recipe)
    except NotDerivable as error:
        return NotDerived(sendable(str(error)))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  # as in ``_attempt``
        traceback.print_exc(limit=-8, file=sys.stderr)
        return NotDerived(sendable(f"{type(error).__name__}: {error}"))
    return Derived(len(made), made[order.offset : order.offset + DERIVED_PAGE_BYTES])


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
