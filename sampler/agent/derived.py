"""The bytes of an object's parts: stretches of its snapshot, and copies of what children derived from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from sampler import snapshot
from sampler.errors import ChildDied, ChildTimedOut, NotDerivable
from sampler.examine import Examiner
from sampler.extract import title_of
from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.model import Content, Omission, Region, Snapshot
from sampler.runtime.blocking import off_loop
from sampler.snapshot import SnapshotTaker

Recipe: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartBytes:
    """Where the bytes of one object's parts are read from."""

    whole: Snapshot
    derived: Mapping[Recipe, Snapshot | str]
    """A copy of what each recipe made, or why it made nothing."""

    def hash_of(self, region: Region) -> str | Omission:
        """The SHA-256 of a region's bytes, or why they cannot be had."""
        if not region.recipe:
            return snapshot.hash_range(self.whole, region.offset, region.length)
        made = self.derived[region.recipe]
        return Omission(title_of(region), made) if isinstance(made, str) else made.sha256

    def read(self, content: Content) -> Iterable[bytes]:
        """A content's bytes in chunks."""
        if content.part is None or not content.part.recipe:
            return snapshot.read_range(self.whole, content.offset, content.size)
        made = self.derived[content.part.recipe]
        assert isinstance(made, Snapshot)
        return snapshot.read_range(made, 0, made.size)


@asynccontextmanager
async def derived_parts(
    examiner: Examiner, snapshots: SnapshotTaker, whole: Snapshot, recipes: Mapping[Recipe, int]
) -> AsyncIterator[PartBytes]:
    """The bytes of an object's parts, its derived ones made in children one after the other, for as long as needed.

    Args:
        examiner: whose children derive.
        snapshots: keeps what they derived.
        whole: the object; stays the caller's.
        recipes: what is to be derived, and how many bytes each should make.

    Raises:
        SandboxError: no child can be had at all.
        SpoolFull: there is no room for the copies.
    """
    derived: dict[Recipe, Snapshot | str] = {}
    try:
        for recipe, size in recipes.items():
            derived[recipe] = await _derived(examiner, snapshots, whole, recipe, size)
        yield PartBytes(whole, derived)
    finally:
        for made in derived.values():
            if isinstance(made, Snapshot):
                snapshot.release(made)


async def _derived(
    examiner: Examiner, snapshots: SnapshotTaker, whole: Snapshot, recipe: Recipe, size: int
) -> Snapshot | str:
    try:
        content = await examiner.derive(whole, recipe, size)
    except (NotDerivable, ChildDied, ChildTimedOut) as error:
        return f"it could not be derived again: {error}"[:TEXT_MAX_CHARACTERS]
    return await off_loop(snapshots.keep, content)
