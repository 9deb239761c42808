"""What all rows of a run share: where things are, how often, and what is made once."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks.scan.agreement import Finds
from benchmarks.scan.manifest import Manifest
from benchmarks.scan.peers import yara_program
from benchmarks.scan.processes import Command, Usage, measure
from benchmarks.scan.rule_sets import RuleSet, fifty_rules, large_set
from benchmarks.scan.sides import write_list


class RowLeftOut(Exception):
    """A row cannot be run here; ``str()`` says what it needs."""


@dataclass
class Bench:
    """One run of the bench."""

    folder: Path
    """Everything it makes lies here."""
    corpus: Manifest
    rounds: int
    shipped: Path
    """The rules that ship with Sampler."""
    large_rules: Path | None
    big_file_bytes: int
    idle_seconds: float
    references: dict[str, Finds] = field(default_factory=dict)
    """What rules that use externals must find, by rule set; made once."""
    notes: list[str] = field(default_factory=list)
    """What a reader of the figures has to know."""

    @cached_property
    def yara(self) -> Path:
        """The ``yara`` program."""
        return yara_program(self.folder)

    @cached_property
    def listed(self) -> Path:
        """The corpus as a list for it."""
        return write_list(self.corpus, self.folder / "corpus.list")

    @cached_property
    def fifty(self) -> RuleSet:
        """Fifty rules."""
        return fifty_rules(self.shipped, self.folder)

    @cached_property
    def large(self) -> RuleSet:
        """The rules that were named by ``--rules``.

        Raises:
            RowLeftOut: none were.
        """
        if self.large_rules is None:
            raise RowLeftOut("it needs a large rule set: name its folder with --rules")
        made = large_set(self.large_rules, self.folder)
        if made.left_out:
            self.notes.append(f"rule files that do not compile, left out on both sides: {', '.join(made.left_out)}")
        return made

    @property
    def home(self) -> Path:
        """HOME of every command."""
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        return home

    def run(self, command: Command, name: str, *, sample_seconds: float = 0.0) -> tuple[Usage, Path]:
        """Run a command; what it used, and the file with its output."""
        output = self.folder / "output" / f"{name}.out"
        output.parent.mkdir(parents=True, exist_ok=True)
        usage = measure(command, output, home=self.home, sample_seconds=sample_seconds)
        say(f"{name}: {usage.wall_seconds:.2f} s, {usage.cpu_seconds:.2f} s of CPU")
        return usage, output


def say(text: str) -> None:
    """What is going on, for whoever watches."""
    print(f"  {text}", file=sys.stderr, flush=True)
