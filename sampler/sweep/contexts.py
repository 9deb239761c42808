"""What a result depends on beside the bytes: the rules, and what those rules were told of the file. Pure."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
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

    def of(self, path: bytes, uid: int) -> bytes:
        """For one file."""
        told = externals_of(path, "", owner_class(uid)) if self.used else {}
        names = (told[name] for name in self.used if name != "filetype")
        parts = (__version__, self.ruleset_version, self.limits, *names)
        digest = hashlib.blake2b(digest_size=_CONTEXT_BYTES)
        for part in parts:
            data = os.fsencode(part)
            digest.update(len(data).to_bytes(4, "big") + data)
        return digest.digest()
