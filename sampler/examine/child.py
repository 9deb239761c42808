"""What runs in the sandbox: ``prepare`` once in the nursery, then ``handle`` for each object in the children."""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from sampler.describe import (
    ContentFacts,
    classify,
    entropy_fields,
    load_libmagic,
    similarity_fields,
)
from sampler.describe.authenticode import signature_fields
from sampler.errors import NotDerivable, RulesError
from sampler.examine.messages import (
    BootRequest,
    BootTold,
    Derived,
    DeriveRequest,
    ExamineRequest,
    NotDerived,
    decode_order,
    decode_request,
    encode,
    encode_answer,
    sendable,
)
from sampler.examine.reading import Content, read_whole
from sampler.examine.reports import report_on, without_rules
from sampler.examine.rules_child import RulesExaminer, attempt, sized
from sampler.extract import FORMATS, Data, Extraction, KnownSectors, boot_records, derive, find_regions
from sampler.limits import DERIVED_PAGE_BYTES, FIELDS_MAX_COUNT, PROBLEMS_MAX_COUNT
from sampler.model import ContentKind, Examination, Field, Problem
from sampler.runtime.byte_entropy import entropy_profile
from sampler.sandbox import Prepared
from sampler.scan import RuleSet

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
    examiner = ObjectExaminer(RulesExaminer(rules, limits))
    for content in _WARM_UP:
        examiner.by_rules.warm(content)
        examiner.examine(ExamineRequest("", len(content)), content)
    return Prepared(examiner.handle, report_on(rules))


@dataclass(frozen=True, slots=True)
class ObjectExaminer:
    """Everything that is done to one object at a time, with one rule set."""

    by_rules: RulesExaminer

    def handle(self, request: bytes, descriptor: int) -> bytes:
        """Look at the object behind ``descriptor``.

        Raises:
            ValueError: the request is none, or is for an object of another size.
        """
        order = decode_request(request)
        if isinstance(order, BootRequest):
            return encode(boot_told(order, descriptor))
        if isinstance(order, DeriveRequest):
            with sized(descriptor, order.size) as content:
                return encode(_derived(order, content))
        if isinstance(order, ExamineRequest) and not order.rules_only:
            with sized(descriptor, order.size) as content:
                return encode_answer(self.examine(order, content))
        return self.by_rules.answer(order, descriptor)

    def examine(self, order: ExamineRequest, content: Content) -> Examination:
        """Type, rules, structure: each stage on its own, so that one that fails does not cost the others' results."""
        problems: list[Problem] = []
        facts = attempt("describe", lambda: classify(content), _UNKNOWN, problems)
        profile = entropy_profile(content)
        similarity = attempt("describe", lambda: similarity_fields(content), _NO_FIELDS, problems)
        signature = attempt("describe", lambda: signature_fields(content, datetime.now(UTC)), _NO_FIELDS, problems)
        found = self.by_rules.scan(order.path, order.owner, content, problems)
        structure = attempt(
            "extract",
            lambda: find_regions(content, facts.kind, facts.mime_type, profile, kind_of),
            Extraction(),
            problems,
        )
        problems += structure.problems
        return Examination(
            sha256=order.sha256,
            kind=facts.kind,
            mime_type=facts.mime_type,
            ruleset_version=self.by_rules.rules.version,
            matches=found.matches,
            regions=structure.regions,
            fields=(*facts.fields, *entropy_fields(profile), *similarity, *signature, *structure.fields)[
                :FIELDS_MAX_COUNT
            ],
            problems=tuple(problems[:PROBLEMS_MAX_COUNT]),
        )


def kind_of(content: Data) -> ContentKind:
    """What bytes that lie inside an object are by themselves, told as that of an object is."""
    return classify(content).kind


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
    except Exception as error:  # noqa: BLE001  # as in ``attempt``
        traceback.print_exc(limit=-8, file=sys.stderr)
        return NotDerived(sendable(f"{type(error).__name__}: {error}"))
    return Derived(len(made), made[order.offset : order.offset + DERIVED_PAGE_BYTES])
