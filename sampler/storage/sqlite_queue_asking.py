"""Asks for more of an object in SQLite."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from sampler.model import AskState
from sampler.queue import AskRecord
from sampler.storage.connections import Row
from sampler.storage.sqlite_queue_rows import Rows, from_column, to_column
from sampler.wire.ask_messages import AskRequest

_asked_decoder = msgspec.json.Decoder(AskRequest)


class Asking(Rows):
    """The part of ``queue.Ledger`` that says what hosts are asked for."""

    def add_ask(self, ask: AskRecord) -> None:
        """Record an ask."""
        self._insert("asks", of=f"ask {ask.id}", **_columns(ask))

    def put_ask(self, ask: AskRecord) -> None:
        """Replace an ask by its next state."""
        columns = _columns(ask)
        names = ", ".join(f"{name} = ?" for name in columns)
        sql = f"UPDATE asks SET {names} WHERE id = ?"  # noqa: S608  # names are keywords of our code
        self._write(sql, *columns.values(), ask.id)

    def ask(self, ask_id: str) -> AskRecord | None:
        """The ask with this identifier."""
        row = self._row("SELECT * FROM asks WHERE id = ?", ask_id)
        return None if row is None else _ask(row)

    def asks(self, submission_id: str | None, limit: int, tenant: str | None = None) -> tuple[AskRecord, ...]:
        """Asks, or those about one submission, the newest first; a tenant's where it is named."""
        named = {"asks.submission": submission_id, "submissions.tenant": tenant}
        asked = {name: value for name, value in named.items() if value is not None}
        wanted = " AND ".join(f"{name} = ?" for name in asked) or "1 = 1"
        sql = f"""SELECT asks.* FROM asks JOIN submissions ON submissions.id = asks.submission
                  WHERE {wanted} ORDER BY asks.number DESC LIMIT ?"""  # noqa: S608  # names are our own
        return tuple(_ask(row) for row in self._rows(sql, *asked.values(), limit))

    def open_asks(self, device: str, limit: int) -> tuple[AskRecord, ...]:
        """A device's open asks, the oldest first."""
        sql = "SELECT * FROM asks WHERE device = ? AND state = 'open' ORDER BY number LIMIT ?"
        return tuple(_ask(row) for row in self._rows(sql, device, limit))

    def overdue_asks(self, now: datetime, limit: int) -> tuple[AskRecord, ...]:
        """Open asks whose time is over."""
        sql = "SELECT * FROM asks WHERE state = 'open' AND expires <= ? ORDER BY expires, number LIMIT ?"
        return tuple(_ask(row) for row in self._rows(sql, to_column(now), limit))


def _columns(ask: AskRecord) -> dict[str, Any]:
    return {
        "id": ask.id,
        "submission": ask.submission,
        "device": ask.device,
        "asked": msgspec.json.encode(ask.asked).decode(),
        "created": to_column(ask.created),
        "expires": to_column(ask.expires),
        "state": ask.state,
        "answer": ask.answer,
        "reason": ask.reason,
    }


def _ask(row: Row) -> AskRecord:
    return AskRecord(
        id=row["id"],
        submission=row["submission"],
        device=row["device"],
        asked=_asked_decoder.decode(row["asked"]),
        created=from_column(row["created"]),
        expires=from_column(row["expires"]),
        state=AskState(row["state"]),
        answer=row["answer"],
        reason=row["reason"],
    )
