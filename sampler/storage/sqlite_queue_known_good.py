"""The list of known good files, in pieces."""

from __future__ import annotations

from collections.abc import Iterable

from sampler.queue import KnownGoodList
from sampler.storage.sqlite_queue_rows import Rows

_KEPT = 2
"""A host may be in the middle of the one before."""


class KnownGoods(Rows):
    """The part of ``queue.Ledger`` that keeps lists of known good files."""

    def publish_known_good(self, published: KnownGoodList, pieces: Iterable[bytes]) -> None:
        """The header, its pieces one by one, and the end of older ones."""
        self._insert(
            "known_good",
            of=f"list {published.number} of known good files",
            list_number=published.number,
            sha256=published.sha256,
            document=published.document,
            signature=published.signature,
        )
        sql = "INSERT INTO known_good_pieces (list_number, piece, data) VALUES (?, ?, ?)"
        for piece, data in enumerate(pieces):
            self._write(sql, published.number, piece, data)
        for table in ("known_good_pieces", "known_good"):
            sql = f"DELETE FROM {table} WHERE list_number <= ?"  # noqa: S608  # names are our own
            self._write(sql, published.number - _KEPT)

    def known_good(self) -> KnownGoodList | None:
        """The one with the largest number."""
        row = self._row("SELECT * FROM known_good ORDER BY list_number DESC LIMIT 1")
        if row is None:
            return None
        return KnownGoodList(row["list_number"], row["sha256"], bytes(row["document"]), bytes(row["signature"]))

    def known_good_piece(self, sha256: str, piece: int) -> bytes | None:
        """Of the newest list with this hash."""
        sql = """SELECT data FROM known_good_pieces JOIN known_good USING (list_number)
                 WHERE sha256 = ? AND piece = ? ORDER BY list_number DESC LIMIT 1"""
        row = self._row(sql, sha256, piece)
        return None if row is None else bytes(row["data"])
