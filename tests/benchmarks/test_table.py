from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.scan.figures import Spread
from benchmarks.scan.table import WIDTH, Figure, machine, printed, save


def figure(ratio: float = 0.5, ratio_max: float | None = 1.0, ours_max: float | None = None) -> Figure:
    return Figure(
        row="large",
        what="wall of a very long description of what was measured",
        unit="ms",
        ours=Spread(123456.7, 0.0123456, 987654.3),
        theirs=Spread(123456.7, 0.0123456, 987654.3),
        ratio=Spread(ratio, 0.123456, 12345.6),
        ratio_max=ratio_max,
        ours_max=ours_max,
        raw={"sampler": [1.0, 2.0]},
    )


def test_the_table_fits_80_columns() -> None:
    """Whatever the numbers are."""
    assert max(len(line) for line in printed([figure(), figure(ratio=12345.6)]).splitlines()) <= WIDTH


@pytest.mark.parametrize(
    ("made", "reached"),
    [
        (figure(ratio=1.0), True),
        (figure(ratio=1.01), False),
        (figure(ratio_max=None), None),
        (figure(ratio_max=None, ours_max=200_000.0), True),
        (figure(ratio_max=None, ours_max=5.0), False),
    ],
)
def test_a_bar_is_reached_or_not(made: Figure, reached: bool | None) -> None:
    """At most means that the bar itself is good enough."""
    assert made.is_reached is reached


def test_raw_numbers_are_kept_beside_the_machine(tmp_path: Path) -> None:
    """So that a figure can be looked at again."""
    save(tmp_path / "raw.json", [figure()], machine())
    kept = json.loads((tmp_path / "raw.json").read_text("utf-8"))
    assert kept["figures"][0]["raw"] == {"sampler": [1.0, 2.0]}
    assert {"cpu", "cores", "kernel", "python"} <= kept["facts"].keys()
