"""Keeps snapshots, encrypted: for a while in case the queue asks for more, or until a person decided about them.

It owns their files: each is encrypted (``runtime.sealed_file``) under a key that lies elsewhere, so that no other
scanner deletes it and nobody runs it. What a ``RetainStore`` keeps makes room for newer: losing one loses nothing that
was promised, the queue is told that the object is no longer kept. What a ``HoldStore`` keeps stays until it is let go
of: what does not fit is not taken in the first place. Neither decides what may leave.
"""

from sampler.retain.hold_store import HoldStore
from sampler.retain.sealed_folder import Kept
from sampler.retain.store import RetainStore

__all__ = ["HoldStore", "Kept", "RetainStore"]
