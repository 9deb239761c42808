"""capa over the object: what a program is able to do, by its code (flare-capa's result document).

Being able to do something is no proof of meaning harm, so the worst that follows from it alone is ``suspicious``; a
rule that knows a family (``maec/malware-family``) says ``malicious``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from sampler.model import Conclusion
from sampler.worker.analyzers.command import CommandAnalyzer, failure, shortened
from sampler.worker.analyzers.interface import AnalyzerFailure, AnalyzerVerdict
from sampler.worker.analyzers.process import ProcessLimits, Run

_NOT_ITS_KIND: Final = (16, 17, 18)
"""Exit statuses: a file type, an architecture, an operating system that capa does not know."""
_TELLING: Final = (
    "anti-analysis",
    "collection",
    "communication/c2",
    "impact",
    "load-code",
    "malware-family",
    "persistence",
)
"""Namespaces of rules about what ordinary programs seldom do."""
_SCORE_A_RULE: Final = 10
_SCORE_MAX: Final = 70
_FAMILY_SCORE: Final = 90


class _Maec(msgspec.Struct, frozen=True):
    family: str | None = msgspec.field(name="malware_family", default=None)


class _Meta(msgspec.Struct, frozen=True):
    name: str
    namespace: str | None = None
    maec: _Maec = _Maec()
    lib: bool = False
    """A rule that only others build on."""


class _Rule(msgspec.Struct, frozen=True):
    meta: _Meta


class _Document(msgspec.Struct, frozen=True):
    rules: dict[str, _Rule] = {}


_decoder = msgspec.json.Decoder(_Document)


def capa(limits: ProcessLimits, *, rules: Path | None = None, program: str = "capa") -> CommandAnalyzer:
    """An analyzer that is ``capa``, with its own rules or with those of a folder.

    Raises:
        SettingsError: the program is not there.
    """
    chosen = [] if rules is None else ["--rules", str(rules.absolute())]
    words = [program, "--json", "--quiet", *chosen, "{sample}"]
    return CommandAnalyzer(words, read, name="capa", limits=limits)


def read(run: Run) -> AnalyzerVerdict | AnalyzerFailure:
    """A verdict by the capabilities that were found."""
    if run.status in _NOT_ITS_KIND:
        return AnalyzerVerdict(Conclusion.UNKNOWN, 0, note="capa does not know this kind of file")
    if run.status != 0:
        return failure(f"capa ended with status {run.status}", run)
    try:
        document = _decoder.decode(run.stdout)
    except msgspec.DecodeError as error:
        return failure(f"capa printed something else: {error}", run)
    return judge([rule.meta for rule in document.rules.values() if not rule.meta.lib])


def judge(found: Sequence[_Meta]) -> AnalyzerVerdict:
    """The verdict that these capabilities stand for together."""
    families = sorted({meta.maec.family for meta in found if meta.maec.family})
    telling = sorted(meta.name for meta in found if _is_telling(meta))
    if families:
        note = shortened(f"capa knows {', '.join(families)}")
        return AnalyzerVerdict(Conclusion.MALICIOUS, _FAMILY_SCORE, shortened(families[0]), note)
    if telling:
        score = min(_SCORE_MAX, _SCORE_A_RULE * len(telling))
        return AnalyzerVerdict(Conclusion.SUSPICIOUS, score, note=shortened(f"able to {'; '.join(telling)}"))
    return AnalyzerVerdict(Conclusion.UNKNOWN, 0, note=f"capa found {len(found)} capabilities, none of them telling")


def _is_telling(meta: _Meta) -> bool:
    namespace = meta.namespace or ""
    return any(namespace == each or namespace.startswith(f"{each}/") for each in _TELLING)
