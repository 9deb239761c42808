"""The key that this host believes its queue by: the one of its enrolment, or the first one it ever saw.

It is never exchanged by what the queue says later. Whoever enrols the host anew exchanges it, on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sampler.errors import IdentityError
from sampler.identity import PublicKey
from sampler.runtime.durable import write_durably

_FILE_MAX_BYTES = 256


@dataclass(frozen=True, slots=True)
class PinnedKey:
    """The file that holds it. Blocking."""

    path: Path

    def load(self) -> PublicKey | None:
        """The key, or ``None`` before there was one.

        Raises:
            IdentityError: the file cannot be read, or is none of ours.
        """
        try:
            with self.path.open("rb") as file:
                return PublicKey.parse(file.read(_FILE_MAX_BYTES).decode("ascii", "replace"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise IdentityError(f"{self.path}: cannot be read: {error.strerror}") from error

    def pin(self, key: PublicKey) -> None:
        """Believe this key from now on; durable when this returns.

        Raises:
            IdentityError: it cannot be written.
        """
        try:
            write_durably(self.path, f"{key}\n".encode("ascii"))
        except OSError as error:
            raise IdentityError(f"{self.path}: cannot be written: {error.strerror}") from error
