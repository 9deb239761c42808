"""Keeps snapshots of sampled objects for a limited time and size, in case the queue asks for more of one.

It owns their files: each is encrypted (``runtime.sealed_file``) under a key that lies elsewhere, so that no other
scanner deletes it and nobody runs it; what is too old goes, then the oldest until the rest fits. Losing one loses
nothing that was promised: the queue is told that the object is no longer kept. It never decides what may leave.
"""

from sampler.retain.store import Kept, RetainStore

__all__ = ["Kept", "RetainStore"]
