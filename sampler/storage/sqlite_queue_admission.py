"""Devices and tokens in SQLite."""

from __future__ import annotations

from datetime import datetime

from sampler.queue import Device, TokenRecord
from sampler.storage.connections import Row
from sampler.storage.sqlite_queue_rows import Rows, from_column, or_none, to_column
from sampler.wire.routes import Role


class Admission(Rows):
    """The part of ``queue.Ledger`` that says who is let in."""

    def add_device(self, device: Device) -> None:
        """Record an enrolled host."""
        self._insert(
            "devices",
            of=f"device {device.agent_id}",
            agent_id=device.agent_id,
            serial=device.serial,
            name=device.name,
            enrolled=to_column(device.enrolled),
            expires=to_column(device.expires),
            revoked=None if device.revoked is None else to_column(device.revoked),
            tenant=device.tenant,
        )

    def device(self, agent_id: str) -> Device | None:
        """The host with this identifier."""
        row = self._row("SELECT * FROM devices WHERE agent_id = ?", agent_id)
        return None if row is None else _device(row)

    def devices(self) -> tuple[Device, ...]:
        """All hosts, in the order in which they enrolled."""
        return tuple(_device(row) for row in self._rows("SELECT * FROM devices ORDER BY number"))

    def revoke_device(self, agent_id: str, at: datetime) -> bool:
        """Refuse the host from now on."""
        sql = "UPDATE devices SET revoked = ? WHERE agent_id = ? AND revoked IS NULL"
        return self._write(sql, to_column(at), agent_id) > 0

    def add_token(self, token: TokenRecord) -> None:
        """Record a token."""
        self._insert(
            "tokens",
            of=f"token {token.name!r}",
            digest=token.digest,
            role=token.role,
            name=token.name,
            created=to_column(token.created),
            expires=to_column(token.expires),
            ended=None if token.ended is None else to_column(token.ended),
            tenant=token.tenant,
            raw=int(token.raw),
        )

    def token(self, digest: str) -> TokenRecord | None:
        """The token with this digest."""
        row = self._row("SELECT * FROM tokens WHERE digest = ?", digest)
        return None if row is None else _token(row)

    def tokens(self) -> tuple[TokenRecord, ...]:
        """All tokens, in the order in which they were made."""
        return tuple(_token(row) for row in self._rows("SELECT * FROM tokens ORDER BY number"))

    def end_token(self, digest: str, at: datetime) -> bool:
        """Use it up or revoke it; only one caller gets true."""
        return self._write("UPDATE tokens SET ended = ? WHERE digest = ? AND ended IS NULL", to_column(at), digest) > 0


def _device(row: Row) -> Device:
    return Device(
        agent_id=row["agent_id"],
        serial=row["serial"],
        name=row["name"],
        enrolled=from_column(row["enrolled"]),
        expires=from_column(row["expires"]),
        revoked=or_none(row["revoked"]),
        tenant=row["tenant"],
    )


def _token(row: Row) -> TokenRecord:
    return TokenRecord(
        digest=row["digest"],
        role=Role(row["role"]),
        name=row["name"],
        created=from_column(row["created"]),
        expires=from_column(row["expires"]),
        ended=or_none(row["ended"]),
        tenant=row["tenant"],
        raw=bool(row["raw"]),
    )
