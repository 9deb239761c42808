"""Look-ups in figures: a list of a million known good files, and a queue that lists a million verdicts.

``python benchmarks/lookup.py [COUNT]`` prints a line each: how long and how large making the list is, what a look-up in
it takes, how often hashes that are not listed hit (with suffixes short enough to measure), and what one private
look-up takes at the queue's ledger.
"""

from __future__ import annotations

import hashlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sampler.limits import LOOKUP_ENTRIES_MAX_COUNT
from sampler.model import Conclusion, Verdict
from sampler.queue import Device, Ledger, Listed, Submission
from sampler.queue.lookup import bits_for, entry_of, estimate, span
from sampler.runtime.hash_list import HashList, build
from sampler.storage.sqlite_queue import SqliteQueueLedger
from sampler.wire.codec import encode
from sampler.wire.lookup_messages import padded, prefix_of

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SUBMISSION = "0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"
ASKED = 2000


def main(count: int) -> None:
    digests = sorted(hashlib.sha256(number.to_bytes(8, "big")).digest() for number in range(count))
    known_good(digests)
    false_positives(digests)
    look_ups(digests)


def known_good(digests: Sequence[bytes]) -> None:
    began = time.perf_counter()
    shape, pieces = build(digests, 10)
    data = b"".join(pieces)
    took = time.perf_counter() - began
    listed = HashList(shape, memoryview(data))
    hits = percentiles(lambda number: digests[number * 7919 % len(digests)] in listed)
    strangers = [hashlib.sha256(b"%d" % number).digest() for number in range(ASKED)]
    misses = percentiles(lambda number: strangers[number] in listed)
    size = len(data) / len(digests)
    print(f"list of {len(digests)}: {took:.1f} s to make, {size:.2f} bytes a file; a hit {hits}, a miss {misses}")


def false_positives(digests: Sequence[bytes]) -> None:
    for suffix_bytes in (1, 2):
        shape, pieces = build(digests, suffix_bytes)
        listed = HashList(shape, b"".join(pieces))
        hits = sum(hashlib.sha256(b"%d" % number).digest() in listed for number in range(200_000))
        rates = f"{hits / 200_000:.6f}, computed {shape.false_positives:.6f}"
        print(f"suffixes of {suffix_bytes} bytes: a share of {rates} of strangers hits")


def look_ups(digests: Sequence[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger = SqliteQueueLedger(Path(folder) / "queue.db")
        fill(ledger, digests)
        asked = [digest.hex() for digest in digests[:: len(digests) // ASKED][:ASKED]]
        sizes: list[int] = []

        def ask(number: int) -> None:
            bits = bits_for(estimate(lambda last, most: ledger.listed_count("default", last, most)))
            prefix = prefix_of(asked[number], bits)
            found = ledger.listed("default", *span(bits, prefix), NOW, LOOKUP_ENTRIES_MAX_COUNT)
            assert any(line.sha256 == asked[number] for line in found)
            sizes.append(len(encode(padded(bits, prefix, tuple(entry_of(line) for line in found)))))

        took = percentiles(ask)
        bits = bits_for(estimate(lambda last, most: ledger.listed_count("default", last, most)))
        print(f"queue that lists {len(digests)}: {bits} bits; a look-up {took}; answers of {set(sizes)} bytes")
        ledger.close()


def fill(ledger: Ledger, digests: Sequence[bytes]) -> None:
    with ledger.transaction():
        ledger.add_device(Device("d", "1", "n", NOW, NOW + timedelta(days=1)))
        ledger.add_submission(Submission(SUBMISSION, "d", NOW, b"{}"), {})
        verdict = Verdict(
            Conclusion.MALICIOUS, 90, "clamscan", NOW, "Win.Trojan.Example-1", expires=NOW + timedelta(days=9)
        )
        for digest in digests:
            ledger.list_verdict(Listed("default", digest.hex(), SUBMISSION, verdict))


def percentiles(work: Callable[[int], object]) -> str:
    taken = []
    for number in range(ASKED):
        began = time.perf_counter()
        work(number)
        taken.append((time.perf_counter() - began) * 1e6)
    cuts = statistics.quantiles(taken, n=100)
    return f"{cuts[49]:.0f} µs (p99 {cuts[98]:.0f})"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
