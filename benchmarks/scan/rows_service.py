"""The agent: from intake to finding through its socket beside clamd, and what it takes when nobody asks."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks.scan import agent, clamd
from benchmarks.scan.agreement import Disagreement
from benchmarks.scan.bench import Bench, say
from benchmarks.scan.clamd import Clamd
from benchmarks.scan.figures import Spread, percentile, ratio
from benchmarks.scan.table import Figure
from sampler.intake import AgentClient
from sampler.wire.agent_messages import FlagRequest

FILE_BYTES: Final = 64 * 1024
FILES_COUNT: Final = 200
"""Scanned once a round; their contents are new in every round, so that nobody answers from memory."""
P50_MAX_MS: Final = 5.0
P99_MAX_MS: Final = 25.0
IDLE_MAX_PERCENT: Final = 0.2
SETTLE_SECONDS: Final = 5.0

_MARK: Final = b"private key"
"""One of the generated rules looks for it: every answer must say so."""
_RULE: Final = "bench_plain_07"


def socket(bench: Bench) -> list[Figure]:
    """One file of 64 KiB at a time: the agent, clamdscan, and clamd's protocol from a program that runs already."""
    return asyncio.run(_socket(bench))


def idle(bench: Bench) -> list[Figure]:
    """The agent and its children, after one scan, for a minute in which nobody asks."""
    return asyncio.run(_idle(bench))


async def _socket(bench: Bench) -> list[Figure]:
    rounds: dict[str, list[list[float]]] = {"agent": [], "clamdscan": [], "clamd": []}
    with clamd.running(bench.folder, bench.fifty) as peer:
        bench.notes.append(f"clamd took {peer.rules_loaded} of {bench.fifty.rule_count} rules; its YARA has no modules")
        async with agent.running(bench.folder, bench.fifty) as ours, AgentClient(ours.socket) as client:
            sides = _sides(client, peer)
            for number in range(bench.rounds + 1):
                files = _files(bench.folder / "files" / "small", number)
                for name, scan in sides.items():
                    taken = await scan(files)
                    if number:  # the first is the warm-up
                        rounds[name].append(taken)
                say(f"socket-{number}: {len(files)} files")
    return [
        figure
        for other in ("clamdscan", "clamd")
        for figure in (
            _figure(f"p50, 64 KiB, peer: {other}", rounds["agent"], rounds[other], 0.50, P50_MAX_MS),
            _figure(f"p99, 64 KiB, peer: {other}", rounds["agent"], rounds[other], 0.99, P99_MAX_MS),
        )
    ]


def _sides(client: AgentClient, peer: Clamd) -> dict[str, Callable[[list[Path]], Awaitable[list[float]]]]:
    """By name, what scans files one after the other, and says how many milliseconds each took."""

    async def ours(file: Path) -> None:
        said = await client.scan(FlagRequest(path=str(file)))
        _expect(_RULE in {match.rule for match in said.matches}, "the agent", file, repr(said))

    def clamdscan(file: Path) -> None:
        command = ("clamdscan", "--fdpass", "--no-summary", f"--config-file={peer.config}", str(file))
        done = subprocess.run(command, check=False, capture_output=True)
        _expect(_RULE.encode() in done.stdout, "clamdscan", file, repr(done))

    def protocol(file: Path) -> None:
        said = peer.scan(file)
        _expect(_RULE.encode() in said, "clamd", file, repr(said))

    return {
        "agent": partial(_each, ours),
        "clamdscan": partial(_each_in_thread, clamdscan),
        "clamd": partial(_each_in_thread, protocol),
    }


def _expect(is_so: bool, who: str, file: Path, said: str) -> None:
    if not is_so:
        raise Disagreement(f"{who} did not find {_RULE} in {file}: {said}")


async def _each(scan: Callable[[Path], Awaitable[None]], files: Iterable[Path]) -> list[float]:
    taken: list[float] = []
    for file in files:
        began = perf_counter()
        await scan(file)
        taken.append(1000 * (perf_counter() - began))
    return taken


async def _each_in_thread(scan: Callable[[Path], None], files: Iterable[Path]) -> list[float]:
    return await asyncio.to_thread(_each_blocking, scan, files)


def _each_blocking(scan: Callable[[Path], None], files: Iterable[Path]) -> list[float]:
    taken: list[float] = []
    for file in files:
        began = perf_counter()
        scan(file)
        taken.append(1000 * (perf_counter() - began))
    return taken


def _files(folder: Path, number: int) -> list[Path]:
    """Scripts whose contents differ from file to file and from round to round."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{index:03}.sh" for index in range(FILES_COUNT)]
    for index, file in enumerate(files):
        noise = hashlib.shake_256(f"{number} {index}".encode()).digest(FILE_BYTES // 2).hex().encode()
        file.write_bytes((b"#!/bin/sh\n# " + _MARK + b"\n# " + noise)[:FILE_BYTES])
    return files


def _figure(
    what: str, ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]], share: float, most: float
) -> Figure:
    our_values = [percentile(taken, share) for taken in ours]
    their_values = [percentile(taken, share) for taken in theirs]
    return Figure(
        row="socket",
        what=what,
        unit="ms",
        ours=Spread.of(our_values),
        theirs=Spread.of(their_values),
        ratio=ratio(our_values, their_values),
        ours_max=most,
        raw={"sampler": our_values, "peer": their_values},
    )


async def _idle(bench: Bench) -> list[Figure]:
    async with agent.running(bench.folder, bench.fifty) as ours:
        async with AgentClient(ours.socket) as client:
            await client.scan(FlagRequest(path=str(_files(bench.folder / "files" / "small", 0)[0])))
        await asyncio.sleep(SETTLE_SECONDS)
        before, began = ours.cpu_seconds(), perf_counter()
        await asyncio.sleep(bench.idle_seconds)
        took = perf_counter() - began
        ran = sum(seconds - before.get(pid, 0.0) for pid, seconds in ours.cpu_seconds().items())
    percent = 100 * ran / took
    return [
        Figure(
            row="idle",
            what=f"of a core, over {bench.idle_seconds:g} s",
            unit="%",
            ours=Spread.of([percent]),
            ours_max=IDLE_MAX_PERCENT,
            raw={"sampler": [percent]},
        )
    ]
