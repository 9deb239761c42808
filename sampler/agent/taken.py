"""An object's bytes, and what is known of them before anyone examined them: where files and captures become alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from sampler import describe
from sampler.examine import Examiner
from sampler.model import (
    Ask,
    ContentKind,
    Examination,
    Field,
    Omission,
    PartKind,
    Plan,
    Problem,
    Region,
    RuleMatch,
    Sampling,
    Snapshot,
    Treated,
)

BYTES: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Capture:
    """What is known of bytes that are no file's."""

    selector: PartKind
    """Of the parts that are taken unless the whole is asked for."""
    regions: Callable[[Iterable[RuleMatch]], tuple[Region, ...]]
    """Where they lie, once it is known which rules matched."""
    mime_type: str = BYTES
    path: bytes | None = None
    """Of the program or the disk."""
    fields: tuple[Field, ...] = ()
    omissions: tuple[Omission, ...] = ()
    """What could not be read, or did not fit."""
    problems: tuple[Problem, ...] = ()
    treated: Treated | None = None
    """For a report that the agent wrote; there is nothing in it for rules to find."""

    def ask(self, wants: Sampling | None) -> Ask:
        """What is taken of it, whatever its rules say."""
        return Ask(wants or Sampling.PARTS, (self.selector.value,))


@dataclass(frozen=True, slots=True)
class Taken:
    """An object's bytes; whoever got it releases the snapshot."""

    snapshot: Snapshot
    capture: Capture | None = None
    """``None`` for a file."""
    asked: Ask | None = None
    """What the queue asks for, in place of what the rules do."""

    @property
    def path(self) -> bytes | None:
        """Where it lay, for a policy that excludes paths."""
        return self.snapshot.path if self.capture is None else self.capture.path

    @property
    def treated(self) -> Treated | None:
        """What treated the fields that it was written from, where the agent wrote it."""
        return None if self.capture is None else self.capture.treated

    def with_omissions(self, plan: Plan) -> Plan:
        """The plan with what could not be captured at all."""
        return plan if self.capture is None else replace(plan, omissions=(*self.capture.omissions, *plan.omissions))

    def fields(self, origin_url: str | None) -> tuple[Field, ...]:
        """What the system says of it."""
        if self.capture is not None:
            return self.capture.fields
        return (*describe.file_fields(self.snapshot), *describe.origin_fields(self.snapshot, origin_url))


async def examine(examiner: Examiner, taken: Taken) -> Examination:
    """What children find in an object. Of a capture only the rules are asked: it has no format.

    Raises:
        ChildDied, ChildTimedOut, SandboxError: as ``Examiner.examine``.
    """
    owner, capture = describe.owner_of(taken.snapshot), taken.capture
    if capture is None:
        return await examiner.examine(taken.snapshot, owner=owner)
    if capture.treated is not None:
        sha256, version = taken.snapshot.sha256, examiner.report.version
        found = Examination(sha256, ContentKind.OTHER, capture.mime_type, version)
    else:
        found = await examiner.examine(taken.snapshot, rules_only=True)
    return replace(
        found,
        mime_type=capture.mime_type,
        regions=capture.regions(found.matches),
        problems=(*capture.problems, *found.problems),
    )
