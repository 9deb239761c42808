"""What hosts can look up, by tenant and hash."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from sampler.model import Verdict
from sampler.queue import Listed
from sampler.storage.connections import Row
from sampler.storage.sqlite_queue_rows import Rows, to_column

_PUT: Final = """
    INSERT INTO listed_verdicts (tenant, sha256, submission, verdict, given, expires) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant, sha256) DO UPDATE SET submission = excluded.submission, verdict = excluded.verdict,
    given = excluded.given, expires = excluded.expires WHERE excluded.given >= listed_verdicts.given
"""
_SPAN: Final = """
    SELECT sha256, submission, verdict FROM listed_verdicts
    WHERE tenant = ? AND sha256 >= ? AND sha256 <= ? AND expires > ? ORDER BY sha256 LIMIT ?
"""
_COUNT: Final = """
    SELECT count(*) FROM (SELECT 1 FROM listed_verdicts WHERE tenant = ? AND sha256 <= ? LIMIT ?) AS found
"""
_FORGET: Final = """
    DELETE FROM listed_verdicts WHERE (tenant, sha256) IN (
        SELECT tenant, sha256 FROM listed_verdicts WHERE expires <= ? ORDER BY expires LIMIT ?
    )
"""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Verdict)


class LookingUp(Rows):
    """The part of ``queue.Ledger`` that lists verdicts by hash."""

    def list_verdict(self, listed: Listed) -> None:
        """List it in place of an older one."""
        verdict = listed.verdict
        assert verdict.expires is not None  # what is listed has an end
        times = to_column(verdict.at), to_column(verdict.expires)
        said = _encoder.encode(verdict).decode()
        self._write(_PUT, listed.tenant, listed.sha256, listed.submission, said, *times)

    def listed(self, tenant: str, first: str, last: str, now: datetime, limit: int) -> tuple[Listed, ...]:
        """By the primary key."""
        rows = self._rows(_SPAN, tenant, first, last, to_column(now), limit)
        return tuple(_listed(tenant, row) for row in rows)

    def listed_count(self, tenant: str, last: str, most: int) -> int:
        """By the primary key, no further than ``most``."""
        return self._number(_COUNT, tenant, last, most)

    def forget_listed(self, now: datetime, limit: int) -> int:
        """By the index over ends."""
        return self._write(_FORGET, to_column(now), limit)


def _listed(tenant: str, row: Row) -> Listed:
    return Listed(tenant, row["sha256"], row["submission"], _decoder.decode(row["verdict"]))
