"""What of a hash may be said to a queue to learn whether it is known there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sampler.model.parcel import Scope, StatementRef

_SEAL: Final = object()


@dataclass(frozen=True, slots=True)
class LookUpQuestion:
    """The first bits of a hash, which may leave. Only ``permit`` makes one, as with parcels."""

    bits: int
    prefix: int
    """As a number."""
    statement: StatementRef
    scopes: frozenset[Scope]
    """What consent it needs."""
    seal: object = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise TypeError("what may be asked of a queue is decided by permit and by nothing else")
        object.__setattr__(self, "seal", None)


@dataclass(frozen=True, slots=True)
class LookUpRefusal:
    """Nothing is asked: the numbered rule, and the reason in words."""

    rule: str
    detail: str


_sealers: Final[list[Callable[..., LookUpQuestion]]] = []


def claim_lookup_sealer() -> Callable[..., LookUpQuestion]:
    """The constructor of questions. The first caller gets it, and that is ``permit``, when it is imported.

    Raises:
        TypeError: it has been taken already.
    """
    if _sealers:
        raise TypeError("the sealer of look-ups belongs to permit")

    def seal(**values: object) -> LookUpQuestion:
        return LookUpQuestion(**values, seal=_SEAL)  # type: ignore[arg-type]  # checked by the dataclass itself

    _sealers.append(seal)
    return seal
