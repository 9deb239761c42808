"""What the queue needs of a store of statistics over submissions; ``ports.Ledger`` is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from sampler.queue.rollups import Count, Rollup
from sampler.wire.rollup_messages import Dimension


class RollupLedger(Protocol):
    """Numbers by day, tenant and label."""

    def add_rollup(self, changes: Mapping[Rollup, Count]) -> None:
        """Add to cells, negative counts too; a cell that comes to nothing is not there."""

    def rollups_there(self, cells: Sequence[Rollup]) -> frozenset[Rollup]:
        """Which of these cells of one day and tenant are there."""

    def rollup_count(self, day: date, tenant: str) -> int:
        """How many cells there are of one day and tenant."""

    def rollup_cells(self, day: date, tenant: str) -> dict[Rollup, Count]:
        """All cells of one day and tenant."""

    def rollups(
        self, since: date, until: date, *, tenant: str | None, dimension: Dimension | None, limit: int
    ) -> dict[Rollup, Count]:
        """Cells from one day to another, both included, in their order; of one tenant, or all."""
