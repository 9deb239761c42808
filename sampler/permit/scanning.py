"""Replacing what a pattern proposes and a check confirms, without losing what begins inside a wrong proposal."""

from __future__ import annotations

import re
from collections.abc import Callable


def replace_confirmed(
    pattern: re.Pattern[str], text: str, confirm: Callable[[re.Match[str]], bool], stand_in: str
) -> str:
    """``text`` with ``stand_in`` for each confirmed match. Linear as long as the pattern's matches are short."""
    pieces, done, position = [], 0, 0
    while match := pattern.search(text, position):
        position = match.start() + 1
        if confirm(match):
            pieces += [text[done : match.start()], stand_in]
            done = position = match.end()
    return "".join([*pieces, text[done:]])
