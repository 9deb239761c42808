"""What an analyzer is, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.model import Conclusion
from sampler.wire.messages import TaskView


@dataclass(frozen=True, slots=True)
class AnalyzerVerdict:
    """What an analyzer concluded."""

    conclusion: Conclusion
    score: int
    """0 harmless … 100 certainly malicious."""
    family: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 100:
            raise ValueError(f"a score is 0 to 100, not {self.score}")
        if max(len(self.family or ""), len(self.note or "")) > TEXT_MAX_CHARACTERS:
            raise ValueError(f"a verdict's text has at most {TEXT_MAX_CHARACTERS} characters")


@dataclass(frozen=True, slots=True)
class AnalyzerFailure:
    """An analyzer could not tell; the queue lets the task be tried again, unless that cannot help."""

    reason: str
    retry: bool = True


class Analyzer(Protocol):
    """Comes to a conclusion about one task at a time."""

    @property
    def name(self) -> str:
        """Stands beside its verdicts; 1 to 128 characters."""

    async def analyze(
        self, task: TaskView, folder: Path, files: Mapping[str, Path]
    ) -> AnalyzerVerdict | AnalyzerFailure:
        """Analyze one task.

        Args:
            task: what the queue knows.
            folder: private and writable; it is removed afterwards.
            files: the task's contents in ``folder`` by their SHA-256, already verified.
        """
