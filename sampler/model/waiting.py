"""One parcel that waits on the host for its delivery."""

from __future__ import annotations

from dataclasses import dataclass

from sampler.model.parcel import Content, Scope, StatementRef


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the spool hands to the one who delivers: everything needed to send, nothing else known of the object."""

    event_id: str
    manifest: bytes
    """Exactly the bytes that are offered to the queue."""
    contents: tuple[Content, ...]
    scopes: frozenset[Scope]
    """What consent is needed; looked at again before each sending."""
    statement: StatementRef
    attempts: int
    """How often a delivery was begun and had to be postponed."""

    @property
    def content_bytes(self) -> int:
        """Of all contents; the same bytes twice count once."""
        return sum({content.sha256: content.size for content in self.contents}.values())
