"""Which parts of an object are taken: a pure decision over what rules ask for and what the object has.

Invariants: parts lie inside the object, no byte of it is in two of them, their number and their sum stay under the
ceilings, everything that was asked for is a part, is covered by one, or is an omission with its name, and the order of
matches and regions changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from sampler.extract.naming import shortened
from sampler.extract.overlaps import Piece, Pieces, place_of
from sampler.extract.selectors import DEFAULT_SELECTORS, MATCHES, is_selector, selected
from sampler.extract.windows import hits_of, windows_around
from sampler.limits import (
    MATCH_CONTEXT_MAX_BYTES,
    PARTS_MAX_COUNT,
    PARTS_MAX_TOTAL_BYTES,
    REGIONS_TAKEN_MAX_COUNT,
    TEXT_MAX_CHARACTERS,
)
from sampler.model import Ask, Covered, Examination, Omission, Part, PartKind, Plan, Region, RuleMatch, Sampling

OMISSIONS_MAX_COUNT: Final = 64
"""Omissions with a name of their own; the rest is counted by its kind."""

_PRIORITY: Final = (
    PartKind.HEADER, PartKind.ENTRY_POINT, PartKind.MATCH, PartKind.MACRO, PartKind.SCRIPT, PartKind.BOOT,
    PartKind.CERTIFICATE, PartKind.DIRECTORY, PartKind.NOTE, PartKind.TAIL, PartKind.BLOB, PartKind.WINDOW,
    PartKind.SECTION, PartKind.RESOURCE, PartKind.STREAM, PartKind.OBJECT, PartKind.ATTACHMENT, PartKind.MEMBER,
    PartKind.OVERLAY, PartKind.MEMORY, PartKind.SLICE, PartKind.SEGMENT,
)  # fmt: skip
"""What goes first when not everything fits: small parts that tell much before large ones."""


@dataclass(frozen=True, slots=True)
class _Wish:
    region: Region
    named: bool
    """A selector names this one and not its whole kind."""

    @property
    def order(self) -> tuple[bool, bool, int, int, int, tuple[str, ...], str]:
        region, rank = self.region, _PRIORITY.index(self.region.kind)
        large = rank >= _PRIORITY.index(PartKind.SECTION)
        return large, not self.named, rank, region.offset, region.length, region.recipe, region.name


@dataclass(frozen=True, slots=True)
class Choice:
    """What is taken of an object, before its bytes were hashed."""

    sampling: Sampling
    pieces: tuple[Piece, ...] = ()
    omissions: tuple[Omission, ...] = ()

    @property
    def recipes(self) -> dict[tuple[str, ...], int]:
        """Those of the derived bytes among them, and how many bytes each makes."""
        return {piece.region.recipe: piece.region.length for piece in self.pieces if piece.region.recipe}


def choose_parts(ask: Ask, examination: Examination, size: int) -> Choice:
    """What is taken of an object of ``size`` bytes.

    Args:
        ask: what the rules and the policy want.
        examination: what a child found; its ranges are not trusted.
        size: of the whole, in bytes.
    """
    if ask.sampling is not Sampling.PARTS:
        return Choice(ask.sampling)
    wishes: list[_Wish] = []
    omissions: list[Omission] = []
    for selector in sorted(set(ask.selectors or DEFAULT_SELECTORS)):
        regions, missing = _answer(selector, ask.context_bytes, examination, size)
        wishes += [_Wish(region, ":" in selector) for region in regions]
        omissions += missing
    chosen, left_out = _fitting(sorted(wishes, key=lambda wish: wish.order))
    ordered = sorted(chosen, key=lambda piece: (piece.region.offset, piece.region.length, piece.region.recipe))
    return Choice(Sampling.PARTS, tuple(ordered), tuple(omissions + left_out))


def plan_parts(choice: Choice, hash_of: Callable[[Region], str | Omission]) -> Plan:
    """The plan that a choice becomes.

    Args:
        choice: of ``choose_parts``.
        hash_of: SHA-256, hexadecimal, of a region's bytes, or why they cannot be had after all; called once a part.
    """
    hashed = [(piece, hash_of(piece.region)) for piece in choice.pieces]
    parts = tuple(_part(piece, sha256) for piece, sha256 in hashed if isinstance(sha256, str))
    failed = [lost for piece, why in hashed if isinstance(why, Omission) for lost in _lost(piece, why)]
    return Plan(choice.sampling, parts, _few([*choice.omissions, *failed]))


def _part(piece: Piece, sha256: str) -> Part:
    region = piece.region
    return Part(
        region.kind,
        region.name,
        region.offset,
        region.length,
        sha256,
        recipe=region.recipe,
        covers=piece.covers,
        content=region.content,
    )


def _lost(piece: Piece, why: Omission) -> list[Omission]:
    titles = dict.fromkeys((why.what, *(title_of(covered) for covered in piece.covers)))
    return [Omission(title, why.reason) for title in titles]


def title_of(region: Region | Covered) -> str:
    """What people read a region as: ``section:.text``, ``overlay``."""
    return f"{region.kind}:{region.name}" if region.name else str(region.kind)


def _answer(
    selector: str, context_bytes: int, examination: Examination, size: int
) -> tuple[list[Region], list[Omission]]:
    if not is_selector(selector):
        return [], [Omission(shortened(selector, TEXT_MAX_CHARACTERS), "there is no such selector")]
    if selector == MATCHES:
        found = _match_regions(examination.matches, context_bytes, size)
        lost = _lost_hits(examination.matches, size)
    else:
        found, lost = selected(selector, examination.regions), []
    inside = [region for region in found if _is_inside(region, size)]
    outside = sorted({title_of(region) for region in found if not _is_inside(region, size)})
    lost += [Omission(title, "lies outside the object") for title in outside]
    if not inside and not lost:
        lost = [Omission(shortened(selector, TEXT_MAX_CHARACTERS), "the object has none")]
    return inside, lost


def _is_inside(region: Region, size: int) -> bool:
    place = place_of(region)
    return region.length > 0 and (bool(place.base) or place.end <= size)


def _match_regions(matches: Iterable[RuleMatch], context_bytes: int, size: int) -> list[Region]:
    context = min(max(context_bytes, 0), MATCH_CONTEXT_MAX_BYTES)
    windows = windows_around(hits_of(matches), context, size)
    return [Region(PartKind.MATCH, window.name, window.offset, window.length) for window in windows]


def _lost_hits(matches: Iterable[RuleMatch], size: int) -> list[Omission]:
    """Hits that no window can cover: those that the scan counted but did not keep, and those that lie outside."""
    lost = {
        (shortened(f"{MATCHES}:{match.rule}", TEXT_MAX_CHARACTERS), reason)
        for match in matches
        for count, reason in (
            (match.hits_total - len(match.hits), "further string hits were counted and not kept"),
            (sum(hit.offset + hit.length > size for hit in match.hits), "string hits lie outside the object"),
        )
        if count > 0
    }
    return [Omission(what, reason) for what, reason in sorted(lost)]


def _fitting(wishes: Iterable[_Wish]) -> tuple[list[Piece], list[Omission]]:
    """As many as the ceilings allow, in the order given; one that does not fit leaves room for smaller ones."""
    pieces = Pieces()
    left_out: dict[Omission, None] = {}
    for region in dict.fromkeys(wish.region for wish in wishes):
        why = _why_not(region, pieces)
        if why is None:
            pieces.add(region)
        else:
            left_out[Omission(title_of(region), why)] = None
    return list(pieces.result(PARTS_MAX_COUNT)), list(left_out)


def _why_not(region: Region, pieces: Pieces) -> str | None:
    contents, length = pieces.growth(region)
    if pieces.count + contents > PARTS_MAX_COUNT:
        return f"more than {PARTS_MAX_COUNT} parts"
    if length > 0 and pieces.total_bytes + length > PARTS_MAX_TOTAL_BYTES:
        return f"its {region.length} bytes do not fit into {PARTS_MAX_TOTAL_BYTES} bytes of parts"
    if pieces.regions >= REGIONS_TAKEN_MAX_COUNT:
        return f"more than {REGIONS_TAKEN_MAX_COUNT} regions; those that other parts cover are sent, but not named"
    return None


def _few(omissions: list[Omission]) -> tuple[Omission, ...]:
    """The first ones as they are, the rest counted by kind, so that a manifest can carry them."""
    kept, rest = omissions[:OMISSIONS_MAX_COUNT], omissions[OMISSIONS_MAX_COUNT:]
    counts = Counter(omission.what.partition(":")[0] for omission in rest)
    grouped = [Omission(kind, f"{count} further ones are left out") for kind, count in sorted(counts.items())]
    return tuple(kept + grouped)
