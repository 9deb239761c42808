"""``python -m fuzz.run [TARGET …] [--seconds N] [--keep FOLDER]``, or ``python -m fuzz.run TARGET --input FILE``.

Runs each target for so many seconds, one after the other, and ends with 1 if any of them found something. With
``--input`` it runs one target over one file without atheris, to see a finding again.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from fuzz.target import check
from fuzz.targets import NAMES, load

_INPUT_WALL_SECONDS: Final = 60
"""When libFuzzer gives an input up: far above the target's own ceiling of processor time, for inputs that hang."""
_MEMORY_MAX_MIB: Final = 2048
_MEMORY_FOLDER: Final = "/dev/shm"
"""Where targets write files, so that disks do not set the pace; ``tempfile`` takes another place if this is none."""
_COVERAGE: Final = re.compile(r"^#\d+\s+\w+\s+cov: (\d+)", re.MULTILINE)
_EXECUTIONS: Final = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
_WHAT: Final = re.compile(
    r"^ === Uncaught Python exception: ===\n(.+)$|^==\d+== ?(?:ERROR: )?(libFuzzer: .+)$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of one target came to."""

    target: str
    executions: int
    coverage: tuple[int, int]
    """Branches and comparisons reached by the seeds, and at the end."""
    status: int
    """Of the driver; 0 without a finding."""
    finding: str = ""

    def __str__(self) -> str:
        before, after = self.coverage
        told = f"{self.target:16} {self.executions:>9,} executions, coverage {before:>5,} -> {after:>5,}"
        return told if self.status == 0 else f"{told}, FINDING (code {self.status}): {self.finding}"


def main(arguments: list[str]) -> int:
    """The command; its exit code."""
    options = _parser().parse_args(arguments)
    if options.input is not None:
        for name in options.targets:
            target = load(name)
            target.prepare()
            check(target, options.input.read_bytes())
        return 0
    folder = options.keep or Path(tempfile.mkdtemp(prefix="sampler-fuzz-"))
    outcomes = [fuzz(name, folder / name, options.seconds) for name in options.targets or NAMES]
    found = [outcome for outcome in outcomes if outcome.status]
    if found:
        print(f"{len(found)} of {len(outcomes)} targets have findings; inputs and logs are in {folder}")
    elif options.keep is None:
        shutil.rmtree(folder)
    return 1 if found else 0


def fuzz(name: str, folder: Path, seconds: int) -> Outcome:
    """Run one target in a process of its own; seeds, corpus, findings and log lie in ``folder``."""
    target = load(name)
    seeds, corpus = folder / "seeds", folder / "corpus"
    for place in (seeds, corpus):
        place.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (seeds / sha256(seed).hexdigest()[:16]).write_bytes(seed)
    words = folder / "dictionary"
    words.write_text(dictionary(target.tokens))
    flags = [
        f"-max_total_time={seconds}", f"-max_len={target.max_bytes}", f"-timeout={_INPUT_WALL_SECONDS}",
        f"-rss_limit_mb={_MEMORY_MAX_MIB}", f"-artifact_prefix={folder}/", "-print_final_stats=1",
    ]  # fmt: skip
    if target.tokens:  # libFuzzer takes an empty dictionary for a mistake
        flags.append(f"-dict={words}")
    log = folder / "log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "fuzz.driver", name, *flags, str(corpus), str(seeds)]
        status = subprocess.run(
            command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "TMPDIR": _MEMORY_FOLDER}, check=False
        ).returncode
    outcome = read_log(name, log.read_text("utf-8", "replace"), status)
    print(outcome, flush=True)
    return outcome


def read_log(name: str, log: str, status: int) -> Outcome:
    """What libFuzzer says of a run."""
    coverage = [int(number) for number in _COVERAGE.findall(log)] or [0]
    executions = _EXECUTIONS.search(log)
    what = _WHAT.search(log)
    return Outcome(
        name,
        int(executions[1]) if executions else 0,
        (coverage[0], coverage[-1]),
        status,
        (what[1] or what[2]) if what else "see the end of the log",
    )


def dictionary(tokens: tuple[bytes, ...]) -> str:
    """The tokens as libFuzzer reads them: one quoted string a line, every byte as an escape."""
    return "".join('"' + "".join(f"\\x{byte:02x}" for byte in token) + '"\n' for token in tokens)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fuzz.run", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"one of {', '.join(NAMES)}; none: all of them")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="corpora, findings and logs, kept for the next run")
    parser.add_argument("--input", type=Path, metavar="FILE", help="run the targets over this file, without atheris")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
