"""A second pass over an unchanged tree against the first one."""

from __future__ import annotations

import shutil
from typing import Final

from benchmarks.scan.agreement import Disagreement
from benchmarks.scan.bench import Bench
from benchmarks.scan.figures import Spread, ratio
from benchmarks.scan.processes import environment
from benchmarks.scan.sides import our_lines, sampler_scan
from benchmarks.scan.table import Figure
from sampler.runtime.places import cache_folder

SECOND_TO_FIRST_MAX: Final = 1 / 30


def second_pass(bench: Bench) -> list[Figure]:
    """What is kept between runs is removed, the rules are compiled; then two passes, both counted."""
    rules = bench.fifty if bench.large_rules is None else bench.large
    command = sampler_scan(rules, bench.corpus.folder, cached=True)
    first: list[float] = []
    second: list[float] = []
    bench.run(sampler_scan(rules, bench.corpus.folder), "second-warm")
    for number in range(bench.rounds):
        forget(bench)
        bench.run(sampler_scan(rules, rules.folder), f"second-compile-{number}")
        once, its_output = bench.run(command, f"second-first-{number}")
        again, other_output = bench.run(command, f"second-second-{number}")
        if set(our_lines(its_output)) != set(our_lines(other_output)):
            raise Disagreement(f"the second pass says something else than the first: {its_output}, {other_output}")
        first.append(once.wall_seconds)
        second.append(again.wall_seconds)
    return [
        Figure(
            row="second",
            what=f"2nd pass to 1st, {rules.rule_count} rules",
            unit="s",
            ours=Spread.of(second),
            theirs=Spread.of(first),
            ratio=ratio(second, first),
            ratio_max=SECOND_TO_FIRST_MAX,
            raw={"second": second, "first": first},
        )
    ]


def forget(bench: Bench) -> None:
    """Remove what `sampler scan` keeps between runs; it may be deleted at any time."""
    folder = cache_folder(environment(bench.home, {}))
    if folder.exists():
        shutil.rmtree(folder)
