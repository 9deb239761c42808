"""Peak memory of `sampler scan` with its children: over the corpus, and over one small and one large file."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from benchmarks.scan.bench import Bench, RowLeftOut
from benchmarks.scan.figures import Spread, ratio
from benchmarks.scan.processes import Command, Usage
from benchmarks.scan.rows_second import forget
from benchmarks.scan.sides import sampler_scan
from benchmarks.scan.table import Figure

PEAK_MAX_MB: Final = 250.0
LARGE_TO_SMALL_MAX: Final = 1.1
SMALL_BYTES: Final = 4_000_000
SAMPLE_SECONDS: Final = 0.02
SPARE_BYTES: Final = 1_000_000_000
_BLOCK_BYTES: Final = 1_000_000


def peak(bench: Bench) -> list[Figure]:
    """5,000 rules and more, two workers; once compiled before, once compiled in the same run."""
    command = sampler_scan(bench.large, bench.corpus.folder)
    bench.run(command, "memory-warm")
    warm = [_sampled(bench, command, f"memory-{number}") for number in range(bench.rounds)]
    forget(bench)
    cold = [_sampled(bench, command, "memory-compiling")]
    what = f"peak, {bench.large.rule_count} rules, PSS"
    return [
        _figure("memory", what, warm, PEAK_MAX_MB),
        _figure("memory", f"{what}, compiling", cold, None),
    ]


def file_size(bench: Bench) -> list[Figure]:
    """One file of 4 MB and one of 4 GB."""
    files = {"large": _file(bench, bench.big_file_bytes), "small": _file(bench, SMALL_BYTES)}
    usages: dict[str, list[Usage]] = {"large": [], "small": []}
    for number in range(bench.rounds + 1):
        for name, file in files.items():
            usage = _sampled(bench, sampler_scan(bench.fifty, file), f"file-size-{name}-{number}")
            if number:  # the first is the warm-up
                usages[name].append(usage)
    return [
        _sizes(bench, "PSS", {name: [_mb(usage.peak_pss_bytes) for usage in of] for name, of in usages.items()}),
        _sizes(bench, "no files", {name: [_mb(usage.peak_own_bytes) for usage in of] for name, of in usages.items()}),
    ]


def _sampled(bench: Bench, command: Command, name: str) -> Usage:
    usage, _ = bench.run(command, name, sample_seconds=SAMPLE_SECONDS)
    if usage.is_rss:
        bench.notes.append(f"{name}: the kernel refused PSS of a process; its RSS stands in, shared pages count twice")
    return usage


def _figure(row: str, what: str, usages: list[Usage], most: float | None) -> Figure:
    whole = [_mb(usage.peak_pss_bytes) for usage in usages]
    raw = {
        "tree": whole,
        "tree without files": [_mb(usage.peak_own_bytes) for usage in usages],
        "largest process": [_mb(usage.max_rss_bytes) for usage in usages],
    }
    return Figure(row=row, what=what, unit="MB", ours=Spread.of(whole), ours_max=most, raw=raw)


def _sizes(bench: Bench, how: str, raw: dict[str, list[float]]) -> Figure:
    return Figure(
        row="file-size",
        what=f"{_mb(bench.big_file_bytes):.0f} to {_mb(SMALL_BYTES):.0f} MB file, {how}",
        unit="MB",
        ours=Spread.of(raw["large"]),
        theirs=Spread.of(raw["small"]),
        ratio=ratio(raw["large"], raw["small"]),
        ratio_max=LARGE_TO_SMALL_MAX,
        raw=raw,
    )


def _file(bench: Bench, size: int) -> Path:
    """A file without holes, of bytes in which nothing is found; made once."""
    file = bench.folder / "files" / f"{size}.bin"
    if file.exists() and file.stat().st_size == size:
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(file.parent).free < size + SPARE_BYTES:
        raise RowLeftOut(f"{file.parent} lacks {size} bytes; name a smaller file with --big-file-bytes")
    block = os.urandom(_BLOCK_BYTES)
    with file.open("wb") as out:
        for number in range(size // _BLOCK_BYTES):
            out.write(number.to_bytes(8, "big") + block[8:])
        out.write(block[: size % _BLOCK_BYTES])
    return file


def _mb(count: int) -> float:
    return count / 1e6
