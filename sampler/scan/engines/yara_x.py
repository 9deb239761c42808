"""The one place that calls yara-x (1.22 and newer), the successor of YARA by the same authors.

It takes bytes only, so that anything else is copied first. It stops counting a string's hits where it is told to, and
says nothing: that it did is seen by the number. Its deadline is kept by a thread, which a forked child does not have:
there, a deadline has to come from outside. A fault within it ends the process, or leaves as an exception that is no
``Exception``.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Final

import yara_x

from sampler.errors import RulesError, ScanError, ScanTimeout
from sampler.limits import HITS_PER_STRING_MAX_COUNT
from sampler.model import RuleMatch, StringHit
from sampler.scan.engine import Buffer, CompiledRules, Engine, ExternalValue, RuleHeader, ScanLimits, ScanResult
from sampler.scan.engines.externals import Externals
from sampler.scan.engines.keeping import FoundRule, as_bytes, fair_share, kept, kept_meta, readable_meta
from sampler.scan.engines.saved import pack, unpack
from sampler.scan.rule_files import RuleFileError


class YaraXRules:
    """Rules compiled by yara-x."""

    def __init__(self, rules: yara_x.Rules, externals: Externals) -> None:
        self._rules = rules
        self._externals = externals
        self._owner = os.getpid()
        self._scanners = threading.local()

    def headers(self) -> Iterator[RuleHeader]:
        """Every rule, private ones included; which are private or global is not told."""
        for rule in self._rules:
            meta = readable_meta(rule.metadata)
            yield RuleHeader(rule.identifier, rule.namespace, meta, rule.tags, is_private=False, is_global=False)

    def scan(self, data: Buffer, externals: Mapping[str, ExternalValue], limits: ScanLimits) -> ScanResult:
        """As ``CompiledRules.scan``; with ``limits.fast``, of a string that is only asked for at all one hit is told.

        There is no deadline in a process that was forked after compiling.
        """
        values = self._externals.settled(externals)
        content = as_bytes(data)
        scanner = self._scanner()
        scanner.fast_scan(limits.fast)
        if os.getpid() == self._owner:
            scanner.set_timeout(limits.timeout_seconds)
        for name, value in values.items():
            scanner.set_global(name, value)
        try:
            found = scanner.scan(content).matching_rules
        except yara_x.TimeoutError as error:
            raise ScanTimeout(f"the rules did not come to an end within {limits.timeout_seconds} s") from error
        except yara_x.ScanError as error:
            raise ScanError(f"yara-x could not scan it: {error}") from error
        overflows: list[str] = []
        return kept([_found(rule, limits, overflows) for rule in found], overflows, limits)

    def scan_process(self, pid: int, externals: Mapping[str, ExternalValue], limits: ScanLimits) -> ScanResult:
        """Refused.

        Raises:
            ScanError: always.
        """
        raise ScanError(f"yara-x cannot scan process memory (process {pid}); use --engine yara")

    def save(self) -> bytes:
        """Compiled rules and external variables in one envelope."""
        compiled = io.BytesIO()
        self._rules.serialize_into(compiled)
        return pack(YaraXEngine.version, self._externals, compiled.getvalue())

    def _scanner(self) -> yara_x.Scanner:
        """This thread's own: one cannot be handed to another thread, and a new one for each scan costs 60 µs and up."""
        scanner: yara_x.Scanner | None = getattr(self._scanners, "scanner", None)
        if scanner is None:
            scanner = self._scanners.scanner = yara_x.Scanner(self._rules)
            scanner.max_matches_per_pattern(HITS_PER_STRING_MAX_COUNT)
        return scanner


class YaraXEngine:
    """yara-x by its own bindings."""

    name: Final = "yara-x"
    version: Final = f"yara-x {version('yara-x')}"

    def compile(self, sources: Mapping[str, str], externals: Mapping[str, ExternalValue]) -> CompiledRules:
        """As ``Engine.compile``; regular expressions may be as loose as YARA takes them."""
        defined = Externals.define(externals)
        compiler = yara_x.Compiler(relaxed_re_syntax=True, includes_enabled=False)
        for name, value in defined.defined.items():
            compiler.define_global(name, value)
        for namespace, source in sources.items():
            compiler.new_namespace(namespace)
            try:
                compiler.add_source(source)
            except yara_x.CompileError as error:
                raise _located(compiler) from error
        return YaraXRules(compiler.build(), defined)

    def load(self, data: bytes) -> CompiledRules:
        """As ``Engine.load``; it takes a third of the time of compiling."""
        externals, compiled = unpack(self.version, data)
        try:
            return YaraXRules(yara_x.Rules.deserialize_from(io.BytesIO(compiled)), externals)
        except OSError as error:
            raise RulesError(f"yara-x refuses the compiled rules: {error}") from error


ENGINE: Final[Engine] = YaraXEngine()


def _located(compiler: yara_x.Compiler) -> RuleFileError:
    """The first error in one line; yara-x's own message draws the source around it."""
    first = compiler.errors()[0]
    labels = [label["text"] for label in first["labels"][:1]]
    return RuleFileError(": ".join((first["title"], *labels)), int(first["line"]))


def _found(rule: yara_x.Rule, limits: ScanLimits, overflows: list[str]) -> FoundRule:
    def details() -> RuleMatch:
        return _rule_match(rule, limits.hits_per_rule_max_count, overflows)

    return FoundRule(rule.namespace, rule.identifier, details)


def _rule_match(rule: yara_x.Rule, most_hits: int, overflows: list[str]) -> RuleMatch:
    strings = [(pattern.identifier, pattern.matches) for pattern in rule.patterns]
    overflows += [f"{rule.identifier} {name}" for name, hits in strings if len(hits) >= HITS_PER_STRING_MAX_COUNT]
    return RuleMatch(
        rule=rule.identifier,
        namespace=rule.namespace,
        tags=rule.tags,
        meta=kept_meta(readable_meta(rule.metadata)),
        hits=fair_share(strings, most_hits, _hit),
        hits_total=sum(len(hits) for _, hits in strings),
    )


def _hit(identifier: str, hit: yara_x.Match) -> StringHit:
    return StringHit(identifier, hit.offset, hit.length, hit.xor_key or 0)
