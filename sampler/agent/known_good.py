"""The list of known good files at a host: one file, believed only as long as its signature and its time hold.

The file is the header as it was signed, then the list. It is checked whole before it is believed, at each start as
when it comes, and then looked up in place. A list with a smaller number than the one that was believed is never
believed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from msgspec.structs import replace

from sampler.agent.receipt_pin import PinnedKey
from sampler.agent.views import printable
from sampler.errors import IdentityError, KnownGoodError
from sampler.limits import COPY_CHUNK_BYTES
from sampler.model import Conclusion, Finding, KnownFrom, KnownVerdict, Sampling, Verdict
from sampler.permit import SEVERITIES, severity_of
from sampler.runtime.clock import Clock
from sampler.runtime.durable import make_private_folder, sync_folder
from sampler.runtime.hash_list import HashList, Shape
from sampler.wire.codec import DecodeError, decode, encode
from sampler.wire.known_good_messages import KNOWN_GOOD_CONTEXT, KnownGoodHeader
from sampler.wire.receipt_messages import Signed

log = structlog.get_logger()

_HEAD_MAX_BYTES: Final = 16_384
_ALIGNED_BYTES: Final = mmap.ALLOCATIONGRANULARITY
"""The list begins here, so that it can be mapped by itself."""
_NEVER_HIDDEN: Final = SEVERITIES["high"]


@dataclass(frozen=True, slots=True)
class Held:
    """A list that is believed."""

    header: KnownGoodHeader
    listed: HashList


class KnownGood:
    """What this host holds of known good files. Methods block; any thread may call them."""

    def __init__(self, path: Path, key: PinnedKey, clock: Clock) -> None:
        """Believe what lies at ``path``, if it holds; what does not is told of, and counts as absent."""
        self._path = path
        self._key = key
        self._clock = clock
        self._held: Held | None = None
        try:
            self._held = self._opened(self._path)
        except KnownGoodError as error:
            log.error("the list of known good files is not believed", error=str(error))

    @property
    def number(self) -> int:
        """Of the list that is held; 0 where there is none."""
        return 0 if self._held is None else self._held.header.number

    def status(self) -> str:
        """One line for ``sampler agent status``; empty where there is no list."""
        if self._held is None:
            return ""
        header = self._held.header
        ended = "; it has expired" if self._clock.now() >= header.expires else ""
        return f"list {header.number} ({header.name}), {header.entries} files until {header.expires:%Y-%m-%d}{ended}"

    def about(self, finding: Finding) -> KnownVerdict | None:
        """What the list says of an object. Where a rule of high or critical severity matched it is not asked."""
        worst = max(map(severity_of, finding.matches), default=0)
        return None if worst >= _NEVER_HIDDEN else self.find(finding.sha256)

    def find(self, sha256: str) -> KnownVerdict | None:
        """What the list says of a file; ``None``: nothing."""
        held = self._held
        if held is None or self._clock.now() >= held.header.expires or bytes.fromhex(sha256) not in held.listed:
            return None
        header = held.header
        analyzer = f"list {header.number} of known good files"
        verdict = Verdict(Conclusion.BENIGN, 0, analyzer, header.created, note=header.name, expires=header.expires)
        return KnownVerdict(sha256, verdict, KnownFrom.KNOWN_GOOD, header.expires, Sampling.WHOLE)

    def checked_header(self, signed: Signed) -> KnownGoodHeader:
        """The header, if it is the pinned key's, newer than what is held, and has not expired.

        Raises:
            KnownGoodError: it is not.
        """
        header = self._header(signed)
        if header.number < self.number:
            raise KnownGoodError(
                f"the queue offers list {header.number}, and list {self.number} is here: it was set back"
            )
        if self._clock.now() >= header.expires:
            raise KnownGoodError(f"list {header.number} has expired at {header.expires:%Y-%m-%dT%H:%M:%SZ}")
        return header

    def begin(self, signed: Signed) -> None:
        """Make room for a list that is about to come; what was left of another attempt goes.

        Raises:
            KnownGoodError: it cannot be written.
        """
        head = encode(signed)
        if len(head) >= _HEAD_MAX_BYTES:
            raise KnownGoodError("a header of a list of known good files is too long")
        with self._writing():
            make_private_folder(self._path.parent)
            self._coming.unlink(missing_ok=True)
            self._coming.touch(mode=0o600)
            self._coming.write_bytes(head + b"\n" + bytes(_begin_of(len(head)) - len(head) - 1))

    def add(self, piece: bytes) -> None:
        """Put the next piece behind those that have come.

        Raises:
            KnownGoodError: it cannot be written.
        """
        with self._writing(), self._coming.open("ab") as file:
            file.write(piece)

    def take(self) -> None:
        """Believe the list that has come, from now on; durable when this returns.

        Raises:
            KnownGoodError: it is not the one that was signed, or cannot be kept; the one before stands.
        """
        came = self._opened(self._coming)
        with self._writing():
            with self._coming.open("rb") as file:
                os.fsync(file.fileno())
            self._coming.replace(self._path)
            sync_folder(self._path.parent)
        self._held = came

    @property
    def _coming(self) -> Path:
        return self._path.with_name(f".{self._path.name}.part")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise KnownGoodError(f"{self._path}: cannot be written: {error.strerror}") from error

    def _opened(self, path: Path) -> Held | None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KnownGoodError(f"{path}: cannot be read: {error.strerror}") from error
        try:
            return self._read(descriptor)
        except (OSError, ValueError) as error:
            raise KnownGoodError(f"{path}: {error}") from error
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int) -> Held:
        head = os.pread(descriptor, _HEAD_MAX_BYTES, 0).partition(b"\n")[0]
        header = self._header(decode(head, Signed))
        begin = _begin_of(len(head))
        if os.fstat(descriptor).st_size != begin + header.size or _sha256_of(descriptor, begin) != header.sha256:
            raise KnownGoodError("the list of known good files is not the one that was signed")
        shape = Shape(header.entries, header.bucket_bits, header.suffix_bytes)
        mapped = mmap.mmap(descriptor, header.size, prot=mmap.PROT_READ, offset=begin)
        return Held(header, HashList(shape, memoryview(mapped)))

    def _header(self, signed: Signed) -> KnownGoodHeader:
        try:
            key = self._key.load()
        except IdentityError as error:
            raise KnownGoodError(str(error)) from error
        if key is None:
            raise KnownGoodError("this host has pinned no key of its queue yet; the list is fetched again later")
        if not key.has_signed(KNOWN_GOOD_CONTEXT, signed.document, signed.signature):
            raise KnownGoodError(f"the list of known good files is not signed by key {key.id} of this host's queue")
        try:
            header = decode(signed.document, KnownGoodHeader)
        except DecodeError as error:
            raise KnownGoodError(f"a signed header of a list of known good files is none: {error}") from error
        return replace(header, name=printable(header.name.encode()))


def _begin_of(head_bytes: int) -> int:
    """Where the list begins behind a header of so many bytes."""
    return -(-(head_bytes + 1) // _ALIGNED_BYTES) * _ALIGNED_BYTES


def _sha256_of(descriptor: int, begin: int) -> str:
    digest = hashlib.sha256()
    while data := os.pread(descriptor, COPY_CHUNK_BYTES, begin):
        digest.update(data)
        begin += len(data)
    return digest.hexdigest()
