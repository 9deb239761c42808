"""The signature that lies beside a statement, ``NAME.sig``: three lines of text.

::

    sampler statement signature v1
    key 0123456789abcdef
    base64 of 64 bytes

The second names the key and proves nothing. What is signed is ``digest_input`` of both files in the context
``SIGNATURE_CONTEXT``. Whether a signature is good is for those to say who have the keys: nothing here verifies one.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from sampler.errors import ConsentError

SIGNATURE_CONTEXT: Final = "sampler statement"
_HEAD: Final = "sampler statement signature v1"
_LINES: Final = re.compile(rf"{_HEAD}\nkey ([0-9a-f]{{16}})\n([A-Za-z0-9+/]{{86}}==)\n?".encode())


@dataclass(frozen=True, slots=True)
class StatementSignature:
    """Who says to have signed, and the signature."""

    key_id: str
    """16 hexadecimal digits."""
    signature: bytes
    """64 bytes."""

    def __str__(self) -> str:
        """The file."""
        return f"{_HEAD}\nkey {self.key_id}\n{base64.b64encode(self.signature).decode('ascii')}\n"


def parse_signature(data: bytes) -> StatementSignature:
    """A signature from its file.

    Raises:
        ConsentError: it is none.
    """
    match = _LINES.fullmatch(data)
    if match is None:
        raise ConsentError(f"not a signature of a statement: its first line is to be {_HEAD!r}, two more follow")
    try:
        return StatementSignature(match[1].decode("ascii"), base64.b64decode(match[2], validate=True))
    except binascii.Error as error:
        raise ConsentError(f"not a signature of a statement: {error}") from error
