"""What an operator lets deliveries to a queue take: how fast, when, how many, compressed or not, by which way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sampler.limits import CREATE_WITH_UPLOAD_MAX_BYTES
from sampler.runtime.hours import Hours


@dataclass(frozen=True, slots=True)
class Terms:
    """Of one queue."""

    bytes_per_second: int = 0
    """All bodies together; 0 is as fast as it goes."""
    hours: Hours = field(default_factory=Hours)
    """When contents of more than ``hours_above_bytes`` may travel."""
    hours_above_bytes: int = CREATE_WITH_UPLOAD_MAX_BYTES
    contents_at_once: int = 4
    """Contents on their way at once, of all objects together."""
    compress: bool = True
    """Where it pays and the queue takes it."""
    proxy: str = ""
    """A proxy's URL, or ``none``; empty: what the environment says."""

    def wait_seconds(self, size: int, now: datetime) -> float:
        """How long a content of so many bytes has to wait for its hours; 0 when it may travel."""
        return self.hours.wait_seconds(now) if size > self.hours_above_bytes else 0.0
