"""Which parts of an object are taken: a pure decision over what rules ask for and what the object has.

Invariants: parts lie inside the object, none is taken twice, their number and their sum stay under the ceilings, every
thing that was asked for and is not taken is an omission with its name, and the order of matches and regions changes
nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from sampler.extract.naming import shortened
from sampler.extract.selectors import DEFAULT_SELECTORS, MATCHES, is_selector, selected
from sampler.extract.windows import hits_of, windows_around
from sampler.limits import MATCH_CONTEXT_MAX_BYTES, PARTS_MAX_COUNT, PARTS_MAX_TOTAL_BYTES, TEXT_MAX_CHARACTERS
from sampler.model import Ask, Examination, Omission, Part, PartKind, Plan, Region, RuleMatch, Sampling

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
    regions: tuple[Region, ...] = ()
    omissions: tuple[Omission, ...] = ()

    @property
    def recipes(self) -> dict[tuple[str, ...], int]:
        """Those of the derived bytes among them, and how many bytes each makes."""
        return {region.recipe: region.length for region in self.regions if region.recipe}


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
    ordered = sorted(chosen, key=lambda region: (region.offset, region.length, region.recipe))
    return Choice(Sampling.PARTS, tuple(ordered), tuple(omissions + left_out))


def plan_parts(choice: Choice, hash_of: Callable[[Region], str | Omission]) -> Plan:
    """The plan that a choice becomes.

    Args:
        choice: of ``choose_parts``.
        hash_of: SHA-256, hexadecimal, of a region's bytes, or why they cannot be had after all; called once a part.
    """
    hashed = [(region, hash_of(region)) for region in choice.regions]
    parts = tuple(
        Part(region.kind, region.name, region.offset, region.length, sha256, region.recipe)
        for region, sha256 in hashed
        if isinstance(sha256, str)
    )
    failed = [sha256 for _, sha256 in hashed if isinstance(sha256, Omission)]
    return Plan(choice.sampling, parts, _few([*choice.omissions, *failed]))


def title_of(region: Region) -> str:
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
    return bool(region.recipe) or 0 < region.length <= size - region.offset


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


def _fitting(wishes: Iterable[_Wish]) -> tuple[list[Region], list[Omission]]:
    """As many as the ceilings allow, in the order given; one that does not fit leaves room for smaller ones."""
    taken: dict[tuple[int, int, tuple[str, ...]], Region] = {}
    left_out: dict[Omission, None] = {}
    total = 0
    for region in (wish.region for wish in wishes):
        place = (region.offset, region.length, region.recipe)
        if place in taken:
            continue
        if len(taken) >= PARTS_MAX_COUNT:
            left_out[Omission(title_of(region), f"more than {PARTS_MAX_COUNT} parts")] = None
        elif total + region.length > PARTS_MAX_TOTAL_BYTES:
            reason = f"its {region.length} bytes do not fit into {PARTS_MAX_TOTAL_BYTES} bytes of parts"
            left_out[Omission(title_of(region), reason)] = None
        else:
            taken[place] = region
            total += region.length
    return list(taken.values()), list(left_out)


def _few(omissions: list[Omission]) -> tuple[Omission, ...]:
    """The first ones as they are, the rest counted by kind, so that a manifest can carry them."""
    kept, rest = omissions[:OMISSIONS_MAX_COUNT], omissions[OMISSIONS_MAX_COUNT:]
    counts = Counter(omission.what.partition(":")[0] for omission in rest)
    grouped = [Omission(kind, f"{count} further ones are left out") for kind, count in sorted(counts.items())]
    return tuple(kept + grouped)
