"""Fetches the queue's list of known good files, piece by piece, while a consent stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from sampler.agent.known_good import KnownGood
from sampler.errors import KnownGoodError, SamplerError
from sampler.limits import KNOWN_GOOD_PIECE_BYTES
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.upload import KnownGoodLink

log = structlog.get_logger()

_LOOK_SECONDS: Final = 3600.0
_AGAIN_SECONDS: Final = 300.0
_SPREAD: Final = 0.25
"""So that a fleet does not fetch at one moment: a share of the time between two looks."""


@dataclass(slots=True)
class KnownGoodFetcher:
    """Keeps the host's list the queue's. ``agent.consent_gate`` lets it run."""

    held: KnownGood
    link: KnownGoodLink
    clock: Clock
    random: Callable[[], float]

    async def run(self) -> None:
        """Look for a newer list until cancelled."""
        while True:
            await self.clock.sleep(await self.fetch_once() * (1 + _SPREAD * self.random()))

    async def fetch_once(self) -> float:
        """Fetch the present list unless it is here; the seconds to wait before the next look."""
        try:
            await self._fetch()
        except KnownGoodError as error:
            log.error("the queue's list of known good files is not believed", reason=str(error))
            return _LOOK_SECONDS
        except SamplerError as error:
            log.info("the list of known good files is fetched later", reason=str(error))
            return _AGAIN_SECONDS
        return _LOOK_SECONDS

    async def _fetch(self) -> None:
        signed = await self.link.header()
        if signed is None:
            return
        header = await off_loop(self.held.checked_header, signed)
        if header.number == self.held.number:
            return
        await off_loop(self.held.begin, signed)
        for piece in range(-(-header.size // KNOWN_GOOD_PIECE_BYTES)):
            await off_loop(self.held.add, await self.link.piece(header.sha256, piece))
        await off_loop(self.held.take)
        log.info("a list of known good files is held", number=header.number, name=header.name, files=header.entries)
