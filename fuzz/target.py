"""What a target is, and the ceilings that every input stays under whatever its target checks."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sampler.limits import KIB, MIB


def _nothing() -> None:
    """Most targets need nothing made ready."""


@dataclass(frozen=True, slots=True)
class Target:
    """One entry for bytes from outside."""

    one_input: Callable[[bytes], None]
    """Returns for what the entry is documented to do with these bytes, and raises for anything else."""
    seeds: Callable[[], Iterable[bytes]]
    """Inputs to start from: sound ones, so that mutations get past the first check."""
    tokens: tuple[bytes, ...] = ()
    """Byte strings that the format gives a meaning; the fuzzer puts them into inputs."""
    prepare: Callable[[], object] = _nothing
    """Loads what all inputs share, so that its cost is nobody's."""
    max_bytes: int = 8 * KIB
    """Of one input."""
    cpu_max_seconds: float = 5.0
    """For one input, instrumented; processor time, so that a busy machine makes no findings."""
    memory_max_bytes: int = 256 * MIB
    """How far one input may raise the peak of what the process holds."""


class CeilingBroken(AssertionError):
    """An input cost more than it may, or left a descriptor behind."""


def check(target: Target, data: bytes) -> None:
    """Run one input under the target's ceilings.

    Raises:
        CeilingBroken: it took too long or too much, or descriptors are left.
        Exception: the target's own finding.
    """
    descriptors, peak, start = _descriptors(), _peak_bytes(), time.process_time()
    target.one_input(data)
    took, grew = time.process_time() - start, _peak_bytes() - peak
    if took > target.cpu_max_seconds:
        raise CeilingBroken(f"{took:.1f} s of processor time, at most {target.cpu_max_seconds:.1f} s")
    if grew > target.memory_max_bytes:
        raise CeilingBroken(f"the peak of memory rose by {grew} bytes, at most {target.memory_max_bytes}")
    if (left := _descriptors() - descriptors) > 0:
        raise CeilingBroken(f"{left} descriptors were left open")


def _descriptors() -> int:
    """How many are open, the one that counts them among them."""
    with os.scandir("/proc/self/fd") as open_now:
        return sum(1 for _ in open_now)


def _peak_bytes() -> int:
    """``ru_maxrss`` (getrusage(2)), which Linux counts in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
