"""The list of known good files at a host: one file, believed only as long as its signature and its time hold.

The file is the header as it was signed, then the list. It is checked whole before it is believed, at each start as
when it comes, and then looked up in place. A list with a smaller number than the one that was believed is never
believed again.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from sampler.agent.receipt_pin import PinnedKey
from sampler.errors import IdentityError, KnownGoodError
from sampler.limits import COPY_CHUNK_BYTES
from sampler.model import Conclusion, Finding, KnownFrom, KnownVerdict, Sampling, Verdict
from sampler.permit import SEVERITIES, severity_of
from sampler.runtime.clock import Clock
from sampler.runtime.durable import make_private_folder, write_durably
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
            self._held = self._opened()
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

    def take(self, signed: Signed, pieces: Sequence[bytes]) -> None:
        """Keep a list and believe it from now on; durable when this returns.

        Raises:
            KnownGoodError: it is not the one that was signed, or cannot be kept; the one before stands.
        """
        head = encode(signed)
        if len(head) >= _HEAD_MAX_BYTES or not _fits(self.checked_header(signed), pieces):
            raise KnownGoodError("the list of known good files that came is not the one that was signed")
        try:
            make_private_folder(self._path.parent)
            write_durably(self._path, _file(head, pieces))
        except OSError as error:
            raise KnownGoodError(f"{self._path}: cannot be written: {error.strerror}") from error
        self._held = self._opened()

    def _opened(self) -> Held | None:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KnownGoodError(f"{self._path}: cannot be read: {error.strerror}") from error
        try:
            return self._read(descriptor)
        except (OSError, ValueError) as error:
            raise KnownGoodError(f"{self._path}: {error}") from error
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int) -> Held:
        head = os.pread(descriptor, _HEAD_MAX_BYTES, 0).partition(b"\n")[0]
        header = self._header(decode(head, Signed))
        begin = _begin_of(len(head))
        if os.fstat(descriptor).st_size != begin + header.size or _sha256_of(descriptor, begin) != header.sha256:
            raise KnownGoodError(f"{self._path}: the list is not the one that was signed")
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
            return decode(signed.document, KnownGoodHeader)
        except DecodeError as error:
            raise KnownGoodError(f"a signed header of a list of known good files is none: {error}") from error


def _fits(header: KnownGoodHeader, pieces: Sequence[bytes]) -> bool:
    """Whether these are the bytes that the header speaks of, and have the shape that it says."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    shape = Shape(header.entries, header.bucket_bits, header.suffix_bytes)
    return digest.hexdigest() == header.sha256 and shape.size == header.size == sum(map(len, pieces))


def _file(head: bytes, pieces: Sequence[bytes]) -> Iterator[bytes]:
    yield head + b"\n" + bytes(_begin_of(len(head)) - len(head) - 1)
    yield from pieces


def _begin_of(head_bytes: int) -> int:
    """Where the list begins behind a header of so many bytes."""
    return -(-(head_bytes + 1) // _ALIGNED_BYTES) * _ALIGNED_BYTES


def _sha256_of(descriptor: int, begin: int) -> str:
    digest = hashlib.sha256()
    while data := os.pread(descriptor, COPY_CHUNK_BYTES, begin):
        digest.update(data)
        begin += len(data)
    return digest.hexdigest()
