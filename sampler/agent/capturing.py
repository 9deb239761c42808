"""From a candidate that is no file to bytes that do not change: memory, boot records, a report on a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sampler.agent.activity_capture import capture_activity
from sampler.agent.boot_capture import capture_boot
from sampler.agent.memory_capture import capture_memory
from sampler.agent.taken import Taken
from sampler.examine import Examiner
from sampler.model import ActivitySource, BootSource, Candidate, Failure, ProcessMemorySource
from sampler.permit import Consent, HostNames, Statement
from sampler.runtime.blocking import off_loop
from sampler.snapshot import SnapshotTaker

ConsentNow = Callable[[], tuple[Statement, Consent | None]]


@dataclass(frozen=True, slots=True)
class Capturer:
    """Takes every object: a file by a snapshot, anything else by reading what its source selects."""

    snapshots: SnapshotTaker
    examiner: Examiner
    host: HostNames

    async def take(self, candidate: Candidate, consent: ConsentNow) -> Taken | Failure:
        """An object's bytes, or why there are none.

        Args:
            candidate: what is to be taken.
            consent: what is accepted at this moment; it decides what a report on a process may hold.

        Raises:
            SpoolFull, SpoolError: there is no room for it.
            SandboxError: no child can be had, or one did not survive a partition table.
        """
        match candidate.source:
            case ProcessMemorySource() as source:
                return await off_loop(capture_memory, self.snapshots, candidate, source)
            case BootSource() as source:
                return await capture_boot(self.snapshots, self.examiner, candidate, source)
            case ActivitySource() as source:
                return await off_loop(self._activity, candidate, source, consent)
            case _:
                taken = await off_loop(self.snapshots.take, candidate)
                return taken if isinstance(taken, Failure) else Taken(taken)

    def _activity(self, candidate: Candidate, source: ActivitySource, consent: ConsentNow) -> Taken | Failure:
        return capture_activity(self.snapshots, candidate, source, consent(), self.host)
