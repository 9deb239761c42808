"""The one place that calls boreal (1.4), an engine for YARA rules that leaves out the search for strings where it can.

It takes bytes only, so that anything else is copied first. It cannot read its own compiled form again where rule sets
are large, so that form is not kept. It does not keep the order of metadata, which are told by name in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import boreal

from sampler.errors import RulesError, ScanError, ScanTimeout
from sampler.limits import HITS_PER_STRING_MAX_COUNT
from sampler.model import RuleMatch, StringHit
from sampler.scan.engine import Buffer, CompiledRules, Engine, ExternalValue, RuleHeader, ScanLimits, ScanResult
from sampler.scan.engines.externals import Externals
from sampler.scan.engines.keeping import FoundRule, as_bytes, fair_share, kept, kept_meta, readable_meta
from sampler.scan.rule_files import RuleFileError

_ERROR_PLACE: Final = re.compile(r"^mem:(?P<line>\d+):\d+: error: (?P<what>.*)$", re.DOTALL)


class BorealRules:
    """Rules compiled by boreal."""

    def __init__(self, scanner: boreal.Scanner, externals: Externals) -> None:
        self._scanner = scanner
        self._externals = externals
        scanner.set_params(string_max_nb_matches=HITS_PER_STRING_MAX_COUNT)

    def headers(self) -> Iterator[RuleHeader]:
        """Every rule, private ones included; global ones come first."""
        for rule in self._scanner:
            yield RuleHeader(
                name=rule.identifier,
                namespace=rule.namespace,
                meta=readable_meta(sorted(rule.meta.items())),
                tags=tuple(rule.tags),
                is_private=rule.is_private,
                is_global=rule.is_global,
            )

    def scan(self, data: Buffer, externals: Mapping[str, ExternalValue], limits: ScanLimits) -> ScanResult:
        """As ``CompiledRules.scan``; with ``limits.fast``, strings are looked for only as far as a condition needs."""
        content = as_bytes(data)
        return self._match(lambda **options: self._scanner.match(data=content, **options), externals, limits)

    def scan_process(self, pid: int, externals: Mapping[str, ExternalValue], limits: ScanLimits) -> ScanResult:
        """As ``CompiledRules.scan_process``."""
        return self._match(lambda **options: self._scanner.match(pid=pid, **options), externals, limits)

    def save(self) -> None:
        """Nothing: boreal 1.4 refuses what it saved of a large rule set."""

    def _match(
        self, match: Callable[..., list[boreal.Match]], externals: Mapping[str, ExternalValue], limits: ScanLimits
    ) -> ScanResult:
        overflows: list[str] = []
        try:
            found = match(
                externals=self._externals.settled(externals),
                timeout=limits.timeout_seconds,
                fast=limits.fast,
                max_match_data=0,
                warnings_callback=lambda kind, place: _note_overflow(overflows, kind, place),
                console_callback=_discard,
            )
        except boreal.TimeoutError as error:
            raise ScanTimeout(f"the rules did not come to an end within {limits.timeout_seconds} s") from error
        except boreal.Error as error:
            raise ScanError(f"boreal could not scan it: {error}") from error
        return kept([_found(match, limits) for match in found], overflows, limits)


class BorealEngine:
    """boreal by its own bindings."""

    name: Final = "boreal"
    version: Final = f"boreal {boreal.__version__}"

    def compile(self, sources: Mapping[str, str], externals: Mapping[str, ExternalValue]) -> CompiledRules:
        """As ``Engine.compile``."""
        defined = Externals.define(externals)
        try:
            ended = {name: text + "\n" for name, text in sources.items()}  # a comment has to end for it
            scanner = boreal.compile(sources=ended, externals=dict(defined.defined), includes=False)
        except boreal.AddRuleError as error:
            raise _located(str(error)) from error
        except boreal.Error as error:
            raise RulesError(f"boreal cannot take these rules: {error}") from error
        return BorealRules(scanner, defined)

    def load(self, data: bytes) -> CompiledRules:
        """Refused: nothing was ever saved.

        Raises:
            RulesError: always.
        """
        raise RulesError("boreal's compiled rules cannot be kept; compile them again")


ENGINE: Final[Engine] = BorealEngine()


def _located(message: str) -> RuleFileError:
    place = _ERROR_PLACE.match(message)
    return RuleFileError(place["what"], int(place["line"])) if place else RuleFileError(message)


def _found(match: boreal.Match, limits: ScanLimits) -> FoundRule:
    return FoundRule(match.namespace, match.rule, lambda: _rule_match(match, limits.hits_per_rule_max_count))


def _rule_match(match: boreal.Match, most_hits: int) -> RuleMatch:
    strings = [(f"${string.identifier}", string.instances) for string in match.strings]
    return RuleMatch(
        rule=match.rule,
        namespace=match.namespace,
        tags=tuple(match.tags),
        meta=kept_meta(readable_meta(sorted(match.meta.items()))),
        hits=fair_share(strings, most_hits, _hit),
        hits_total=sum(len(hits) for _, hits in strings),
    )


def _hit(identifier: str, hit: boreal.StringMatchInstance) -> StringHit:
    return StringHit(identifier, hit.offset, hit.matched_length, hit.xor_key)


def _note_overflow(overflows: list[str], kind: int, place: boreal.RuleString) -> int:
    if kind == boreal.CALLBACK_TOO_MANY_MATCHES:
        overflows.append(f"{place.rule} {place.string}")
    return boreal.CALLBACK_CONTINUE


def _discard(message: str) -> None:
    """What rules say by ``console.log``: meant for whoever writes them, not for the log of a service."""
