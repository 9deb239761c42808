"""The part of the queue that shows statistics over submissions."""

from __future__ import annotations

from datetime import date

from sampler.limits import ROLLUPS_PAGE_MAX_COUNT
from sampler.queue.core import Core
from sampler.wire.rollup_messages import Dimension, RollupLine, RollupPage


class Rollups(Core):
    """Numbers by day."""

    async def rollups(
        self, since: date, until: date, *, tenant: str | None = None, dimension: Dimension | None = None
    ) -> RollupPage:
        """Numbers from one day to another, both included; of one tenant, ``None`` of all."""
        most = ROLLUPS_PAGE_MAX_COUNT
        found = await self._step(
            lambda ledger: ledger.rollups(since, until, tenant=tenant, dimension=dimension, limit=most + 1)
        )
        lines = tuple(
            RollupLine(
                day=cell.day,
                tenant=cell.tenant,
                by=cell.dimension,
                label=cell.label,
                objects=count.objects,
                bytes=count.bytes,
            )
            for cell, count in found.items()
        )
        return RollupPage(lines=lines[:most], more=len(lines) > most)
