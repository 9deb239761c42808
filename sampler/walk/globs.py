"""Glob patterns over paths, in the sense that git and rsync gave them; pure.

- A pattern without ``/`` names the last component: ``*.pyc`` holds at any depth.
- A pattern that begins with ``/`` names the whole path; any other one with a ``/`` names its end, from a component on.
- ``*``, ``?`` and ``[…]`` stay within one component; ``**``, alone between slashes, stands for any number of them.
- A pattern that ends in ``/`` names folders only. One that ends in ``/**`` names a folder and everything below it.

Names come from whoever can write to the disk: no pattern takes more than polynomial time on them, of low degree, since
components are matched one by one and each within ``fnmatch``.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from sampler.limits import PATH_MAX_BYTES

_ANY_NUMBER: Final = None
"""Stands for ``**``."""
_Component: TypeAlias = re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Globs:
    """Patterns of which one has to hold."""

    names: re.Pattern[str] | None
    """Of the last component, all of them in one; ``None``: there are none."""
    paths: tuple[tuple[_Component, ...], ...]
    folder_names: re.Pattern[str] | None
    """As ``names``, for folders only."""
    folder_paths: tuple[tuple[_Component, ...], ...]

    @classmethod
    def of(cls, patterns: Sequence[str]) -> Globs:
        """Read patterns.

        Raises:
            ValueError: one is empty or too long.
        """
        for pattern in patterns:
            if not pattern.strip("/") or len(pattern) > PATH_MAX_BYTES:
                raise ValueError(f"not a pattern: {pattern[:64]!r}; it has 1 to {PATH_MAX_BYTES} characters beside /")
        bare = [pattern for pattern in patterns if not pattern.endswith("/")]
        slashed = [pattern[:-1] for pattern in patterns if pattern.endswith("/")]
        return cls(
            names=_any_name(bare),
            paths=_paths(bare),
            folder_names=_any_name([*bare, *slashed]),
            folder_paths=_paths([*bare, *slashed]),
        )

    def hold_for_file(self, path: bytes) -> bool:
        """Whether one names this absolute path of a file."""
        return _hold(self.names, self.paths, os.fsdecode(path))

    def hold_for_folder(self, path: bytes) -> bool:
        """Whether one names this absolute path of a folder."""
        return _hold(self.folder_names, self.folder_paths, os.fsdecode(path))


def _any_name(patterns: Sequence[str]) -> re.Pattern[str] | None:
    names = [pattern for pattern in patterns if "/" not in pattern]
    return re.compile("|".join(map(fnmatch.translate, names))) if names else None


def _paths(patterns: Sequence[str]) -> tuple[tuple[_Component, ...], ...]:
    return tuple(_components(pattern) for pattern in patterns if "/" in pattern)


def _components(pattern: str) -> tuple[_Component, ...]:
    absolute = pattern.removeprefix("/")
    names = absolute.split("/") if absolute != pattern else ["**", *pattern.split("/")]
    return tuple(_ANY_NUMBER if name == "**" else re.compile(fnmatch.translate(name)) for name in names)


def _hold(names: re.Pattern[str] | None, paths: tuple[tuple[_Component, ...], ...], path: str) -> bool:
    if names is not None and names.match(path[path.rfind("/") + 1 :]):
        return True
    if not paths:
        return False
    components = path[1:].split("/")
    return any(_is_match(pattern, components) for pattern in paths)


def _is_match(pattern: tuple[_Component, ...], components: list[str]) -> bool:
    """From left to right; when a component does not fit, the last ``**`` takes one more."""
    at = index = 0
    resume: tuple[int, int] | None = None
    while index < len(components):
        if at < len(pattern) and pattern[at] is _ANY_NUMBER:
            at += 1
            resume = (at, index)
        elif at < len(pattern) and _fits(pattern[at], components[index]):
            at, index = at + 1, index + 1
        elif resume is not None:
            at, index = resume[0], resume[1] + 1
            resume = (at, index)
        else:
            return False
    return all(rest is _ANY_NUMBER for rest in pattern[at:])


def _fits(component: _Component, name: str) -> bool:
    return component is not None and component.match(name) is not None
