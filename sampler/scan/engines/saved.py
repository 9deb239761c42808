"""The envelope of compiled rules that are kept: which engine made them, with which external variables.

It tells a file of another engine or version apart; it does not tell a forged or damaged one, which is why whoever keeps
it keeps a digest beside it.
"""

from __future__ import annotations

import json
from typing import Final

from sampler.errors import RulesError
from sampler.scan.engines.externals import Externals

_LENGTH_BYTES: Final = 4
_HEADER_MAX_BYTES: Final = 1 << 20


def pack(version: str, externals: Externals, compiled: bytes) -> bytes:
    """The envelope: the header's length (4 bytes, big-endian), the header in JSON, and the engine's own bytes."""
    header = json.dumps({"engine": version, "externals": dict(externals.defined)}).encode()
    return len(header).to_bytes(_LENGTH_BYTES, "big") + header + compiled


def unpack(version: str, data: bytes) -> tuple[Externals, bytes]:
    """What ``pack`` was given.

    Raises:
        RulesError: it is no such envelope, or another engine or version made it.
    """
    end = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "big")
    if not _LENGTH_BYTES < end <= min(len(data), _HEADER_MAX_BYTES):
        raise RulesError("the compiled rules are damaged; compile them again")
    try:
        header = json.loads(data[_LENGTH_BYTES:end])
        made_by, defined = header["engine"], dict(header["externals"])
    except (ValueError, TypeError, KeyError) as error:
        raise RulesError("the compiled rules are damaged; compile them again") from error
    if made_by != version:
        raise RulesError(f"the compiled rules are of {made_by}, this is {version}; compile them again")
    return Externals.define(defined), data[end:]
