"""The passwords that samples are exchanged under. They are tried, and no other one is ever guessed."""

from __future__ import annotations

from typing import Final

PASSWORDS: Final = ("infected", "malware")
"""In the order in which they are tried."""
