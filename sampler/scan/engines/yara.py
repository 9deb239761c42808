"""The one place that calls yara-python (4.5), the bindings of libyara.

libyara stops counting a string's hits at a million, which can be seen but not set. Its compiled form is code: a damaged
one can crash the process that loads it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yara

from sampler.errors import RulesError, ScanError, ScanTimeout
from sampler.model import RuleMatch, StringHit
from sampler.scan.engine import Buffer, CompiledRules, Engine, ExternalValue, RuleHeader, ScanLimits, ScanResult
from sampler.scan.engines.externals import Externals
from sampler.scan.engines.keeping import FoundRule, fair_share, kept, kept_meta
from sampler.scan.engines.saved import pack, unpack
from sampler.scan.rule_files import RuleFileError

yara.set_config(max_match_data=1)  # bytes are cut from the snapshot; a copy of each hit's would cost gigabytes

_ERROR_PLACE: Final = re.compile(r"^line (?P<line>\d+): (?P<what>.*)$", re.DOTALL)


class YaraRules:
    """Rules compiled by libyara."""

    def __init__(self, rules: yara.Rules, externals: Externals, namespace: str = "") -> None:
        self._rules = rules
        self._externals = externals
        self._namespace = namespace

    def headers(self) -> Iterator[RuleHeader]:
        """Every rule, private ones included; of several namespaces it is not told whose a rule is."""
        for rule in self._rules:
            yield RuleHeader(
                name=rule.identifier,
                namespace=self._namespace,
                meta=rule.meta,
                tags=tuple(rule.tags),
                is_private=rule.is_private,
                is_global=rule.is_global,
            )

    def scan(self, data: Buffer, externals: Mapping[str, ExternalValue], limits: ScanLimits) -> ScanResult:
        """As ``CompiledRules.scan``; with ``limits.fast``, hits that no condition asks for are not looked for."""
        return self._match({"data": data}, externals, limits)

    def scan_process(self, pid: int, externals: Mapping[str, ExternalValue], limits: ScanLimits) -> ScanResult:
        """As ``CompiledRules.scan_process``; libyara looks at its deadline less often there than in a file."""
        return self._match({"pid": pid}, externals, limits)

    def save(self) -> bytes:
        """Compiled rules and external variables in one envelope."""
        compiled = io.BytesIO()
        self._rules.save(file=compiled)
        return pack(YaraEngine.version, self._externals, compiled.getvalue())

    def _match(
        self, target: Mapping[str, object], externals: Mapping[str, ExternalValue], limits: ScanLimits
    ) -> ScanResult:
        overflows: list[str] = []
        try:
            found = self._rules.match(
                **target,
                externals=self._externals.settled(externals),
                timeout=limits.timeout_seconds,
                fast=limits.fast,
                which_callbacks=yara.CALLBACK_MATCHES,
                warnings_callback=lambda kind, place: _note_overflow(overflows, kind, place),
                console_callback=_discard,
            )
        except yara.TimeoutError as error:
            raise ScanTimeout(f"the rules did not come to an end within {limits.timeout_seconds} s") from error
        except yara.Error as error:
            raise ScanError(f"YARA could not scan it: {error}") from error
        except MemoryError as error:
            raise ScanError("YARA found more hits in it than there is memory for") from error
        return kept((_found(match, limits) for match in found), overflows, limits)


class YaraEngine:
    """libyara by yara-python."""

    name: Final = "yara"
    version: Final = f"yara {yara.YARA_VERSION}"

    def compile(self, sources: Mapping[str, str], externals: Mapping[str, ExternalValue]) -> CompiledRules:
        """As ``Engine.compile``."""
        defined = Externals.define(externals)
        try:
            rules = yara.compile(sources=dict(sources), externals=dict(defined.defined), includes=False)
        except yara.SyntaxError as error:
            raise _located(str(error)) from error
        except yara.Error as error:
            raise RulesError(f"YARA cannot take these rules: {error}") from error
        return YaraRules(rules, defined, next(iter(sources)) if len(sources) == 1 else "")

    def load(self, data: bytes) -> CompiledRules:
        """As ``Engine.load``; bytes that are damaged within can crash the process."""
        externals, compiled = unpack(self.version, data)
        try:
            return YaraRules(yara.load(file=io.BytesIO(compiled)), externals)
        except yara.Error as error:
            raise RulesError(f"YARA refuses the compiled rules: {error}") from error


ENGINE: Final[Engine] = YaraEngine()


def _located(message: str) -> RuleFileError:
    place = _ERROR_PLACE.match(message)
    return RuleFileError(place["what"], int(place["line"])) if place else RuleFileError(message)


def _found(match: Any, limits: ScanLimits) -> FoundRule:
    return FoundRule(match.namespace, match.rule, lambda: _rule_match(match, limits.hits_per_rule_max_count))


def _rule_match(match: Any, most_hits: int) -> RuleMatch:
    strings = [(string.identifier, string.instances) for string in match.strings]
    return RuleMatch(
        rule=match.rule,
        namespace=match.namespace,
        tags=tuple(match.tags),
        meta=kept_meta(match.meta),
        hits=fair_share(strings, most_hits, _hit),
        hits_total=sum(len(hits) for _, hits in strings),
    )


def _hit(identifier: str, hit: Any) -> StringHit:
    return StringHit(identifier, hit.offset, hit.matched_length, hit.xor_key)


def _note_overflow(overflows: list[str], kind: int, place: Any) -> int:
    if kind == yara.CALLBACK_TOO_MANY_MATCHES:
        overflows.append(f"{place.rule} {place.string}")
    return int(yara.CALLBACK_CONTINUE)


def _discard(message: str) -> None:
    """What rules say by ``console.log``: meant for whoever writes them, not for the log of a service."""
