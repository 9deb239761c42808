"""The part of the queue that answers private look-ups. It keeps nothing of who asked for what."""

from __future__ import annotations

from datetime import datetime

from sampler.errors import Conflict
from sampler.limits import LOOKUP_ENTRIES_MAX_COUNT
from sampler.queue import lookup
from sampler.queue.core import Core
from sampler.queue.lookup_ports import Listed
from sampler.queue.ports import Ledger
from sampler.queue.registry import tenant_of
from sampler.wire.lookup_messages import LookUpAnswer, LookUpTerms, padded

_FORGOTTEN_AT_ONCE = 1000


class LookingUp(Core):
    """Look-ups by prefix."""

    async def lookup_terms(self, device: str) -> LookUpTerms:
        """By how many bits a device may ask now."""
        return LookUpTerms(bits=await self._step(_bits, device))

    async def look_up(self, device: str, bits: int, prefix: int) -> LookUpAnswer:
        """Everything that the device's tenant has listed under a prefix.

        Raises:
            Conflict: that prefix is longer than a device may tell, or so short that too much begins with it.
        """
        found = await self._step(_listed, device, bits, prefix, self._clock.now())
        return padded(bits, prefix, tuple(lookup.entry_of(listed) for listed in found))

    async def forget_listed(self) -> None:
        """Forget lines that have expired."""
        await self._step(lambda ledger: ledger.forget_listed(self._clock.now(), _FORGOTTEN_AT_ONCE))


def _bits(ledger: Ledger, device: str) -> int:
    tenant = tenant_of(ledger, device)
    return lookup.bits_for(lookup.estimate(lambda last, most: ledger.listed_count(tenant, last, most)))


def _listed(ledger: Ledger, device: str, bits: int, prefix: int, now: datetime) -> tuple[Listed, ...]:
    most = _bits(ledger, device)
    if bits > most:
        raise Conflict(f"ask by {most} bits at most, not by {bits}; the terms have changed")
    first, last = lookup.span(bits, prefix)
    found = ledger.listed(tenant_of(ledger, device), first, last, now, LOOKUP_ENTRIES_MAX_COUNT + 1)
    if len(found) > LOOKUP_ENTRIES_MAX_COUNT:
        raise Conflict(f"more than {LOOKUP_ENTRIES_MAX_COUNT} files begin with these {bits} bits; ask by {most}")
    return found
