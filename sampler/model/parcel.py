"""What may leave the host. Only ``permit`` can make a ``Parcel``: it holds the only sealer there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from sampler.model.fields import Field
from sampler.model.finding import Omission, Part
from sampler.model.states import ObjectState


class Scope(StrEnum):
    """A class of data that the owner accepts or refuses on its own."""

    REPUTATION = "reputation"
    METADATA = "metadata"
    PARTS = "parts"
    WHOLE = "whole"
    DOCUMENTS = "documents"
    """Bytes, whole or in parts, of kinds that may hold personal data: needed beside ``whole`` or ``parts``."""
    TRUSTED = "trusted"
    ACTIVITY = "activity"
    MEMORY = "memory"
    BOOT = "boot"
    STATISTICS = "statistics"


@dataclass(frozen=True, slots=True)
class StatementRef:
    """The statement that something was decided under."""

    id: str
    version: int
    digest: str
    """SHA-256 over the statement's data and text."""


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that travel: the whole object (``part`` is ``None``) or one part of it."""

    sha256: str
    size: int
    offset: int
    """Where they lie in the whole; 0 for the whole itself."""
    part: Part | None = None


_SEAL: Final = object()


@dataclass(frozen=True, slots=True)
class Parcel:
    """Exactly what leaves the host for one object, every field treated as the statement says."""

    event_id: str
    created: datetime
    sha256: str
    """Of the whole object, sent or not."""
    size: int
    statement: StatementRef
    scopes: frozenset[Scope]
    """What consent this parcel needs; looked at again before each sending."""
    fields: tuple[Field, ...]
    matches: tuple[tuple[Field, ...], ...]
    """One group of ``rule.*`` fields a match."""
    contents: tuple[Content, ...]
    omissions: tuple[Omission, ...]
    reasons: tuple[tuple[str, str], ...]
    """For the owner, never sent: each field or content, and the rule of statement or policy that let it through."""
    answers: str | None = None
    """The queue's ask for more of the object that this answers."""
    held: tuple[Content, ...] = ()
    """Never sent: contents that leave in a parcel of their own once a person approved; each has its omission."""
    held_scopes: frozenset[Scope] = frozenset()
    """What consent they need."""
    tree_root: str = ""
    """Of the Merkle tree over the whole (``wire.proofs``), hexadecimal; empty where nothing of it is sampled."""
    region: str = ""
    """Whose form of the statement it is."""
    retention_days: int | None = None
    """How long the statement lets a queue keep contents."""
    seal: object = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise TypeError("a parcel is made by permit and by nothing else")
        object.__setattr__(self, "seal", None)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing of the object leaves: the state it ends in, the numbered rule that decided, and the reason in words."""

    event_id: str
    state: ObjectState
    rule: str
    detail: str


_sealers: Final[list[Callable[..., Parcel]]] = []


def claim_sealer() -> Callable[..., Parcel]:
    """The constructor of parcels. The first caller gets it, and that is ``permit``, when it is imported.

    Raises:
        TypeError: it has been taken already.
    """
    if _sealers:
        raise TypeError("the sealer of parcels belongs to permit")

    def seal(**values: object) -> Parcel:
        return Parcel(**values, seal=_SEAL)  # type: ignore[arg-type]  # the dataclass's own signature checks them

    _sealers.append(seal)
    return seal
