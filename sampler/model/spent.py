"""How much has been permitted to leave lately."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spent:
    """What was permitted within a stretch of time, delivered or not."""

    content_bytes: int = 0
    objects: int = 0
    """Those with contents; metadata alone does not count."""
