"""Whether a receipt says what this host sent, and whether the log that it is in ever only grew. Pure.

The checks of a receipt, in their order; the first that fails names the code of the ``ReceiptError``:

1. ``signature``: the pinned key has signed exactly these bytes, as a receipt.
2. ``unreadable``: they are a receipt.
3. ``device``: it is this host's.
4. ``unsent``: this host's journal has it that the submission was offered.
5. ``manifest``: the queue got the manifest that was sent.
6. ``contents``: it has every content that was offered, and no other.
7. ``not-in-log``: the log under the head that was checked has the receipt where it says it stands.

Of a head: ``head-signature``, ``head-unreadable``, then ``shrunk`` and ``forked``.
"""

from __future__ import annotations

from sampler.agent.receipt_sent import Sent
from sampler.errors import ReceiptError
from sampler.identity import PublicKey
from sampler.wire.codec import DecodeError, decode
from sampler.wire.log_proofs import is_extended, is_included
from sampler.wire.receipt_messages import HEAD_CONTEXT, RECEIPT_CONTEXT, LogProof, Receipt, Signed, TreeHead


def opened_receipt(key: PublicKey, signed: Signed) -> Receipt:
    """The receipt, if the key signed it.

    Raises:
        ReceiptError: it did not, or it is none.
    """
    if not key.has_signed(RECEIPT_CONTEXT, signed.document, signed.signature):  # 1
        raise ReceiptError(f"a receipt is not signed by the queue's key {key.id}", "signature")
    try:
        return decode(signed.document, Receipt)  # 2
    except DecodeError as error:
        raise ReceiptError(f"the queue signed what is no receipt: {error}", "unreadable") from error


def check_receipt(receipt: Receipt, device: str, sent: Sent | None) -> None:
    """Hold a receipt against what this host knows of the submission.

    Raises:
        ReceiptError: it says something else.
    """
    what = f"the receipt of {receipt.submission}"
    if receipt.device != device:  # 3
        raise ReceiptError(f"{what} is device {receipt.device}'s", "device")
    if sent is None:  # 4
        raise ReceiptError(f"{what} is for something that the journal of this host does not have", "unsent")
    if receipt.manifest != sent.manifest:  # 5
        raise ReceiptError(f"{what} names manifest {receipt.manifest}, sent was {sent.manifest}", "manifest")
    contents = tuple((content.sha256, content.size) for content in receipt.contents)
    if contents != sent.contents:  # 6
        raise ReceiptError(f"{what} names {len(contents)} contents, and not those that were offered", "contents")


def check_included(document: bytes, receipt: Receipt, head: TreeHead, proof: LogProof) -> None:
    """Hold a receipt against the log.

    Raises:
        ReceiptError: it is not where it says that it is.
    """
    root = bytes.fromhex(head.root)
    if not is_included(document, receipt.position, head.size, root, proof.nodes):  # 7
        place = f"at {receipt.position} of the log of {head.size} receipts"
        raise ReceiptError(f"the receipt of {receipt.submission} is not {place}", "not-in-log")


def opened_head(key: PublicKey, signed: Signed) -> TreeHead:
    """The head, if the key signed it.

    Raises:
        ReceiptError: it did not, or it is none.
    """
    if not key.has_signed(HEAD_CONTEXT, signed.document, signed.signature):
        raise ReceiptError(f"a head of the log is not signed by the queue's key {key.id}", "head-signature")
    try:
        return decode(signed.document, TreeHead)
    except DecodeError as error:
        raise ReceiptError(f"the queue signed what is no head: {error}", "head-unreadable") from error


def check_not_shrunk(before: TreeHead, after: TreeHead) -> None:
    """Look whether a later head has fewer receipts.

    Raises:
        ReceiptError: receipts that were there are gone.
    """
    if after.size < before.size:
        lost = f"it had {before.size} receipts and now has {after.size}"
        raise ReceiptError(f"the queue's log of receipts has shrunk: {lost}", "shrunk")


def check_grown(before: TreeHead, after: TreeHead, proof: LogProof) -> None:
    """Hold a head against one that is not larger.

    Raises:
        ReceiptError: they are heads of different histories.
    """
    roots = bytes.fromhex(before.root), bytes.fromhex(after.root)
    if not is_extended(before.size, roots[0], after.size, roots[1], proof.nodes):
        detail = f"the log of {after.size} receipts does not begin with the one of {before.size} that was shown before"
        raise ReceiptError(f"the queue's log of receipts is another one: {detail}", "forked")
