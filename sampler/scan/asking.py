"""What matching rules ask for, read from their metadata: ``sampling``, ``parts`` and ``context``. Pure.

``sampling`` is ``whole``, ``parts``, ``metadata`` or ``none``; ``parts`` is a comma-separated list of selectors;
``context`` is a number of bytes around each match.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from sampler.limits import MATCH_CONTEXT_MAX_BYTES, PART_NAME_MAX_CHARACTERS, PARTS_MAX_COUNT
from sampler.model import Ask, PartKind, RuleMatch, Sampling

DEFAULT_SELECTORS: Final = ("header", "entry_point", "overlay", "matches")
"""What a rule that asks for parts gets when it does not say which."""

_METADATA_ONLY: Final = Ask(Sampling.METADATA)
_SPECIAL: Final = ("matches", "programs")
_SELECTABLE: Final = tuple(str(kind) for kind in PartKind if kind is not PartKind.MATCH)

MetaValue: TypeAlias = str | int | bool


class AskError(ValueError):
    """A rule's metadata asks for something there is not; ``str()`` names the key and what would be right."""


def asked_of(matches: Sequence[RuleMatch], *, default: Ask, overrides: Mapping[str, Ask] = MappingProxyType({})) -> Ask:
    """What all matching rules together ask for.

    The most demanding ``sampling`` wins. Of the rules that ask for bytes, selectors are united in the order of the
    rules, and the largest context counts.

    Args:
        matches: the rules that matched.
        default: applies when no rule matched.
        overrides: by rule name; replaces what that rule's own metadata asks for.
    """
    if not matches:
        return default
    asks = [overrides.get(match.rule) or ask_of(match) for match in matches]
    for_bytes = [ask for ask in asks if ask.sampling.rank >= Sampling.PARTS.rank]
    return Ask(
        sampling=max((ask.sampling for ask in asks), key=lambda sampling: sampling.rank),
        selectors=tuple(dict.fromkeys(selector for ask in for_bytes for selector in _selectors_of(ask))),
        context_bytes=max((ask.context_bytes for ask in for_bytes), default=0),
    )


def ask_of(match: RuleMatch) -> Ask:
    """What one rule's metadata asks for; a rule that says nothing, or something there is not, asks for metadata."""
    try:
        return parse_ask({key: match.meta_value(key) for key in ("sampling", "parts", "context")})
    except AskError:
        return _METADATA_ONLY


def parse_ask(meta: Mapping[str, MetaValue | None]) -> Ask:
    """Read ``sampling``, ``parts`` and ``context``; other keys are not looked at, ``None`` is an absent value.

    Raises:
        AskError: a value is of the wrong type, unknown, or out of range.
    """
    sampling = _sampling(meta.get("sampling"))
    ask = Ask(sampling, _parts(meta.get("parts")), _context(meta.get("context")))
    return Ask(sampling, _selectors_of(ask), ask.context_bytes)


def _selectors_of(ask: Ask) -> tuple[str, ...]:
    if ask.sampling is Sampling.PARTS and not ask.selectors:
        return DEFAULT_SELECTORS
    return ask.selectors


def _sampling(value: MetaValue | None) -> Sampling:
    if value is None:
        return Sampling.METADATA
    if isinstance(value, str) and value in list(Sampling):
        return Sampling(value)
    raise AskError(f"sampling = {value!r}: it can be {', '.join(repr(str(known)) for known in reversed(Sampling))}")


def _parts(value: MetaValue | None) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, str):
        raise AskError(f"parts = {value!r}: it is a text, selectors separated by commas")
    selectors = tuple(dict.fromkeys(selector.strip() for selector in value.split(",")))
    if len(selectors) > PARTS_MAX_COUNT:
        raise AskError(f"parts: {len(selectors)} selectors, at most {PARTS_MAX_COUNT} are taken")
    for selector in selectors:
        if not _is_selector(selector):
            known = ", ".join((*_SELECTABLE, *_SPECIAL))
            raise AskError(f"parts: {selector!r} is no selector; there are {known}, and section:NAME, resource:TYPE")
    return selectors


def _is_selector(selector: str) -> bool:
    kind, colon, name = selector.partition(":")
    known = selector in _SPECIAL or (kind in _SELECTABLE and bool(name) == bool(colon))
    return known and len(selector) <= PART_NAME_MAX_CHARACTERS


def _context(value: MetaValue | None) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MATCH_CONTEXT_MAX_BYTES:
        raise AskError(f"context = {value!r}: it is a number of bytes from 0 to {MATCH_CONTEXT_MAX_BYTES}")
    return value
