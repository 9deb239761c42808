"""`sampler scan` and the ``yara`` program side by side over the corpus, and that both find the same."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import yara

from benchmarks.scan import agreement
from benchmarks.scan.agreement import Disagreement, Finds, Line
from benchmarks.scan.bench import Bench, say
from benchmarks.scan.figures import Spread, ratio
from benchmarks.scan.processes import Usage
from benchmarks.scan.rule_sets import RuleSet, compile_for_python
from benchmarks.scan.sides import our_lines, sampler_scan, yara_scan
from benchmarks.scan.table import Figure
from sampler.examine.externals import externals_of

CPU_RATIO_MAX: Final = 1.1
WALL_RATIO_MAX: Final = 1.0
BOREAL_WALL_RATIO_MAX: Final = 0.75
MEMORY_SAMPLE_SECONDS: Final = 0.05


def large(bench: Bench) -> list[Figure]:
    """5,000 rules and more."""
    return _compare(bench, "large", bench.large, engine="yara", wall_max=WALL_RATIO_MAX, cpu_max=CPU_RATIO_MAX)


def fifty(bench: Bench) -> list[Figure]:
    """50 rules, where the cost of a file shows."""
    return _compare(bench, "fifty", bench.fifty, engine="yara", wall_max=WALL_RATIO_MAX, cpu_max=CPU_RATIO_MAX)


def boreal_large(bench: Bench) -> list[Figure]:
    """The engine boreal against the ``yara`` program, 5,000 rules and more."""
    return _compare(bench, "boreal-large", bench.large, engine="boreal", wall_max=BOREAL_WALL_RATIO_MAX, cpu_max=None)


def boreal_fifty(bench: Bench) -> list[Figure]:
    """The engine boreal against the ``yara`` program, 50 rules."""
    return _compare(bench, "boreal-fifty", bench.fifty, engine="boreal", wall_max=BOREAL_WALL_RATIO_MAX, cpu_max=None)


def _compare(
    bench: Bench, row: str, rules: RuleSet, *, engine: str, wall_max: float, cpu_max: float | None
) -> list[Figure]:
    ours = sampler_scan(rules, bench.corpus.folder, engine=engine)
    theirs = yara_scan(bench.yara, rules, bench.listed)
    usages: dict[str, list[Usage]] = {"sampler": [], "yara": []}
    for number in range(bench.rounds + 1):
        our_usage, our_output = bench.run(ours, f"{row}-sampler-{number}")
        their_usage, their_output = bench.run(theirs, f"{row}-yara-{number}")
        check(bench, rules, our_output, their_output)
        if number:  # the first is the warm-up
            usages["sampler"].append(our_usage)
            usages["yara"].append(their_usage)
    memory = {
        name: bench.run(side, f"{row}-{name}-memory", sample_seconds=MEMORY_SAMPLE_SECONDS)[0]
        for name, side in (("sampler", ours), ("yara", theirs))
    }
    what = f"{rules.rule_count} rules"
    return [
        _times(row, f"wall, {what}", {side: [one.wall_seconds for one in of] for side, of in usages.items()}, wall_max),
        _times(row, f"CPU, {what}", {side: [one.cpu_seconds for one in of] for side, of in usages.items()}, cpu_max),
        _memory(row, memory),
    ]


def check(bench: Bench, rules: RuleSet, our_output: Path, their_output: Path) -> None:
    """Every file once, with its SHA-256 and type and without an error; the same finds on both sides.

    Raises:
        Disagreement: it is not so; the figures mean nothing then.
    """
    complaints = their_output.with_suffix(".stderr").read_text("utf-8", "replace").splitlines()
    if errors := [line for line in complaints if line.startswith("error")]:
        raise Disagreement("\n".join((f"yara could not scan {len(errors)} files:", *errors[:10])))
    lines = list(our_lines(our_output))
    hashes = {str(bench.corpus.folder / entry.path): entry.sha256 for entry in bench.corpus.entries}
    agreement.check_whole(lines, hashes)
    program = agreement.program_finds(their_output.read_text("utf-8"))
    wanted = agreement.expected(program, rules.see_externals, _reference(bench, rules, lines))
    agreement.check_finds(agreement.our_finds(lines), wanted)
    say(f"the same {len(wanted)} finds, {len(lines)} files")


def _reference(bench: Bench, rules: RuleSet, lines: Iterable[Line]) -> Finds:
    """What the rules that use externals find; kept, because it takes longer than what is measured."""
    if not rules.see_externals:
        return frozenset()
    name = rules.folder.name
    if name not in bench.references:
        compiled = compile_for_python({file: rules.sources[file] for file in rules.see_externals})
        bench.references[name] = agreement.reference_finds(lines, _externals, lambda *at: _match(compiled, *at))
    return bench.references[name]


def _externals(line: Line) -> Mapping[str, str]:
    owner = Path(line.path).owner()
    return externals_of(os.fsencode(line.path), line.mime_type, owner)


def _match(compiled: yara.Rules, path: str, externals: Mapping[str, str]) -> list[tuple[str, str]]:
    found = compiled.match(path, externals=dict(externals), which_callbacks=yara.CALLBACK_MATCHES)
    return [(match.namespace, match.rule) for match in found]


def _times(row: str, what: str, seconds: Mapping[str, list[float]], ratio_max: float | None) -> Figure:
    ours, theirs = seconds["sampler"], seconds["yara"]
    return Figure(
        row=row,
        what=what,
        unit="s",
        ours=Spread.of(ours),
        theirs=Spread.of(theirs),
        ratio=ratio(ours, theirs),
        ratio_max=ratio_max,
        raw=seconds,
    )


def _memory(row: str, usages: Mapping[str, Usage]) -> Figure:
    raw = {side: [usage.peak_pss_bytes / 1e6] for side, usage in usages.items()}
    raw |= {f"{side} without files": [usage.peak_own_bytes / 1e6] for side, usage in usages.items()}
    raw |= {f"{side} largest process": [usage.max_rss_bytes / 1e6] for side, usage in usages.items()}
    ours, theirs = raw["sampler"], raw["yara"]
    return Figure(
        row=row,
        what="peak memory, one run (PSS)",
        unit="MB",
        ours=Spread.of(ours),
        theirs=Spread.of(theirs),
        ratio=ratio(ours, theirs),
        raw=raw,
    )
