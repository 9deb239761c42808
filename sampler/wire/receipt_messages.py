"""Receipts: what a queue signs about a submission, the log of all of them, and the proofs that go with it.

What is signed is the document's own bytes, which travel inside ``Signed`` as they were signed, so that nobody has to
write them down again to check them. docs/receipts.md shows how to check all of it with other tools.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta

from sampler.limits import LOG_PROOF_NODES_MAX_COUNT, PARTS_MAX_COUNT, RECEIPT_MAX_BYTES, RECEIPTS_PAGE_MAX_COUNT
from sampler.wire.messages import Id, Message, Sha256, Size, StatementMessage, TreeHash

RECEIPT_CONTEXT: Final = "sampler receipt"
HEAD_CONTEXT: Final = "sampler tree head"

Position: TypeAlias = Annotated[int, Meta(ge=0, lt=2**62, description="place in the log, from 0")]
Count: TypeAlias = Annotated[int, Meta(ge=0, lt=2**62)]
Key: TypeAlias = Annotated[str, Meta(max_length=64, description="Ed25519 public key (RFC 8032), base64")]
Signature: TypeAlias = Annotated[bytes, Meta(min_length=64, max_length=64, description="Ed25519 (RFC 8032)")]


class ReceivedContent(Message, frozen=True, kw_only=True):
    """Bytes that the queue has, and has verified."""

    sha256: Sha256
    size: Size


class Receipt(Message, frozen=True, kw_only=True, omit_defaults=False):
    """What the queue has of one submission; signed in the context ``sampler receipt``, and a leaf of the log."""

    schema: Literal["sampler.receipt/1"] = "sampler.receipt/1"
    submission: Id
    device: Id
    manifest: Sha256
    """Of the manifest's bytes, as they came."""
    contents: Annotated[tuple[ReceivedContent, ...], Meta(max_length=PARTS_MAX_COUNT + 1)] = ()
    """Everything that the manifest offers, each once, in its order."""
    received: datetime
    """When the manifest came."""
    position: Position
    statement: StatementMessage
    """Under which the host's owner let it leave, as the manifest says."""


class TreeHead(Message, frozen=True, kw_only=True, omit_defaults=False):
    """The log at one moment; signed in the context ``sampler tree head``."""

    schema: Literal["sampler.head/1"] = "sampler.head/1"
    size: Count
    """Receipts in it."""
    root: Sha256
    """Of the Merkle tree over their bytes (RFC 9162, section 2.1.1, SHA-256)."""
    time: datetime


class Signed(Message, frozen=True, kw_only=True):
    """A document's bytes and the queue's signature; both are base64 (RFC 4648) on the wire."""

    document: Annotated[bytes, Meta(max_length=RECEIPT_MAX_BYTES)]
    """JSON: a ``Receipt`` or a ``TreeHead``."""
    signature: Signature


class ReceiptPage(Message, frozen=True, kw_only=True):
    """``GET /v1/receipts?after=CURSOR&wait=SECONDS``: this host's receipts after the cursor, in the log's order."""

    receipts: Annotated[tuple[Signed, ...], Meta(max_length=RECEIPTS_PAGE_MAX_COUNT)] = ()
    cursor: Count
    """Ask again from here."""


class LogKey(Message, frozen=True, kw_only=True):
    """``GET /v1/log/key``: what receipts, heads and confirmations of this queue are checked with."""

    key: Key


class LogProof(Message, frozen=True, kw_only=True):
    """Hashes of subtrees, in the order of RFC 9162, sections 2.1.3.1 and 2.1.4.1."""

    nodes: Annotated[tuple[TreeHash, ...], Meta(max_length=LOG_PROOF_NODES_MAX_COUNT)] = ()


class KeptHead(Message, frozen=True, kw_only=True):
    """A signed head with the key of its queue: what is carried to another place to be compared."""

    key: Key
    head: Signed
