"""The list of known good files at a host: fetched, believed by its signature, never hiding what matters."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sampler.agent.known_good import KnownGood
from sampler.agent.known_good_fetching import KnownGoodFetcher
from sampler.agent.receipt_pin import PinnedKey
from sampler.errors import KnownGoodError, QueueUnreachable
from sampler.identity import SigningKey
from sampler.limits import KNOWN_GOOD_PIECE_BYTES
from sampler.model import Conclusion, ContentKind, Finding, KnownFrom, Plan, Reason, RuleMatch, Sampling
from sampler.runtime.hash_list import build
from sampler.upload import KnownGoodLink
from sampler.wire.codec import encode
from sampler.wire.known_good_messages import KNOWN_GOOD_CONTEXT, KnownGoodHeader
from sampler.wire.receipt_messages import RECEIPT_CONTEXT, Signed

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
GOOD, OTHER = (hashlib.sha256(word).hexdigest() for word in (b"good", b"other"))
FINDING = Finding(
    event_id="0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10",
    created=NOW,
    reason=Reason.DETECTION,
    sha256=GOOD,
    size=4,
    kind=ContentKind.EXECUTABLE,
    mime_type="application/x-dosexec",
    ruleset_version="v",
    plan=Plan(Sampling.WHOLE),
)


class Clock:
    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        await asyncio.get_running_loop().create_future()


@dataclass
class FakeQueue(KnownGoodLink):
    """Offers what a test says."""

    offered: Signed | None = None
    listed: bytes = b""
    fetched: int = 0
    fault: Exception | None = None

    async def header(self) -> Signed | None:
        if self.fault is not None:
            raise self.fault
        return self.offered

    async def piece(self, sha256: str, piece: int) -> bytes:
        self.fetched += 1
        return self.listed[piece * KNOWN_GOOD_PIECE_BYTES :][:KNOWN_GOOD_PIECE_BYTES]


@dataclass
class Host:
    """One host, its queue's key, and what the queue offers."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    queue: FakeQueue = field(default_factory=FakeQueue)

    def __post_init__(self) -> None:
        self.signer = SigningKey.create(self.folder / "receipt.key")
        self.pin = PinnedKey(self.folder / "receipt.pub")
        self.pin.pin(self.signer.public)

    @property
    def path(self) -> Path:
        return self.folder / "verdicts" / "known-good.list"

    def opened(self) -> KnownGood:
        return KnownGood(self.path, self.pin, self.clock)

    def offer(
        self, *hashes: str, signer: SigningKey | None = None, context: str = KNOWN_GOOD_CONTEXT, **changes: Any
    ) -> Signed:
        """Have the queue offer a list of these hashes, perhaps with a lie."""
        shape, pieces = build(sorted(map(bytes.fromhex, hashes)), 10)
        self.queue.listed = b"".join(pieces)
        values: dict[str, Any] = {
            "number": 1,
            "name": "golden",
            "created": NOW,
            "expires": NOW + timedelta(days=1),
            "entries": shape.entries,
            "bucket_bits": shape.bucket_bits,
            "suffix_bytes": shape.suffix_bytes,
            "size": len(self.queue.listed),
            "sha256": hashlib.sha256(self.queue.listed).hexdigest(),
        } | changes
        document = encode(KnownGoodHeader(**values))
        self.queue.offered = Signed(document=document, signature=(signer or self.signer).sign(context, document))
        return self.queue.offered

    async def fetch(self, held: KnownGood) -> float:
        return await KnownGoodFetcher(held, self.queue, self.clock, lambda: 0.0).fetch_once()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


async def test_what_is_listed_is_known_to_be_good(host: Host) -> None:
    """As long as the list stands, also after the next start, and nothing else is."""
    host.offer(GOOD)
    held = host.opened()
    assert await host.fetch(held) == 3600.0
    for each in (held, host.opened()):
        known = each.find(GOOD)
        assert known is not None
        assert (known.source, known.verdict.conclusion) == (KnownFrom.KNOWN_GOOD, Conclusion.BENIGN)
        assert (known.expires, known.verdict.note) == (NOW + timedelta(days=1), "golden")
        assert each.find(OTHER) is None
        assert each.status() == "list 1 (golden), 1 files until 2026-11-26"
    host.clock.moment += timedelta(days=1)
    assert held.find(GOOD) is None
    assert held.status().endswith("it has expired")


@pytest.mark.parametrize(
    ("severity", "hidden"),
    [(None, True), ("low", True), ("medium", True), ("high", False), ("critical", False), (75, False)],
)
async def test_a_hit_never_hides_a_severe_find(host: Host, severity: str | int | None, *, hidden: bool) -> None:
    """Where a rule says that it matters, the list is not asked."""
    host.offer(GOOD)
    await host.fetch(held := host.opened())
    meta = () if severity is None else (("severity", severity),)
    finding = replace(FINDING, matches=(RuleMatch("Harmless", "a.yar"), RuleMatch("Rule", "a.yar", meta=meta)))
    assert (held.about(finding) is not None) is hidden


async def test_without_a_list_nothing_is_known(host: Host) -> None:
    """Neither before there is one, nor where the queue has none."""
    held = host.opened()
    assert await host.fetch(held) == 3600.0
    assert (held.find(GOOD), held.number, held.status()) == (None, 0, "")


async def test_a_list_that_is_here_is_not_fetched_again(host: Host) -> None:
    """A newer one is, and an empty one takes everything back."""
    host.offer(GOOD)
    await host.fetch(held := host.opened())
    await host.fetch(held)
    assert host.queue.fetched == 1
    host.offer(number=2)
    await host.fetch(held)
    assert (held.number, held.find(GOOD)) == (2, None)


@pytest.mark.parametrize(
    "lie",
    [
        lambda host: host.offer(GOOD, OTHER, number=2, signer=SigningKey.create(host.folder / "other.key")),
        lambda host: host.offer(GOOD, OTHER, number=2, context=RECEIPT_CONTEXT),
        lambda host: host.offer(GOOD, OTHER, number=3, expires=NOW),
        lambda host: host.offer(GOOD, OTHER, number=3, sha256="0" * 64),
        lambda host: host.offer(GOOD, OTHER, number=3, size=8),
        lambda host: host.offer(GOOD, OTHER, number=3, entries=7),
        lambda host: host.offer(GOOD, OTHER, number=3, suffix_bytes=16),
    ],
    ids=["key", "context", "expired", "hash", "size", "entries", "suffix"],
)
async def test_what_does_not_hold_is_not_believed(host: Host, lie: Callable[[Host], Signed]) -> None:
    """The list that is held stands."""
    host.offer(GOOD, number=2)
    await host.fetch(held := host.opened())
    lie(host)
    await host.fetch(held)
    for each in (held, host.opened()):
        assert (each.number, each.find(OTHER)) == (2, None)
        assert each.find(GOOD) is not None


async def test_a_list_that_was_set_back_is_not_believed(host: Host) -> None:
    """Whoever runs the queue cannot bring back an older one, however well it is signed."""
    old = host.offer(GOOD, number=1)
    host.offer(number=2)
    await host.fetch(held := host.opened())
    with pytest.raises(KnownGoodError, match="set back"):
        held.checked_header(old)


async def test_a_file_that_was_changed_is_not_believed(host: Host) -> None:
    """Wherever; the host goes on without a list, and fetches it again."""
    host.offer(GOOD)
    await host.fetch(host.opened())
    whole = host.path.read_bytes()
    for at in (10, len(whole) - 1):
        host.path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert host.opened().find(GOOD) is None
    host.path.write_bytes(whole[:-1])
    assert host.opened().number == 0
    host.path.write_bytes(b"")
    await host.fetch(held := host.opened())
    assert held.find(GOOD) is not None


async def test_before_a_key_is_pinned_nothing_is_believed(host: Host) -> None:
    """It is pinned when receipts are followed, or was at the enrolment."""
    host.offer(GOOD)
    host.pin.path.unlink()
    await host.fetch(held := host.opened())
    assert held.number == 0
    host.pin.pin(host.signer.public)
    await host.fetch(held)
    assert held.number == 1


async def test_a_queue_that_is_away_is_asked_again_soon(host: Host) -> None:
    """What is held stands meanwhile."""
    host.offer(GOOD)
    await host.fetch(held := host.opened())
    host.queue.fault = QueueUnreachable("away")
    assert await host.fetch(held) == 300.0
    assert held.find(GOOD) is not None


async def test_a_name_steers_no_terminal(host: Host) -> None:
    """Whatever the queue calls its list."""
    host.offer(GOOD, name="golden\x1b[2J")
    held = host.opened()
    await host.fetch(held)
    known = held.find(GOOD)
    assert known is not None
    assert (known.verdict.note, "\x1b" in held.status()) == ("golden\\x1b[2J", False)
