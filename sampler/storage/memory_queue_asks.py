"""Asks for more of an object in memory, as a part of the queue's ledger that forgets everything with the process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime

from sampler.errors import Conflict
from sampler.model import AskState
from sampler.queue import AskRecord


class MemoryAsks(ABC):
    """The part of ``queue.Ledger`` that says what hosts are asked for."""

    @property
    @abstractmethod
    def _asks(self) -> dict[str, AskRecord]:
        """All of them, in the order of their making."""

    @abstractmethod
    def submissions_tenant(self, submission_id: str) -> str | None:
        """Whose a submission is."""

    def add_ask(self, ask: AskRecord) -> None:
        """Record an ask."""
        if ask.id in self._asks:
            raise Conflict(f"ask {ask.id} exists already")
        self._asks[ask.id] = ask

    def put_ask(self, ask: AskRecord) -> None:
        """Replace an ask by its next state."""
        if ask.id in self._asks:
            self._asks[ask.id] = ask

    def ask(self, ask_id: str) -> AskRecord | None:
        """The ask with this identifier."""
        return self._asks.get(ask_id)

    def asks(self, submission_id: str | None, limit: int, tenant: str | None = None) -> tuple[AskRecord, ...]:
        """Asks, or those about one submission, the newest first; a tenant's where it is named."""
        found = [ask for ask in reversed(self._asks.values()) if submission_id in (None, ask.submission)]
        return tuple([ask for ask in found if tenant in (None, self.submissions_tenant(ask.submission))][:limit])

    def open_asks(self, device: str, limit: int) -> tuple[AskRecord, ...]:
        """A device's open asks, the oldest first."""
        return tuple([ask for ask in self._open() if ask.device == device][:limit])

    def overdue_asks(self, now: datetime, limit: int) -> tuple[AskRecord, ...]:
        """Open asks whose time is over."""
        overdue = [ask for ask in self._open() if ask.expires <= now]
        return tuple(sorted(overdue, key=lambda ask: ask.expires)[:limit])

    def _open(self) -> list[AskRecord]:
        return [ask for ask in self._asks.values() if ask.state is AskState.OPEN]
