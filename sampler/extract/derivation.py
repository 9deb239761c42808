"""Derived bytes by their recipe: steps from the whole object to a member, a macro, a decoded blob.

A recipe is replayed in a sandboxed child on the snapshot, so that the parent never parses; whoever has the whole object
can replay it too (docs/parts.md describes each step). Each step has a name and an argument of its own format's, as in
``zip:3``; none yields more than ``UNPACK_MEMBER_MAX_BYTES``, or than it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from sampler.errors import NotDerivable
from sampler.extract.extraction import Data
from sampler.limits import UNPACK_MEMBER_MAX_BYTES

Step: TypeAlias = Callable[[Data, str, int], bytes]
"""``step(data, argument, ceiling)`` makes at most ``ceiling`` bytes; raises ``NotDerivable``."""


def replay(data: Data, recipe: tuple[str, ...], steps: Mapping[str, Step]) -> bytes:
    """The bytes that a recipe makes of the whole object.

    Raises:
        NotDerivable: a step is unknown, or does not apply; the message names it.
    """
    made: Data = data
    for text in recipe:
        name, _, argument = text.partition(":")
        step = steps.get(name)
        if step is None:
            raise NotDerivable(f"there is no step {name!r}")
        made = step(made, argument, UNPACK_MEMBER_MAX_BYTES)
    return bytes(made)


def cut(data: Data, argument: str, _ceiling: int) -> bytes:
    """The step ``range:OFFSET+LENGTH``: a stretch of the bytes so far, decimal numbers; it grows nothing.

    Raises:
        NotDerivable: the argument is no range, or the range is not all inside.
    """
    start, plus, length = argument.partition("+")
    if not (plus and start.isascii() and start.isdigit() and length.isascii() and length.isdigit()):
        raise NotDerivable(f"not a range: {argument!r}")
    if len(start) > 19 or len(length) > 19 or not 0 < int(length) <= len(data) - int(start):
        raise NotDerivable(f"range {argument} does not lie in {len(data)} bytes")
    return bytes(data[int(start) : int(start) + int(length)])
