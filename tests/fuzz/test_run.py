"""What the runner makes of a fuzzer's log, and what it gives it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.run import dictionary, main, read_log
from fuzz.targets import NAMES, load

CLEAN = """INFO: Seed: 1
#19\tINITED cov: 623 ft: 900 corp: 17/99Kb exec/s: 0 rss: 60Mb
#4096\tpulse  cov: 700 ft: 999 corp: 90/99Kb lim: 14471 exec/s: 137 rss: 66Mb
#5648\tDONE   cov: 717 ft: 1200 corp: 120/99Kb lim: 14471 exec/s: 137 rss: 66Mb
stat::number_of_executed_units: 5648
"""
RAISED = (
    CLEAN + " === Uncaught Python exception: ===\nValueError: invalid literal\nTraceback (most recent call last):\n"
)
HUNG = CLEAN + "==31==ERROR: libFuzzer: timeout after 61 seconds\n"


def test_a_clean_run() -> None:
    """Executions and the growth of coverage are read; the outcome's line shows both."""
    outcome = read_log("pe", CLEAN, 0)
    assert (outcome.executions, outcome.coverage, outcome.status) == (5648, (623, 717), 0)
    assert "5,648 executions, coverage   623 ->   717" in str(outcome)
    assert "FINDING" not in str(outcome)


@pytest.mark.parametrize(
    ("log", "what"),
    [
        (RAISED, "ValueError: invalid literal"),
        (HUNG, "libFuzzer: timeout after 61 seconds"),
        ("", "see the end of the log"),
    ],
)
def test_a_finding_is_told_in_the_fuzzers_words(log: str, what: str) -> None:
    """An exception, a hang and a process that never began are findings with what the log says of them."""
    assert f"FINDING (code 77): {what}" in str(read_log("pe", log, 77))


def test_tokens_as_a_dictionary() -> None:
    """Every byte is an escape, so that no token can end its quotes."""
    assert dictionary((b'a"', b"\0\xff")) == '"\\x61\\x22"\n"\\x00\\xff"\n'


def test_every_target_has_a_name() -> None:
    """The table names every module beside it, and nothing else can be loaded."""
    folder = Path(__file__).parents[2] / "fuzz" / "targets"
    assert sorted(NAMES) == sorted(path.stem for path in folder.glob("[!_]*.py"))
    with pytest.raises(KeyError):
        load("os")


def test_an_input_is_run_without_the_fuzzer(tmp_path: Path) -> None:
    """A kept input runs through its target alone."""
    (tmp_path / "input").write_bytes(b"\x7fELF")
    assert main(["elf", "--input", str(tmp_path / "input")]) == 0
