"""How far this host has followed the receipts of its queue: the cursor, the last head of the log, and what is wrong.

One small file, replaced durably after each step that was checked and journaled, so that what a crash repeats is found
in the journal. It belongs to one key: under another one, which only an enrolment brings, everything begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct

from sampler.errors import ReceiptError
from sampler.limits import RECEIPT_STANDING_MAX_BYTES
from sampler.runtime.durable import make_private_folder, write_durably
from sampler.wire.codec import DecodeError, decode, encode
from sampler.wire.receipt_messages import Signed

_READABLE_BY_ALL = 0o644


class Trouble(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the log of the queue is not believed at the moment."""

    code: str
    detail: str


class Standing(Struct, frozen=True, forbid_unknown_fields=True):
    """What was checked so far."""

    key: str
    cursor: int = 0
    head: Signed | None = None
    """The last one that was consistent with all before it."""
    confirmed: int = 0
    """Receipts that held."""
    refused: int = 0
    """Receipts that did not; the journal has each."""
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class StandingFile:
    """Where it is kept; every user of the machine can read it. Blocking."""

    path: Path

    def load(self, key: str) -> Standing:
        """The standing under this key; a fresh one where there is none.

        Raises:
            ReceiptError: it cannot be read.
        """
        found = self.read()
        return found if found is not None and found.key == key else Standing(key)

    def read(self) -> Standing | None:
        """Whatever stands there; ``None`` before the first.

        Raises:
            ReceiptError: it cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                return decode(file.read(RECEIPT_STANDING_MAX_BYTES), Standing)
        except FileNotFoundError:
            return None
        except (OSError, DecodeError) as error:
            advice = "remove it, and receipts are followed from the beginning"
            raise ReceiptError(f"{self.path}: cannot be read: {error}; {advice}", "standing") from error

    def save(self, standing: Standing) -> None:
        """Keep it; durable when this returns.

        Raises:
            ReceiptError: it cannot be written.
        """
        try:
            make_private_folder(self.path.parent, mode=0o755)
            write_durably(self.path, encode(standing), mode=_READABLE_BY_ALL)
        except OSError as error:
            raise ReceiptError(f"{self.path}: cannot be written: {error}", "standing") from error
