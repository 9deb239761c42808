"""PE files that lie: what docs/malformed-pe.md says of our reader, and what no lie may cost."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.extract.pe_malformed import CASES, by_sampler
from sampler.extract import Extraction, find_regions
from sampler.model import ContentKind, PartKind

Inside = Callable[[Extraction, int], None]

TABLE = Path(__file__).parents[2] / "docs" / "malformed-pe.md"
ROW = re.compile(r"\| `([a-z0-9-]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| [^|]+ \|")
HOLES = {"overlapping-sections": [(0x1C00, 0x2A00)]}
"""Between two sections, where nothing is mapped."""
COVERING = {PartKind.HEADER, PartKind.SECTION, PartKind.CERTIFICATE, PartKind.OVERLAY}


@pytest.fixture(scope="module")
def documented() -> dict[str, str]:
    """Our column of the table, by file."""
    rows = (ROW.fullmatch(line) for line in TABLE.read_text("utf-8").splitlines())
    return {row[1]: row[4] for row in rows if row}


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> str:
    """The name of a file."""
    name: str = request.param
    return name


def test_every_file_has_its_row(documented: dict[str, str]) -> None:
    """The table and the files that are made are the same."""
    assert set(documented) == set(CASES)


def test_we_do_what_the_table_says(case: str, documented: dict[str, str]) -> None:
    """Where this fails by intention: python -m benchmarks.extract.pe_malformed prints the cells anew."""
    assert str(by_sampler(bytes(CASES[case]().data))) == documented[case]


@pytest.mark.usefixtures("ends_in_moments")
def test_no_lie_costs_more_than_moments(case: str, inside: Inside) -> None:
    """Regions lie inside the file, and processor time stays far below an examination's deadline."""
    data = bytes(CASES[case]().data)
    found = find_regions(data, ContentKind.LIBRARY, "application/x-dosexec")
    inside(found, len(data))


def test_no_lie_puts_bytes_out_of_reach(case: str) -> None:
    """Of a PE, every byte but those of a hole is in a header, a section, a certificate table or an overlay."""
    data = bytes(CASES[case]().data)
    found = find_regions(data, ContentKind.LIBRARY, "application/x-dosexec")
    if any(problem.code == "not-a-pe" for problem in found.problems):
        assert {row.kind for row in found.regions} >= {PartKind.HEADER, PartKind.TAIL}
        return
    end, holes = 0, []
    for row in sorted(
        (row for row in found.regions if row.kind in COVERING and not row.recipe), key=lambda row: row.offset
    ):
        if row.offset > end:
            holes.append((end, row.offset))
        end = max(end, row.offset + row.length)
    assert holes == HOLES.get(case, [])
    assert end == len(data)
