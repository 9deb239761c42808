"""What a result depends on beside the bytes: the rules, and what those rules were told of the file. Pure."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import Final

from sampler import __version__

_CONTEXT_BYTES: Final = 16
_FOLDER: Final = b"folder"
"""So that no folder has the context of a file."""


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
        for part in (__version__, self.ruleset_version, self.limits, *self._told):
            self._same.update(_delimited(part))

    def of(self, path: bytes, uid: int) -> bytes:
        """For the bytes of one file: files with the same bytes and context have the same result."""
        digest = self._same.copy()
        if self._told:
            told = _told(path, uid)
            digest.update(b"".join(_delimited(told[name]) for name in self._told))
        return digest.digest()

    def of_folder(self, folder: bytes) -> bytes:
        """For the files of one folder: with a file's name and owner it settles everything that rules are told of it.

        Args:
            folder: absolute path, with or without a slash at its end.
        """
        digest = self._same.copy()
        digest.update(_FOLDER + folder.rstrip(b"/"))
        return digest.digest()


def _told(path: bytes, uid: int) -> dict[str, str]:
    from sampler.describe import owner_class  # noqa: PLC0415  # only what is scanned needs these: they take a while
    from sampler.examine import externals_of  # noqa: PLC0415  # as above

    return externals_of(path, "", owner_class(uid))


def _delimited(part: str) -> bytes:
    data = os.fsencode(part)
    return len(data).to_bytes(4, "big") + data
