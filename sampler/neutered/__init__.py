"""How suspicious bytes are wrapped so that nobody runs them by accident and no scanner on the way deletes them.

Owns the forms in which a content is handed out: CaRT, zip with the password that the field uses, and the bytes as they
are. Invariants: whatever the size, no more than a piece is in memory; unwrapping yields the bytes that were wrapped or
raises; names inside are made of hashes, never of what a host said. The wraps hide nothing from anybody: their keys and
passwords are public. It decides nothing about who may have what.
"""

from sampler.neutered.forms import PASSWORD, Form, file_name, plain, wrapped
from sampler.neutered.zips import LEGACY_MAX_BYTES

__all__ = ["LEGACY_MAX_BYTES", "PASSWORD", "Form", "file_name", "plain", "wrapped"]
