"""What a run of the bench prints, 80 columns wide, and keeps as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.scan.figures import Spread

WIDTH: Final = 80
_WHAT: Final = 33


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table."""

    row: str
    what: str
    unit: str
    ours: Spread
    theirs: Spread | None = None
    ratio: Spread | None = None
    ratio_max: float | None = None
    """What the ratio may be at most."""
    ours_max: float | None = None
    """What our own figure may be at most."""
    raw: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Every counted value, by side."""

    @property
    def is_reached(self) -> bool | None:
        """Whether the bar is reached; ``None`` where there is none."""
        if self.ratio_max is not None and self.ratio is not None:
            return self.ratio.median <= self.ratio_max
        return None if self.ours_max is None else self.ours.median <= self.ours_max

    def lines(self) -> list[str]:
        """Two lines: the figures and their bar; what they spread over."""
        theirs = "" if self.theirs is None else _number(self.theirs.median)
        ratio = "" if self.ratio is None else f"{self.ratio.median:.2f}"
        first = f"{self.what[:_WHAT]:<{_WHAT}}{_number(self.ours.median):>9}{theirs:>9} {self.unit:<3}{ratio:>7}"
        return [f"{first}  {self._bar()}".rstrip(), f"  {self._spread()}"]

    def _bar(self) -> str:
        limit = self.ratio_max if self.ratio_max is not None else self.ours_max
        if limit is None:
            return ""
        return f"{'ok' if self.is_reached else 'NOT'} <= {limit:g}"

    def _spread(self) -> str:
        parts = [_range(self.ours)]
        if self.theirs is not None:
            parts.append(_range(self.theirs))
        if self.ratio is not None:
            parts.append(f"ratio {self.ratio.low:.2f} to {self.ratio.high:.2f}")
        return "; ".join(parts)


def machine() -> dict[str, str]:
    """What this ran on."""
    return {
        "cpu": _cpu_model(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def printed(figures: Iterable[Figure]) -> str:
    """The table; a row's name stands above its figures."""
    head = f"{'':<{_WHAT}}{'sampler':>9}{'peer':>9} {'':<3}{'ratio':>7}  bar"
    lines = [head]
    row = ""
    for figure in figures:
        if figure.row != row:
            row = figure.row
            lines.append(f"-- {row} ".ljust(WIDTH, "-"))
        lines += figure.lines()
    return "\n".join(lines)


def save(file: Path, figures: Sequence[Figure], facts: Mapping[str, Any]) -> None:
    """The raw numbers, every counted run of them."""
    document = {
        "facts": dict(facts),
        "figures": [
            {
                "row": figure.row,
                "what": figure.what,
                "unit": figure.unit,
                "ratio_max": figure.ratio_max,
                "ours_max": figure.ours_max,
                "is_reached": figure.is_reached,
                "ratio": None if figure.ratio is None else [figure.ratio.median, figure.ratio.low, figure.ratio.high],
                "raw": {side: list(values) for side, values in figure.raw.items()},
            }
            for figure in figures
        ],
    }
    file.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def _number(value: float) -> str:
    """Three digits or more, as a person would write it."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def _range(spread: Spread) -> str:
    return f"{_number(spread.low)} to {_number(spread.high)}"


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
