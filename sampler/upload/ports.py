"""What delivering needs from above: the spool's side, and the agent's three answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, BinaryIO, Protocol, TypeAlias

from sampler.model import ObjectRecord, ObjectState, Verdict, Waiting

Check: TypeAlias = Callable[[Waiting], Awaitable[str | None]]
"""Why something may no longer be sent, or ``None``; asked before a manifest and before each chunk of a content."""
OnEvent: TypeAlias = Callable[[str, Waiting, Mapping[str, Any]], Awaitable[None]]
"""Told ``sent`` before the first byte leaves, then ``delivered`` or ``refused``."""
OnVerdict: TypeAlias = Callable[[ObjectRecord, Verdict], Awaitable[None]]
"""Told of each verdict once it is durable in the record."""


class ContentReader(Protocol):
    """Opens a content's bytes (blocking); the caller closes it. Raises ``SpoolError``."""

    def __call__(self, sha256: str, /) -> BinaryIO:
        """An unbuffered or buffered binary file that can seek."""


class Outbox(Protocol):
    """What waits for delivery. The methods block and are called from threads; ``spool.Spool`` is one."""

    def pending(self, now: datetime, limit: int) -> tuple[Waiting, ...]:
        """What may be delivered at ``now``, oldest first."""

    def next_due(self) -> datetime | None:
        """When the next delivery may begin; ``None`` when nothing waits."""

    def open_content(self, sha256: str) -> BinaryIO:
        """A content's bytes."""

    def finish(self, event_id: str, state: ObjectState, *, detail: str, sent_bytes: int, now: datetime) -> None:
        """End an object."""

    def postpone(self, event_id: str, until: datetime, *, detail: str, now: datetime) -> None:
        """Count one more attempt and try again at ``until``."""

    def remember_upload(self, event_id: str, sha256: str, url: str) -> None:
        """Keep where an upload goes on; an empty ``url`` says that it was begun and its place is not known."""

    def upload_url(self, event_id: str, sha256: str) -> str | None:
        """What ``remember_upload`` was told last."""

    def cursor(self) -> int:
        """The verdict cursor."""

    def set_cursor(self, value: int) -> None:
        """Keep the verdict cursor."""

    def set_verdict(self, event_id: str, verdict: Verdict, now: datetime) -> ObjectRecord | None:
        """Keep a verdict; ``None`` when there is no such object."""
