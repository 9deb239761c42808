"""Applying a rewriting until it changes nothing more, so that treating twice equals treating once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

_ROUNDS_MAX_COUNT: Final = 5


def settle(once: Callable[[T], T], value: T, *, hopeless: T) -> T:
    """The first value that ``once`` leaves alone, starting from ``value``.

    One round is enough for all but contrived texts. Where ``_ROUNDS_MAX_COUNT`` rounds are not, ``hopeless`` stands in:
    a value that gives nothing away and that ``once`` leaves alone.
    """
    for _ in range(_ROUNDS_MAX_COUNT):
        treated = once(value)
        if treated == value:
            return treated
        value = treated
    return hopeless
