"""The key that a queue signs receipts, confirmations of recalls and heads of its log with: one for all of them.

What it signs is told apart by context (``identity.signing``). It is not the authority's: who holds the one cannot issue
certificates, and renewing certificates changes no signature. Losing it leaves signed documents that nobody can be asked
about any more, so it belongs in the backup with the ledger.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sampler.identity import SigningKey
from sampler.runtime.durable import make_private_folder

KEY_FILE: Final = "receipt.key"


def receipt_key(folder: Path) -> SigningKey:
    """The key of the queue whose state is in ``folder``; made, durably, where there is none.

    Queues that were made before there were receipts get theirs at their next start, so the caller is the only process
    that serves this folder, or the one that makes it.

    Raises:
        IdentityError: it cannot be read or written, others can read it, or it is of another kind.
    """
    path = folder / KEY_FILE
    if path.exists():
        return SigningKey.load(path)
    make_private_folder(folder)
    return SigningKey.create(path)
