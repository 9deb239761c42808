"""``sampler scan --pid``, as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = "import sys\nheld = ''.join(['needle', '-in-', 'memory']) * 3\nprint('ready', flush=True)\nsys.stdin.read()\n"
RULE = 'rule needle : found { meta: depth = 3 strings: $a = "needle-in-memory" condition: $a }'


@pytest.fixture
def target() -> Iterator[int]:
    """A process that holds something in its memory."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process.pid
        process.kill()


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "needle.yar"
    file.write_text(RULE)
    return file


def scanned(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sampler", "scan", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_what_a_process_holds(target: int, rules: Path) -> None:
    """A process in whose memory a rule matches is named with its program; the exit code is clamscan's."""
    run = scanned("--rules", rules, "--pid", target)
    assert run.returncode == 1
    assert run.stdout.startswith(f"process {target} (")
    assert run.stdout.endswith("): needle FOUND\n")
    assert "1 processes: 1 found, 0 errors" in run.stderr


def test_addresses(target: int, rules: Path) -> None:
    """On NDJSON the process and the addresses of hits stand, with ECS names."""
    run = scanned("--rules", rules, "--pid", target, "--json")
    (line,) = map(json.loads, run.stdout.splitlines())
    assert line["process"]["pid"] == target
    (match,) = line["rule"]
    assert match["name"] == "needle"
    assert match["hits_total"] >= 3
    assert all(hit["offset"] > 0xFFFF and hit["length"] == 16 for hit in match["hits"])


def test_as_the_yara_program_prints_it(target: int, rules: Path) -> None:
    """With ``--format yara`` a line is the rule and the number, as ``yara RULES PID`` prints it."""
    run = scanned("--rules", rules, "--pid", target, "--format", "yara", "-g", "-m")
    assert run.stdout == f"needle [found] [depth =3] {target}\n"


def test_a_process_that_is_not_there(target: int, rules: Path) -> None:
    """A number that is no process is named, and the others are scanned; nothing found and an error is 2."""
    run = scanned("--rules", rules, "--pid", 4_194_304, "--pid", target)
    assert run.returncode == 1
    assert "process 4194304: absent: there is no process 4194304" in run.stderr
    assert scanned("--rules", rules, "--pid", 4_194_304).returncode == 2


@pytest.mark.parametrize("more", [["/tmp"], ["-s", "--format", "yara"]])
def test_what_does_not_go_together(rules: Path, more: list[str]) -> None:
    """Files, and the bytes of hits, are for other runs; it is said what to do."""
    run = scanned("--rules", rules, "--pid", 1, *more)
    assert run.returncode == 2
    assert "Error: --p" in run.stderr
    assert "Traceback" not in run.stderr
