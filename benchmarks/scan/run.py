"""The bench of scanning: ``python -m benchmarks.scan.run``. README.md beside its folder says what each row means.

Exit code 0: it ran, whether bars are reached or not; 2: the sides did not find the same, or something could not be run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import yara

import sampler
from benchmarks.scan import rows_memory, rows_second, rows_service, rows_sweep
from benchmarks.scan.agreement import Disagreement
from benchmarks.scan.bench import Bench, RowLeftOut, say
from benchmarks.scan.corpus import BENCH, CorpusError, manifest_of
from benchmarks.scan.peers import PeerError, PeerMissing
from benchmarks.scan.processes import RunFailed
from benchmarks.scan.rule_sets import RuleSetError
from benchmarks.scan.table import Figure, machine, printed, save
from sampler.errors import SamplerError
from sampler.runtime.places import shipped

Row: TypeAlias = Callable[[Bench], list[Figure]]

ROWS: Final[Mapping[str, Row]] = MappingProxyType(
    {
        "large": rows_sweep.large,
        "fifty": rows_sweep.fifty,
        "boreal-large": rows_sweep.boreal_large,
        "boreal-fifty": rows_sweep.boreal_fifty,
        "second": rows_second.second_pass,
        "memory": rows_memory.peak,
        "file-size": rows_memory.file_size,
        "socket": rows_service.socket,
        "idle": rows_service.idle,
    }
)
ROUNDS: Final = 5
BIG_FILE_BYTES: Final = 4_000_000_000
IDLE_SECONDS: Final = 60.0
_EXPECTED: Final = (Disagreement, PeerError, RuleSetError, RunFailed, SamplerError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows that are asked for, print the table and keep the raw numbers; the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        bench = _bench(asked)
    except CorpusError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    before = machine()
    figures, failures = run_rows(bench, {name: ROWS[name] for name in asked.row or ROWS})
    facts = {
        "sampler": sampler.__version__,
        **before,
        "corpus": str(bench.corpus),
        "yara": yara.YARA_VERSION,
        "rounds": bench.rounds,
    }
    _print(facts, figures, bench.notes, failures)
    moment = datetime.now(UTC)
    kept = bench.folder / f"scan-{moment:%Y%m%dT%H%M%SZ}.json"
    save(kept, figures, {**facts, "at": moment.isoformat(), "notes": bench.notes, "failures": failures})
    print(f"raw numbers: {kept}")
    return 2 if failures else 0


def run_rows(bench: Bench, rows: Mapping[str, Row]) -> tuple[list[Figure], dict[str, str]]:
    """The figures of all rows, and by row why it has none; one row that fails does not take down the others."""
    figures: list[Figure] = []
    failures: dict[str, str] = {}
    for name, row in rows.items():
        say(f"== {name}")
        try:
            figures += row(bench)
        except (RowLeftOut, PeerMissing) as reason:
            bench.notes.append(f"{name} is left out: {reason}")
        except _EXPECTED as error:
            failures[name] = str(error)
            say(f"{name} FAILED: {error}")
    return figures, failures


def _bench(asked: argparse.Namespace) -> Bench:
    folder: Path = asked.folder.absolute()
    corpus: Path = (asked.corpus or folder / "corpus").absolute()
    if not corpus.is_dir():
        raise CorpusError(f"{corpus}: there is no corpus; fetch it: python -m benchmarks.scan.corpus")
    folder.mkdir(parents=True, exist_ok=True)
    return Bench(
        folder=folder,
        corpus=manifest_of(corpus, folder),
        rounds=asked.rounds,
        shipped=shipped("rules"),
        large_rules=asked.rules,
        big_file_bytes=asked.big_file_bytes,
        idle_seconds=asked.idle_seconds,
    )


def _print(
    facts: Mapping[str, Any], figures: Sequence[Figure], notes: Sequence[str], failures: Mapping[str, str]
) -> None:
    for name, value in facts.items():
        print(f"{name}: {value}")
    print(printed(figures))
    for note in dict.fromkeys(notes):
        print(f"note: {note}")
    for row, why in failures.items():
        print(f"FAILED {row}: {why}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scan.run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--row", action="append", choices=list(ROWS), help="only this row; may be given again")
    parser.add_argument("--rules", type=Path, metavar="DIR", help="a large rule set, 5,000 rules or more")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="another folder to scan, or a part of the corpus")
    parser.add_argument("--rounds", type=_positive, default=ROUNDS, metavar="N", help=f"counted runs ({ROUNDS})")
    parser.add_argument("--folder", type=Path, default=BENCH, metavar="DIR", help=f"where everything is ({BENCH})")
    parser.add_argument("--big-file-bytes", type=_positive, default=BIG_FILE_BYTES, metavar="N")
    parser.add_argument("--idle-seconds", type=float, default=IDLE_SECONDS, metavar="S")
    return parser


def _positive(text: str) -> int:
    if (value := int(text)) <= 0:
        raise ValueError(text)
    return value


if __name__ == "__main__":
    sys.exit(main())
