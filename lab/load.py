"""Objects that are flagged one after another, whatever happens to the agent meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sampler.cli.demo_lab import Lab
from sampler.errors import SamplerError
from sampler.intake import AgentClient
from sampler.model import Sampling
from sampler.wire.agent_messages import FlagRequest

_OBJECT_BYTES: Final = 2000
_REST_SECONDS: Final = 0.1


@dataclass(slots=True)
class Load:
    """Flags a new object again and again; one whose answer did not come is asked for anew by the same identifier."""

    lab: Lab
    random: random.Random
    objects: Path
    """A folder for what is flagged; made when it is needed."""
    acknowledged: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each object that the agent answered for, by its identifier."""
    repeated: int = 0
    """Flags whose answer did not come."""

    @contextlib.asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Flag for as long as this lasts; at its end the last one is answered."""
        stop = asyncio.Event()
        flagging = asyncio.create_task(self._until(stop))
        try:
            yield
        finally:
            stop.set()
            await flagging

    async def _until(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._one()

    async def _one(self) -> None:
        file = self._new_file()
        request = FlagRequest(
            id=str(uuid.UUID(int=self.random.getrandbits(128), version=4)), path=str(file), wants=Sampling.WHOLE
        )
        while True:
            try:
                async with AgentClient(self.lab.socket) as client:
                    view = await client.flag(request)
            except (SamplerError, OSError):
                self.repeated += 1
                await asyncio.sleep(_REST_SECONDS)
                continue
            self.acknowledged[view.id] = view.sha256 or ""
            file.unlink()
            await asyncio.sleep(_REST_SECONDS)
            return

    def _new_file(self) -> Path:
        file = self.objects / f"{self.random.getrandbits(64):016x}.sh"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"#!/bin/sh\n# " + self.random.randbytes(_OBJECT_BYTES // 2).hex().encode())
        return file
