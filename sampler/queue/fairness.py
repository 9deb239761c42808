"""Whose turn it is: a draw among tenants, however many tasks each has waiting. Pure; the chance is passed in.

A lottery (Waldspurger and Weihl, "Lottery Scheduling", OSDI 1994) keeps no account of past turns, so any number of
server processes share out alike without writing to one common row, and nobody can be left out for good.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from sampler.queue.tasks import Lane


def turns(lanes: Collection[Lane], chance: Callable[[], float]) -> Iterator[tuple[Lane, ...]]:
    """The lanes of one tenant after the other, each tenant once, in a random order; ``chance`` is uniform in [0, 1)."""
    tenants = sorted({lane.tenant for lane in lanes})
    while tenants:
        drawn = tenants.pop(min(int(chance() * len(tenants)), len(tenants) - 1))
        yield tuple(lane for lane in lanes if lane.tenant == drawn)
