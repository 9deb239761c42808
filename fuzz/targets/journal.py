"""A journal that a disk or a hand damaged. The first byte of an input says how the rest becomes the file.

``r``: it is the file. ``s``: each of its lines is a body that gets a sound digest, so that what stands behind the check
of the digest is reached. The head file is what follows two zero bytes, if anything does.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fuzz.target import Target
from sampler.errors import JournalError
from sampler.journal import Journal, JournalReader
from sampler.journal.lines import FIRST_PREVIOUS, write_line
from sampler.limits import MIB

_NOW: Final = datetime(2026, 11, 24, tzinfo=UTC)
_BETWEEN: Final = b"\0\0"


def one_input(data: bytes) -> None:
    """Reading names each damage; opening refuses a damaged one, or leaves one that is sound and can be written."""
    lines, _, head = data[1:].partition(_BETWEEN)
    if data[:1] == b"s":
        lines = b"".join(map(_sealed, lines.splitlines()))
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        (folder / "journal.jsonl").write_bytes(lines)
        if head:
            (folder / "journal.head").write_bytes(head)
        _read(folder)
        _write(folder)


def _sealed(body: bytes) -> bytes:
    return body[:-1] + b',"digest":"%s"}\n' % hashlib.sha256(body).hexdigest().encode()


def _read(folder: Path) -> None:
    reader = JournalReader(folder)
    faults = reader.verify()
    assert all(faults)
    try:
        list(reader.entries())
    except JournalError as error:
        assert str(error)
        assert faults


def _write(folder: Path) -> None:
    try:
        journal = Journal(folder)
    except JournalError as error:
        assert str(error)
        return
    with journal:
        journal.append("sent", "", _NOW, {"a": 1})
        assert journal.verify() == ()
        assert list(journal.entries())[-1].document == {"a": 1}


def _seeds() -> Iterator[bytes]:
    first, digest = write_line(1, _NOW, "sent", "an-id", {"fields": {"file.size": 12}}, previous=FIRST_PREVIOUS)
    second, last = write_line(2, _NOW, "delivered", "an-id", {}, previous=digest)
    for head in (b"", _BETWEEN + b"2 %s\n" % last.encode(), _BETWEEN + b"3 %s\n" % digest.encode()):
        yield b"r" + first + second + head
        yield b"s" + b"\n".join(line.rpartition(b',"digest"')[0] + b"}" for line in (first, second)) + head
    yield b"r" + first + second[:40]


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b'"number":', b'"at":', b'"kind":', b'"event_id":', b'"document":', b'"previous":', b'"digest":', b"\n", b"\r",
        b"2 ", b"999999999999999999 ", b'"0001-01-01T00:00:00+23:59"', b"1e999", b"[[[[[[", b"99999999999999999999",
        FIRST_PREVIOUS.encode(),
    ),
    memory_max_bytes=64 * MIB,
)  # fmt: skip
