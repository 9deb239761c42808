"""The bench of extraction: ``python -m benchmarks.extract.run``. README.md beside its folder says what a row means.

Exit code 0: it ran, bars reached or not; 2: something could not be run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import sampler
from benchmarks.extract.pe_corpus import PeCorpusError
from benchmarks.extract.rows import ROWS, FormatRow, Peer
from benchmarks.scan.figures import Spread, percentile, ratio
from benchmarks.scan.processes import Command, RunFailed, Usage, measure
from benchmarks.scan.table import Figure, machine, printed, save
from sampler.limits import KIB, MIB

BENCH: Final = Path(".bench")
ROUNDS: Final = 5
CHILD_MAX_MILLISECONDS: Final = 10.0
CHILD_SIZES: Final = (150 * KIB, 250 * KIB)
"""What "a PE of 200 KB" is taken to be."""
_XARGS_SAW_AN_ERROR: Final = 123
_GOOD: Final = frozenset({0, _XARGS_SAW_AN_ERROR})
_OURS: Final = Peer(
    "sampler", (sys.executable, "-m", "benchmarks.extract.loop", "sampler", "{list}"), "sampler", is_loop=True
)
_CHILD: Final = Peer("child", (sys.executable, "-m", "benchmarks.extract.child", "{list}"), "sampler", is_loop=True)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one side."""

    seconds: float
    memory_bytes: int
    failed: int
    each: tuple[float, ...] = ()


class Bench:
    """Where things are, how often, and what a reader of the figures has to know."""

    def __init__(self, folder: Path, rounds: int) -> None:
        self.folder = folder
        self.rounds = rounds
        self.notes: list[str] = []

    def listed(self, name: str, files: Sequence[Path]) -> Path:
        """A list of files for the sides."""
        target = self.folder / f"extract-{name}.list"
        target.write_text("".join(f"{path}\n" for path in files), "utf-8")
        return target

    def run(self, row: str, peer: Peer, listed: Path) -> Run:
        """One run of a side over the files of a list."""
        output = self.folder / "output" / f"extract-{row}-{peer.name}.out"
        home = self.folder / "home"
        for folder in (output.parent, home):
            folder.mkdir(parents=True, exist_ok=True)
        usage = measure(Command(peer.name, peer.on(listed), _GOOD), output, home=home)
        return _run_of(peer, usage, output)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows that are asked for, print the table and keep the raw numbers; the exit code."""
    asked = _parser().parse_args(arguments)
    bench = Bench(asked.folder.absolute(), asked.rounds)
    bench.folder.mkdir(parents=True, exist_ok=True)
    facts = {"sampler": sampler.__version__, **machine(), "rounds": str(bench.rounds)}
    figures: list[Figure] = []
    failures: dict[str, str] = {}
    for row in ROWS:
        if row.name not in (asked.row or [row.name]):
            continue
        try:
            figures += figures_of(bench, row)
        except (PeCorpusError, RunFailed) as error:
            failures[row.name] = str(error)
    print("\n".join(f"{name}: {value}" for name, value in facts.items()))
    print(printed(figures))
    for line in (*bench.notes, *(f"FAILED {row}: {why}" for row, why in failures.items())):
        print(line)
    moment = datetime.now(UTC)
    kept = bench.folder / f"extract-{moment:%Y%m%dT%H%M%SZ}.json"
    save(kept, figures, {**facts, "at": moment.isoformat(), "notes": bench.notes, "failures": failures})
    print(f"raw numbers: {kept}")
    return 2 if failures else 0


def figures_of(bench: Bench, row: FormatRow) -> list[Figure]:
    """All figures of one format: our readers beside each peer, and the whole way through a child."""
    files = row.files(bench.folder)
    if not files:
        bench.notes.append(f"{row.name} is left out: there are no files of it")
        return []
    peers = [peer for peer in row.peers if _is_there(peer)]
    absent = [peer.name for peer in row.peers if peer not in peers]
    bench.notes += [f"{row.name}: {name} is not installed and left out" for name in absent]
    listed = bench.listed(row.name, files)
    sides = (_OURS, *peers, _CHILD)
    runs: dict[str, list[Run]] = {side.name: [] for side in sides}
    for number in range(bench.rounds + 1):
        for side in sides:
            run = bench.run(row.name, side, listed)
            print(f"  {row.name} {side.name} {number}: {run.seconds:.2f} s", file=sys.stderr, flush=True)
            if number:  # the first is the warm-up
                runs[side.name].append(run)
    bench.notes += [
        f"{row.name}: {name} gave up on {of[-1].failed} of {len(files)} files"
        for name, of in runs.items()
        if of[-1].failed
    ]
    return [*_beside(row.name, len(files), runs, peers), *_through_a_child(row.name, files, runs[_CHILD.name])]


def _beside(row: str, count: int, runs: dict[str, list[Run]], peers: Sequence[Peer]) -> Iterator[Figure]:
    ours = runs[_OURS.name]
    for peer in peers:
        theirs = runs[peer.name]
        speeds = [[count / run.seconds for run in side] for side in (ours, theirs)]
        memory = [[run.memory_bytes / MIB for run in side] for side in (ours, theirs)]
        for what, unit, (mine, other) in (("files a second", "/s", speeds), ("peak memory", "MiB", memory)):
            yield Figure(
                row=row,
                what=f"{what}, {peer.name}",
                unit=unit,
                ours=Spread.of(mine),
                theirs=Spread.of(other),
                ratio=ratio(mine, other),
                raw={"sampler": mine, peer.name: other},
            )


def _through_a_child(row: str, files: Sequence[Path], runs: Sequence[Run]) -> Iterator[Figure]:
    speeds = [len(files) / run.seconds for run in runs]
    yield Figure(row=row, what="files a second, child", unit="/s", ours=Spread.of(speeds), raw={"child": speeds})
    memory = [run.memory_bytes / MIB for run in runs]
    yield Figure(row=row, what="peak memory, child", unit="MiB", ours=Spread.of(memory), raw={"child": memory})
    if row != "pe":
        return
    low, high = CHILD_SIZES
    sized = [index for index, path in enumerate(files) if low <= path.stat().st_size <= high]
    medians = [1000 * percentile([run.each[index] for index in sized], 0.5) for run in runs]
    yield Figure(
        row=row,
        what=f"median of {len(sized)} of 200 KB, child",
        unit="ms",
        ours=Spread.of(medians),
        ours_max=CHILD_MAX_MILLISECONDS,
        raw={"child": medians},
    )


def _run_of(peer: Peer, usage: Usage, output: Path) -> Run:
    if not peer.is_loop:
        return Run(usage.wall_seconds, usage.max_rss_bytes, 0)
    said = json.loads(output.read_text("utf-8"))
    return Run(said["seconds"], usage.max_rss_bytes, said["failed"], tuple(said.get("each", ())))


def _is_there(peer: Peer) -> bool:
    return (find_spec(peer.needs) if peer.is_loop else shutil.which(peer.needs)) is not None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.extract.run", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--row", action="append", choices=[row.name for row in ROWS], help="only this format")
    parser.add_argument("--rounds", type=_positive, default=ROUNDS, metavar="N", help=f"counted runs ({ROUNDS})")
    parser.add_argument("--folder", type=Path, default=BENCH, metavar="DIR", help=f"where everything is ({BENCH})")
    return parser


def _positive(text: str) -> int:
    if (value := int(text)) <= 0:
        raise ValueError(text)
    return value


if __name__ == "__main__":
    sys.exit(main())
