"""Making a list of known good files, and publishing it beside a running server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from sampler.errors import SettingsError
from sampler.identity import SigningKey
from sampler.limits import (
    KNOWN_GOOD_ENTRIES_MAX_COUNT,
    KNOWN_GOOD_MAX_BYTES,
    KNOWN_GOOD_PIECE_BYTES,
    KNOWN_GOOD_SUFFIX_BYTES,
    TEXT_MAX_CHARACTERS,
)
from sampler.queue import LOCAL, Act, KnownGoodList, Ledger, note
from sampler.runtime.durable import write_durably
from sampler.runtime.hash_list import build
from sampler.server.keys import receipt_key
from sampler.server.settings import QueueSettings
from sampler.server.tokens import opened_ledger
from sampler.wire.audit_messages import Action
from sampler.wire.codec import DecodeError, decode, encode
from sampler.wire.known_good_messages import KNOWN_GOOD_CONTEXT, KnownGoodDraft, KnownGoodHeader

_HEAD_MAX_BYTES: Final = 4096


def make_list(digests: Iterable[bytes], path: Path) -> KnownGoodDraft:
    """Write a list of these hashes to a file, durably; each hash counts once.

    Raises:
        SettingsError: there are too many, or the file cannot be written.
    """
    distinct = sorted(set(digests))
    if len(distinct) > KNOWN_GOOD_ENTRIES_MAX_COUNT:
        raise SettingsError(f"{len(distinct)} hashes; a list has at most {KNOWN_GOOD_ENTRIES_MAX_COUNT}")
    shape, pieces = build(distinct, KNOWN_GOOD_SUFFIX_BYTES)
    listed = b"".join(pieces)
    draft = KnownGoodDraft(
        entries=shape.entries,
        bucket_bits=shape.bucket_bits,
        suffix_bytes=shape.suffix_bytes,
        sha256=hashlib.sha256(listed).hexdigest(),
    )
    try:
        write_durably(path, (encode(draft), b"\n", listed), mode=0o644)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror}") from error
    return draft


def publish_list(settings: QueueSettings, path: Path, *, name: str, days: int, now: datetime) -> KnownGoodHeader:
    """Let hosts have a list from now on, under the queue's signature; an empty one takes back those before it.

    Raises:
        SettingsError: the file is no list, or was changed.
        StorageError: the ledger cannot be opened.
        Conflict: somebody else published at the same moment.
    """
    if not (0 < len(name) <= TEXT_MAX_CHARACTERS and name.isprintable()):
        raise SettingsError(f"a list's name has 1 to {TEXT_MAX_CHARACTERS} printable characters")
    try:
        with path.open("rb") as file:
            draft, size = _checked(file, path)
            with opened_ledger(settings) as ledger:
                header = _header(draft, size, number=_next_number(ledger), name=name, now=now, days=days)
                _publish(ledger, header, receipt_key(settings.folder), _pieces(file, size))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    return header


def published_list(settings: QueueSettings) -> KnownGoodHeader | None:
    """What hosts fetch now.

    Raises:
        StorageError: the ledger cannot be opened.
    """
    with opened_ledger(settings) as ledger:
        present = ledger.known_good()
    return None if present is None else decode(present.document, KnownGoodHeader)


def _checked(file: BinaryIO, path: Path) -> tuple[KnownGoodDraft, int]:
    """The head of a file whose list is the one it says; the file stands at the list."""
    try:
        draft = decode(file.readline(_HEAD_MAX_BYTES), KnownGoodDraft)
    except DecodeError as error:
        raise SettingsError(f"{path}: no list of known good files; make one with: known-good build") from error
    begin, size, digest = file.tell(), 0, hashlib.sha256()
    while data := file.read(KNOWN_GOOD_PIECE_BYTES):
        size += len(data)
        digest.update(data)
        if size > KNOWN_GOOD_MAX_BYTES:
            raise SettingsError(f"{path}: more than {KNOWN_GOOD_MAX_BYTES} bytes")
    if digest.hexdigest() != draft.sha256:
        raise SettingsError(f"{path}: it was changed or cut off since it was made; make it anew")
    file.seek(begin)
    return draft, size


def _header(draft: KnownGoodDraft, size: int, *, number: int, name: str, now: datetime, days: int) -> KnownGoodHeader:
    return KnownGoodHeader(
        number=number,
        name=name,
        created=now,
        expires=now + timedelta(days=days),
        entries=draft.entries,
        bucket_bits=draft.bucket_bits,
        suffix_bytes=draft.suffix_bytes,
        size=size,
        sha256=draft.sha256,
    )


def _next_number(ledger: Ledger) -> int:
    present = ledger.known_good()
    return 1 if present is None else present.number + 1


def _publish(ledger: Ledger, header: KnownGoodHeader, key: SigningKey, pieces: Iterator[bytes]) -> None:
    document = encode(header)
    signature = key.sign(KNOWN_GOOD_CONTEXT, document)
    with ledger.transaction():
        ledger.publish_known_good(KnownGoodList(header.number, header.sha256, document, signature), pieces)
        act = Act(LOCAL, Action.KNOWN_GOOD_PUBLISH, header.created, f"{header.entries} files: {header.name}")
        note(ledger, act, f"list {header.number}")


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    for _ in range(0, size, KNOWN_GOOD_PIECE_BYTES):
        yield file.read(KNOWN_GOOD_PIECE_BYTES)
