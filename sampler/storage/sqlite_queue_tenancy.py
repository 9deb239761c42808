"""Whose what is: the tenants, which contents each of them has brought, and how much on which day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from sampler.queue import Quotas, Tenant, Usage
from sampler.storage.connections import Row
from sampler.storage.sqlite_queue_rows import Rows, from_column, marks, to_column


class Tenancy(Rows):
    """The part of ``queue.Ledger`` that keeps tenants apart."""

    def add_tenant(self, tenant: Tenant) -> None:
        """Record a tenant."""
        values = {"name": tenant.name, "created": to_column(tenant.created), "quotas": _text(tenant.quotas)}
        self._insert("tenants", of=f"tenant {tenant.name}", **values)

    def put_tenant(self, tenant: Tenant) -> None:
        """Replace a tenant's quotas."""
        self._write("UPDATE tenants SET quotas = ? WHERE name = ?", _text(tenant.quotas), tenant.name)

    def tenant(self, name: str) -> Tenant | None:
        """The tenant of this name."""
        row = self._row("SELECT * FROM tenants WHERE name = ?", name)
        return None if row is None else _tenant(row)

    def tenants(self) -> tuple[Tenant, ...]:
        """All of them by name."""
        return tuple(_tenant(row) for row in self._rows("SELECT * FROM tenants ORDER BY name"))

    def submissions_tenant(self, submission_id: str) -> str | None:
        """Whose a submission is."""
        row = self._row("SELECT tenant FROM submissions WHERE id = ?", submission_id)
        return None if row is None else str(row["tenant"])

    def held(self, tenant: str, hashes: Sequence[str]) -> frozenset[str]:
        """Which of these contents one of the tenant's hosts has delivered."""
        sql = f"SELECT sha256 FROM tenant_contents WHERE tenant = ? AND sha256 IN {marks(hashes)}"  # noqa: S608
        return frozenset(row["sha256"] for row in self._rows(sql, tenant, *hashes))

    def offered_by_others(self, tenant: str, sha256: str) -> bool:
        """Whether a submission of another tenant offers this content."""
        sql = """SELECT 1 FROM offered JOIN submissions ON submissions.id = offered.submission
                 WHERE offered.sha256 = ? AND submissions.tenant <> ? LIMIT 1"""
        return self._row(sql, sha256, tenant) is not None

    def release_held(self, tenant: str, sha256: str) -> None:
        """Forget that the tenant has delivered a content, unless one of its submissions still offers it."""
        sql = """DELETE FROM tenant_contents WHERE tenant = ? AND sha256 = ? AND NOT EXISTS (
                     SELECT 1 FROM offered JOIN submissions ON submissions.id = offered.submission
                     WHERE offered.sha256 = ? AND submissions.tenant = ?)"""
        self._write(sql, tenant, sha256, sha256, tenant)

    def used(self, day: date, device: str) -> Usage:
        """What a host brought on a day."""
        sql = "SELECT objects, total_bytes FROM device_usage WHERE day = ? AND device = ?"
        return _usage(self._row(sql, day.toordinal(), device))

    def used_by_tenant(self, day: date, tenant: str) -> Usage:
        """What was counted for a tenant on a day."""
        sql = "SELECT objects, total_bytes FROM tenant_usage WHERE day = ? AND tenant = ?"
        return _usage(self._row(sql, day.toordinal(), tenant))

    def used_by_hosts(self, day: date) -> dict[str, Usage]:
        """What each tenant's hosts brought on a day."""
        sql = """SELECT devices.tenant, sum(objects) AS objects, sum(total_bytes) AS total_bytes FROM device_usage
                 JOIN devices ON devices.agent_id = device_usage.device WHERE day = ? GROUP BY devices.tenant"""
        return {row["tenant"]: _usage(row) for row in self._rows(sql, day.toordinal())}

    def add_used(self, day: date, device: str, more: Usage, *, tenant: str | None = None) -> None:
        """Count more for a host, and for its tenant where that is named: hosts do not wait for each other otherwise."""
        self._add_used("device", day, device, more)
        if tenant is not None:
            self._add_used("tenant", day, tenant, more)

    def forget_used(self, before: date) -> None:
        """Forget the numbers of days before this one."""
        for table in ("device_usage", "tenant_usage"):
            self._write(f"DELETE FROM {table} WHERE day < ?", before.toordinal())  # noqa: S608  # names are our own

    def _add_used(self, whose: str, day: date, holder: str, more: Usage) -> None:
        table = f"{whose}_usage"
        sql = f"""INSERT INTO {table} (day, {whose}, objects, total_bytes) VALUES (?, ?, ?, ?)
                  ON CONFLICT (day, {whose}) DO UPDATE SET objects = {table}.objects + excluded.objects,
                  total_bytes = {table}.total_bytes + excluded.total_bytes"""  # noqa: S608  # names are our own
        self._write(sql, day.toordinal(), holder, more.objects, more.bytes)


def _text(quotas: Quotas) -> str:
    return msgspec.json.encode(quotas).decode()


def _tenant(row: Row) -> Tenant:
    return Tenant(row["name"], from_column(row["created"]), msgspec.json.decode(row["quotas"], type=Quotas))


def _usage(row: Row | None) -> Usage:
    return Usage() if row is None else Usage(int(row["objects"]), int(row["total_bytes"]))
