from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.scan.processes import Command, RunFailed, environment, measure

BURN_SECONDS = 0.2
BURN = f"""
import os, time
if os.fork() == 0:
    if os.fork() == 0:
        while time.process_time() < {BURN_SECONDS}: pass
    os._exit(0)
os.wait()
"""
HOLD_BYTES = 64 * 1024 * 1024
HOLD = f"""
import os, time
held = b"x" * {HOLD_BYTES}
if os.fork() == 0: time.sleep(0.3); os._exit(0)
os.wait()
"""


def python(code: str) -> Command:
    return Command("it", (sys.executable, "-I", "-S", "-c", code))


def test_time_of_a_grandchild_that_nobody_waited_for_is_counted(tmp_path: Path) -> None:
    """A command cannot hide its work in processes that it leaves behind."""
    usage = measure(python(BURN), tmp_path / "out", home=tmp_path)
    assert usage.cpu_seconds >= BURN_SECONDS


def test_memory_that_processes_share_is_counted_once(tmp_path: Path) -> None:
    """A forked child does not double what the tree holds."""
    usage = measure(python(HOLD), tmp_path / "out", home=tmp_path, sample_seconds=0.01)
    assert usage.samples > 0
    assert HOLD_BYTES <= usage.peak_pss_bytes < 2 * HOLD_BYTES


def test_output_and_complaints_go_to_files(tmp_path: Path) -> None:
    """They are read when the run is over."""
    measure(Command("it", ("sh", "-c", "echo said; echo complained >&2")), tmp_path / "run.out", home=tmp_path)
    assert (tmp_path / "run.out").read_text("utf-8") == "said\n"
    assert (tmp_path / "run.stderr").read_text("utf-8") == "complained\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("sh", "-c", "echo why >&2; exit 3"), "ended with 3:\nwhy"), (("no-such-program",), "could not be started")],
)
def test_a_command_that_fails_is_no_figure(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """Its last words are in the error."""
    with pytest.raises(RunFailed, match=said):
        measure(Command("it", arguments), tmp_path / "out", home=tmp_path)


def test_settings_of_this_machine_reach_no_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither Sampler's nor where its caches lie."""
    monkeypatch.setenv("SAMPLER_AGENT_LOG_LEVEL", "debug")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    made = environment(tmp_path, {"MORE": "1"})
    assert not [name for name in made if name.startswith(("SAMPLER_", "XDG_"))]
    assert (made["HOME"], made["MORE"]) == (str(tmp_path), "1")
