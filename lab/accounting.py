"""What became of every object that the agent answered for: the agent's word, the queue's, and ``sampler reconcile``."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

from sampler.cli.demo_lab import Lab, LabError
from sampler.intake import AgentClient
from sampler.model import ObjectState
from sampler.wire.messages import TaskView
from sampler.worker import PeopleClient, load_client_settings

_SETTLE_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.5
_ENDED: Final = frozenset({ObjectState.DELIVERED, ObjectState.DUPLICATE})


@dataclass(frozen=True, slots=True)
class Account:
    """The sums; ``is_clean`` when nothing that was promised is missing or there twice."""

    acknowledged: int
    delivered: int
    lost: tuple[str, ...]
    """Answered for by the agent, and not delivered or not at the queue with the bytes that were flagged."""
    twice: tuple[str, ...]
    """More than one task at the queue."""
    reconciled: str
    """What ``sampler reconcile`` says is wrong; empty when every object is accounted for."""

    @property
    def is_clean(self) -> bool:
        """Nothing lost, nothing twice, and the books agree."""
        return not (self.lost or self.twice or self.reconciled)


async def account(lab: Lab, acknowledged: Mapping[str, str]) -> Account:
    """Wait until everything is delivered, and look at every object on both ends; each content is read back."""
    delivered = await _delivered(lab, acknowledged)
    tasks = await _tasks(lab)
    held = await _held(lab, tasks)
    times = Counter(task.submission for task in tasks)
    return Account(
        acknowledged=len(acknowledged),
        delivered=len(delivered),
        lost=tuple(each for each, sha256 in acknowledged.items() if each not in delivered or sha256 not in held),
        twice=tuple(submission for submission, count in times.items() if count > 1),
        reconciled=await _reconciled(lab),
    )


async def _delivered(lab: Lab, acknowledged: Mapping[str, str]) -> set[str]:
    """Those that have been, by the time that nothing moves any more."""
    until = monotonic() + _SETTLE_SECONDS
    delivered: set[str] = set()
    async with AgentClient(lab.socket) as client:
        while True:
            for event_id in acknowledged.keys() - delivered:
                view = await client.show(event_id)
                if view is not None and view.state in _ENDED:
                    delivered.add(event_id)
            if len(delivered) == len(acknowledged) or monotonic() > until:
                return delivered
            await asyncio.sleep(_POLL_SECONDS)


def _people(lab: Lab) -> PeopleClient:
    settings = load_client_settings(lab.client_config, {})
    return PeopleClient(settings.url, settings.ca_file, settings.token)


async def _tasks(lab: Lab) -> list[TaskView]:
    tasks: list[TaskView] = []
    async with _people(lab) as people:
        after = None
        while True:
            page = await people.tasks(after=after)
            tasks += page.tasks
            after = page.after
            if after is None:
                return tasks


async def _held(lab: Lab, tasks: list[TaskView]) -> set[str]:
    """SHA-256 of the contents at the queue, each computed from its bytes."""
    held: set[str] = set()
    async with _people(lab) as people:
        with tempfile.TemporaryDirectory(dir=lab.folder) as folder:
            for content in {content.sha256: content for task in tasks for content in task.contents}.values():
                file = Path(folder, content.sha256)
                await people.download(content.sha256, content.size, file)
                held.add(hashlib.sha256(file.read_bytes()).hexdigest())
                file.unlink()
    return held


async def _reconciled(lab: Lab) -> str:
    try:
        await lab.command("reconcile", "--config", str(lab.agent_config))
    except LabError as error:
        return str(error)
    return ""
