"""``make bench-redact``: our redaction beside detect-secrets and scrubadub, on the labelled corpus of the tests."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.redact.corpus import Case, FieldKind, Label, load
from benchmarks.redact.ours import treated
from benchmarks.redact.scoring import Score, Value, scored
from benchmarks.scan.table import machine

PEERS: Final = ("detect-secrets", "detect-secrets-no-entropy", "scrubadub")
_PYTHON: Final = Path(".bench/redact-venv/bin/python")
_PEER_SECONDS: Final = 600
_ROUNDS: Final = 5


@dataclass(frozen=True, slots=True)
class Side:
    """One redaction over all cases."""

    name: str
    score: Score
    microseconds: float
    """On a processor, a case: the median of five rounds of ours, one round of a peer's."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and keep the figures. 0: it ran; 2: there are no peers, or one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", type=Path, default=_PYTHON, help="the Python that has the peers")
    parser.add_argument("--keep", type=Path, default=Path(".bench"), help="the folder that keeps the figures")
    options = parser.parse_args(arguments)
    if not options.python.exists():
        print(f"{options.python} is missing: make bench-redact installs the peers", file=sys.stderr)
        return 2
    cases = load()
    try:
        sides = [_ours(cases), *(_peer(name, cases, options.python) for name in PEERS)]
    except subprocess.SubprocessError as error:
        print(f"a peer failed: {error}", file=sys.stderr)
        return 2
    facts = machine()
    print("; ".join(f"{key} {value}" for key, value in facts.items()))
    print(table(sides))
    options.keep.mkdir(exist_ok=True)
    kept = options.keep / time.strftime("redact-%Y%m%dT%H%M%SZ.json", time.gmtime())
    kept.write_text(json.dumps({"facts": facts, "sides": [_document(side) for side in sides]}, indent=1), "utf-8")
    return 0


def table(sides: Sequence[Side]) -> str:
    """Markdown: a row a class, a column a side."""
    rows = [["", *(side.name for side in sides)], ["---", *("---:" for _ in sides)]]
    for label in Label:
        counted = sides[0].score.marked[label]
        rows.append([f"{label} ({counted})", *(f"{side.score.recall(label):.1%}" for side in sides)])
    rows.append(
        [f"harmless, changed ({sides[0].score.harmless})", *(_share(side.score.untouched_rate) for side in sides)]
    )
    rows.append([f"beside marks, lost ({sides[0].score.pieces})", *(_share(side.score.left_rate) for side in sides)])
    rows.append(["microseconds of a processor, a case", *(f"{side.microseconds:.0f}" for side in sides)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def as_text(case: Case) -> Case:
    """What a tool that knows only texts is given: arguments joined, which is in its favour."""
    return replace(case, kind=FieldKind.TEXT, value=" ".join(case.texts)) if case.kind is FieldKind.ARGS else case


def _ours(cases: Sequence[Case]) -> Side:
    outcomes = [(case, treated(case)) for case in cases]
    rounds = sorted(_round(cases) for _ in range(_ROUNDS))
    return Side("sampler", scored(outcomes), rounds[_ROUNDS // 2])


def _round(cases: Sequence[Case]) -> float:
    started = time.process_time()
    for case in cases:
        treated(case)
    return (time.process_time() - started) / len(cases) * 1e6


def _peer(name: str, cases: Sequence[Case], python: Path) -> Side:
    texts = [as_text(case) for case in cases]
    script = Path(__file__).with_name("peer.py").resolve()
    answer = subprocess.run(
        [python.absolute(), "-I", script, name],
        input=json.dumps([case.value for case in texts]),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=_PEER_SECONDS,
    )
    document = json.loads(answer.stdout)
    outcomes: list[tuple[Case, Value]] = list(zip(texts, document["treated"], strict=True))
    return Side(name, scored(outcomes), document["microseconds"])


def _share(kept: float) -> str:
    return f"{1 - kept:.1%}"


def _document(side: Side) -> dict[str, object]:
    return {
        "name": side.name,
        "recall": {label.value: side.score.recall(label) for label in Label},
        "harmless_changed": 1 - side.score.untouched_rate,
        "beside_lost": 1 - side.score.left_rate,
        "microseconds": side.microseconds,
    }


if __name__ == "__main__":
    sys.exit(main())
