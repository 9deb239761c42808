"""Receipts as the journal has them: everything that checking them anew takes, and nothing that only the agent knows.

``receipt`` (its ``event_id`` is the submission's): ``digest`` of the receipt's bytes, ``position``, ``receipt`` (its
bytes, as text), ``signature``, ``key``, ``head`` and ``inclusion``. ``receipt_refused``: ``digest``, ``code``,
``reason``, and the bytes and the signature as they came. One about the log has the heads that contradict each other
instead: with both signatures they convince anybody.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sampler.errors import ReceiptError
from sampler.wire.receipt_messages import LogProof, Signed


@dataclass(frozen=True, slots=True)
class Held:
    """A receipt with what it was checked by."""

    signed: Signed
    key: str
    head: Signed

    @property
    def digest(self) -> str:
        """SHA-256 of the receipt's bytes: what the journal knows it by."""
        return hashlib.sha256(self.signed.document).hexdigest()


def held_document(held: Held, position: int, inclusion: LogProof) -> dict[str, Any]:
    """The document of a ``receipt`` entry."""
    return {
        "digest": held.digest,
        "position": position,
        "receipt": held.signed.document.decode("utf-8"),
        "signature": _base64(held.signed.signature),
        "key": held.key,
        "head": _signed(held.head),
        "inclusion": [node.hex() for node in inclusion.nodes],
    }


def refused_document(signed: Signed, error: ReceiptError) -> dict[str, Any]:
    """The document of a ``receipt_refused`` entry about one receipt; its bytes may be anything."""
    return {
        "digest": hashlib.sha256(signed.document).hexdigest(),
        "code": error.code,
        "reason": str(error),
        "receipt_base64": _base64(signed.document),
        "signature": _base64(signed.signature),
    }


def trouble_document(code: str, reason: str, heads: Mapping[str, Signed | None]) -> dict[str, Any]:
    """The document of a ``receipt_refused`` entry about the log.

    Args:
        code: of the ``ReceiptError``.
        reason: for people.
        heads: the last head that held (``seen``), and the one that the queue showed last (``shown``).
    """
    evidence = {name: _signed(head) for name, head in heads.items() if head is not None}
    return {"digest": "", "code": code, "reason": reason, **evidence}


def held_of(document: Mapping[str, Any]) -> tuple[Held, LogProof]:
    """What ``held_document`` wrote.

    Raises:
        ReceiptError: it is no such document.
    """
    try:
        signed = Signed(document=document["receipt"].encode(), signature=base64.b64decode(document["signature"]))
        head = document["head"]
        seen = Signed(document=head["document"].encode(), signature=base64.b64decode(head["signature"]))
        nodes = tuple(map(bytes.fromhex, document["inclusion"]))
        return Held(signed, str(document["key"]), seen), LogProof(nodes=nodes)
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
        raise ReceiptError(f"a journal entry is no receipt: {error!r}", "unreadable") from error


def _signed(head: Signed) -> dict[str, str]:
    return {"document": head.document.decode("utf-8", "backslashreplace"), "signature": _base64(head.signature)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
