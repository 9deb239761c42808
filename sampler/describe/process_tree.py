"""The processes above and below one (ECS ``process.parent.*``), while any of them may end."""

from __future__ import annotations

from typing import Final

import psutil

from sampler.describe.process import ask, facts_of, is_same
from sampler.describe.text import hostile_text
from sampler.model import Field

_ANCESTORS_MAX_COUNT: Final = 16
_CHILDREN_MAX_COUNT: Final = 256


def ancestors(pid: int) -> tuple[tuple[Field, ...], ...]:
    """The processes above the parent, the nearest first; each named as a parent is. Empty when it has ended."""
    found: list[tuple[Field, ...]] = []
    process = ask(lambda: psutil.Process(pid))
    current = None if process is None else ask(process.parent)
    while current is not None and len(found) < _ANCESTORS_MAX_COUNT:
        current = ask(current.parent)
        if current is None or not is_same(current):
            break
        found.append(facts_of(current, "process.parent"))
    return tuple(found)


def children(pid: int) -> tuple[str, ...]:
    """Number and name of each process that this one started and that still runs; never its arguments."""
    process = ask(lambda: psutil.Process(pid))
    below = (ask(process.children) or []) if process is not None else []
    return tuple(f"{child.pid} {hostile_text(ask(child.name) or '')}" for child in below[:_CHILDREN_MAX_COUNT])
