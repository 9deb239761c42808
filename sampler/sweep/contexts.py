"""What a result depends on beside the bytes: the rules, and what those rules were told of the file. Pure."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import Final

from sampler import __version__
from sampler.describe import owner_class
from sampler.examine import externals_of

_CONTEXT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Contexts:
    """Makes the part of a key that is not the bytes; what another release of Sampler found is not taken over."""

    ruleset_version: str
    used: tuple[str, ...]
    """The external variables that some rule looks at. ``filetype`` comes from the bytes and adds nothing."""
    limits: str
    """What bounds a result; another bound is another result."""
    _told: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """The variables that differ from file to file with the same bytes."""
    _same: hashlib.blake2b = field(init=False, repr=False, compare=False)
    """A digest of what is the same for all files."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_told", tuple(name for name in self.used if name != "filetype"))
        object.__setattr__(self, "_same", hashlib.blake2b(digest_size=_CONTEXT_BYTES))
        for part in (__version__, self.ruleset_version, self.limits):
            self._same.update(_delimited(part))

    def of(self, path: bytes, uid: int) -> bytes:
        """For one file."""
        digest = self._same.copy()
        if self._told:
            told = externals_of(path, "", owner_class(uid))
            digest.update(b"".join(_delimited(told[name]) for name in self._told))
        return digest.digest()


def _delimited(part: str) -> bytes:
    data = os.fsencode(part)
    return len(data).to_bytes(4, "big") + data
