"""The two commands of a comparison, and how to read what they print."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.scan.agreement import Line
from benchmarks.scan.manifest import Manifest
from benchmarks.scan.processes import Command
from benchmarks.scan.rule_sets import RuleSet

WORKERS: Final = 2
FOUND_OR_NOT: Final = frozenset({0, 1})
"""Exit codes of ``sampler scan`` that are no error."""


def sampler_scan(rules: RuleSet, path: Path, *, engine: str = "yara", cached: bool = False) -> Command:
    """``sampler scan`` with SHA-256 and type of every file."""
    options = ["--rules", str(rules.folder), "--workers", str(WORKERS), "--json"]
    if engine != "yara":
        options += ["--engine", engine]
    if not cached:
        options.append("--no-cache")
    arguments = (sys.executable, "-m", "sampler", "scan", *options, str(path))
    return Command(f"sampler scan ({engine})", arguments, FOUND_OR_NOT)


def yara_scan(program: Path, rules: RuleSet, listed: Path) -> Command:
    """The ``yara`` program with the same rules, compiled, over the files of a list."""
    options = ("-C", "-p", str(WORKERS), "--scan-list", "--print-namespace", "--disable-console-logs")
    return Command("yara", (str(program), *options, str(rules.compiled), str(listed)))


def write_list(manifest: Manifest, file: Path) -> Path:
    """The list of files for ``yara --scan-list``."""
    file.write_text("".join(f"{path}\n" for path in manifest.paths), "ascii")
    return file


def our_lines(output: Path) -> Iterator[Line]:
    """What ``sampler scan --json`` said, a line a file."""
    with output.open(encoding="utf-8") as file:
        for text in file:
            yield _line(json.loads(text))


def _line(said: Mapping[str, Any]) -> Line:
    file = said["file"]
    return Line(
        path=file["path"],
        sha256=file.get("hash", {}).get("sha256", ""),
        mime_type=file.get("mime_type", ""),
        rules=tuple((rule["ruleset"], rule["name"]) for rule in said.get("rule", ())),
        error="; ".join(f"{error['code']}: {error['message']}" for error in said.get("error", ())),
    )
