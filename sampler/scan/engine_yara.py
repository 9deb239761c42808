"""The one place that calls yara-python (4.5): compiling sources and scanning bytes.

Its errors become ours here, and so do its values: at most ``MATCHES_MAX_COUNT`` matches with
``HITS_PER_RULE_MAX_COUNT`` hits each leave it. It never loads compiled rules: libyara runs them as bytecode.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import yara

from sampler.errors import RulesError, ScanError, ScanTimeout
from sampler.limits import HITS_PER_RULE_MAX_COUNT, MATCHES_MAX_COUNT
from sampler.model import RuleMatch, StringHit
from sampler.scan.asking import MetaValue
from sampler.scan.rule_files import RuleFileError

Buffer: TypeAlias = bytes | bytearray | memoryview | mmap.mmap
Include: TypeAlias = Callable[[str, str | None, str], str | None]
"""What YARA calls for an ``include``: the name as written, the including file (``None``: the rule file itself), and its
namespace; the source text is the answer, ``None`` refuses."""

yara.set_config(max_match_data=1)  # bytes are cut from the snapshot; a copy of each hit's would cost gigabytes

ENGINE_VERSION: Final = f"yara {yara.YARA_VERSION}"
EXTERNALS: Final = ("filename", "filepath", "extension", "filetype", "owner")
"""External variables that every rule may use; all are texts."""

_UNSET: Final = dict.fromkeys(EXTERNALS, "")
_ERROR_PLACE: Final = re.compile(
    r"^(?:line (?P<line>\d+)|(?P<file>.+)\((?P<included_line>\d+)\)): (?P<what>.*)$", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class RuleHeader:
    """What is known of one compiled rule without scanning."""

    name: str
    meta: Mapping[str, MetaValue]


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What one scan found, and what of it was left out."""

    matches: tuple[RuleMatch, ...]
    """Sorted by namespace and rule."""
    matches_total: int
    """How many there were, kept or not."""
    overflows: tuple[str, ...] = ()
    """``rule $string`` where YARA stopped counting hits; the match itself stands."""


class CompiledRules:
    """Rules that are ready to scan; safe to share by forking."""

    def __init__(self, rules: yara.Rules) -> None:
        self._rules = rules

    def headers(self) -> Iterator[RuleHeader]:
        """Every rule, private ones included."""
        for rule in self._rules:
            yield RuleHeader(rule.identifier, rule.meta)

    def scan(self, data: Buffer, externals: Mapping[str, str], *, timeout_seconds: int) -> ScanResult:
        """Run all rules over ``data``.

        Raises:
            ScanTimeout: they did not end within ``timeout_seconds``.
            ScanError: the engine failed on this object.
        """
        overflows: list[str] = []
        try:
            found = self._rules.match(
                data=data,
                externals={name: externals.get(name, "") for name in EXTERNALS},
                timeout=timeout_seconds,
                which_callbacks=yara.CALLBACK_MATCHES,
                warnings_callback=lambda kind, place: _note_overflow(overflows, kind, place),
                console_callback=_discard,
            )
        except yara.TimeoutError as error:
            raise ScanTimeout(f"the rules did not come to an end within {timeout_seconds} s") from error
        except yara.Error as error:
            raise ScanError(f"YARA could not scan it: {error}") from error
        found.sort(key=lambda match: (match.namespace, match.rule))
        matches = tuple(_rule_match(match) for match in found[:MATCHES_MAX_COUNT])
        return ScanResult(matches, len(found), tuple(overflows))


def compile_rules(sources: Mapping[str, str], include: Include) -> CompiledRules:
    """Compile sources, each in the namespace that is its key.

    Raises:
        RuleFileError: one of them does not compile; it has the line, and names the included file if the fault is there.
        RulesError: together they are more than YARA takes.
    """
    try:
        return CompiledRules(yara.compile(sources=dict(sources), externals=_UNSET, include_callback=include))
    except yara.SyntaxError as error:
        raise _located(str(error)) from error
    except yara.Error as error:
        raise RulesError(f"YARA cannot take these rules: {error}") from error


def _located(message: str) -> RuleFileError:
    place = _ERROR_PLACE.match(message)
    if place is None:
        return RuleFileError(message)
    if place["file"] is not None:
        return RuleFileError(f"in the included {place['file']}, line {place['included_line']}: {place['what']}")
    return RuleFileError(place["what"], int(place["line"]))


def _rule_match(match: Any) -> RuleMatch:
    hits_total = sum(len(string.instances) for string in match.strings)
    return RuleMatch(
        rule=match.rule,
        namespace=match.namespace,
        tags=tuple(match.tags),
        meta=tuple(match.meta.items()),
        hits=_fair_share(match.strings),
        hits_total=hits_total,
    )


def _fair_share(strings: list[Any]) -> tuple[StringHit, ...]:
    """The first hits of each string in turn, so that a frequent one does not crowd out a rare one; sorted by offset."""
    first = [
        (place, StringHit(string.identifier, hit.offset, hit.matched_length))
        for string in strings
        for place, hit in enumerate(string.instances[:HITS_PER_RULE_MAX_COUNT])
    ]
    first.sort(key=lambda ranked: ranked[0])
    kept = [hit for _, hit in first[:HITS_PER_RULE_MAX_COUNT]]
    return tuple(sorted(kept, key=lambda hit: (hit.offset, hit.identifier)))


def _note_overflow(overflows: list[str], kind: int, place: Any) -> int:
    if kind == yara.CALLBACK_TOO_MANY_MATCHES:
        overflows.append(f"{place.rule} {place.string}")
    return int(yara.CALLBACK_CONTINUE)


def _discard(message: str) -> None:
    """What rules say by ``console.log``: meant for whoever writes them, not for the log of a service."""
