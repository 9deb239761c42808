"""``python -m lab.run``: rounds of faults, and the accounts after each group of them. Fails when they are not clean."""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab import faults, power
from lab.accounting import Account, account
from lab.fault_proxy import Fault
from lab.load import Load
from sampler.cli.demo_lab import Lab

_WHENS: Final = range(1, 60, 7)
_KILLS_AN_ACCOUNT: Final = 50
_LINES: Final = 200
_CUTS: Final = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One group of rounds and what came of it."""

    what: str
    rounds: int
    account: Account
    note: str = ""

    def __str__(self) -> str:
        return _LINE.format(*self._cells)

    @property
    def markdown(self) -> str:
        """As a row of a table in a document."""
        return f"| {' | '.join(map(str, self._cells))} |"

    @property
    def _cells(self) -> tuple[str | int, ...]:
        sums = self.account
        wrong = "" if sums.is_clean else f" NOT CLEAN: {sums.reconciled or (sums.lost + sums.twice)[:3]}"
        counts = (self.rounds, sums.acknowledged, sums.delivered, len(sums.lost), len(sums.twice))
        return (self.what, *counts, self.note + wrong)


_HEADS: Final = ("faults", "rounds", "promised", "delivered", "lost", "twice", "")
_LINE: Final = "{:<32} {:>6} {:>8} {:>9} {:>4} {:>5}  {}"
HEAD: Final = _LINE.format(*_HEADS)
MARKDOWN_HEAD: Final = f"| {' | '.join(_HEADS)} |\n| --- |{' ---: |' * 5} --- |"

Rounds = Callable[[Lab, Load, random.Random], Awaitable[tuple[int, str]]]


async def group(what: str, rounds: Rounds, seed: int, near: Path) -> Row:
    """A lab of its own, the rounds while objects are flagged, and the account."""
    folder = Path(tempfile.mkdtemp(prefix="lab-", dir=near))
    lab = Lab(folder)
    try:
        await lab.set_up("extended")
        await lab.start_worker()
        load = Load(lab, random.Random(seed), folder / "objects")
        async with load.going_on():
            count, note = await rounds(lab, load, random.Random(seed))
        return Row(what, count, await account(lab, load.acknowledged), note)
    finally:
        await lab.stop()
        shutil.rmtree(folder)


def kills(count: int) -> Rounds:
    """SIGKILL of one service after another."""

    async def rounds(lab: Lab, load: Load, chance: random.Random) -> tuple[int, str]:
        took = [await faults.kill_at_random(lab, load, chance) for _ in range(count)]
        seconds = [each for name, each in took if name != "worker"] or [0.0]
        return count, f"resumed after {statistics.median(seconds):.1f} s (at most {max(seconds):.1f})"

    return rounds


def injected(effects: tuple[str, ...], whens: range) -> Rounds:
    """One call of the system that goes wrong, at each durable step."""

    async def rounds(lab: Lab, load: Load, chance: random.Random) -> tuple[int, str]:
        every = list(faults.injections(faults.SERVICES, effects, whens))
        chance.shuffle(every)
        died = Counter([await faults.inject(lab, load, each) for each in every])
        return len(every), f"{died[True]} times the service was gone"

    return rounds


def broken_lines(count: int) -> Rounds:
    """The line between agent and queue is slow, cut or silent, each time in another way."""

    async def rounds(lab: Lab, load: Load, chance: random.Random) -> tuple[int, str]:
        async with faults.proxied(lab) as proxy:
            for _ in range(count):
                await faults.break_line(proxy, load, chance)
            proxy.ask_for = Fault  # what is silent stays so: the agent has to find out
            took, met = await faults.delivered(lab, list(load.acknowledged)), sum(proxy.met.values())
        return count, f"{met} connections ended; all delivered {took:.1f} s after the last"

    return rounds


async def power_cuts(count: int, seed: int) -> Row:
    """Both ends on one disk that loses its power."""
    with tempfile.TemporaryDirectory(prefix="lab-") as near, power.disk(Path(near)) as disk:
        lab = Lab(disk.folder)
        load, chance = Load(lab, random.Random(seed), Path(near, "objects")), random.Random(seed)
        try:
            await lab.set_up("extended")
            for _ in range(count):
                async with load.going_on():
                    await asyncio.sleep(1 + chance.random())
                    disk.cut()
                    await lab.kill("agent")
                    await lab.kill("queue")
                    disk.again()
                    await lab.start_queue()
                    await lab.start_agent()
            return Row("power cut of agent and queue", count, await account(lab, load.acknowledged))
        finally:
            await lab.stop()


async def main() -> int:
    """Run what was asked for; 1 when an account is not clean."""
    asked = _parser().parse_args()
    print(f"seed {asked.seed}\n\n{MARKDOWN_HEAD if asked.markdown else HEAD}", flush=True)
    rows: list[Row] = []

    def add(row: Row) -> None:
        rows.append(row)
        print(row.markdown if asked.markdown else row, flush=True)

    near = Path(tempfile.gettempdir())
    for start in range(0, asked.kills, _KILLS_AN_ACCOUNT):
        count = min(_KILLS_AN_ACCOUNT, asked.kills - start)
        add(await group("kill -9 at a random time", kills(count), asked.seed + start, near))
    if asked.injections:
        whens = _WHENS[: asked.injections]
        add(await group("kill -9 at a durable step", injected(("signal=KILL",), whens), asked.seed, near))
        errors = ("error=EIO", "error=ENOSPC")
        add(await group("EIO, ENOSPC at a durable step", injected(errors, whens), asked.seed, near))
    if asked.lines:
        add(await group("line cut, slow or silent", broken_lines(asked.lines), asked.seed, near))
    reason = power.cannot()
    if asked.cuts and not reason:
        add(await power_cuts(asked.cuts, asked.seed))
    if asked.cuts and reason:
        print(f"\npower cut: not done: {reason}", flush=True)
    return 0 if all(row.account.is_clean for row in rows) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab.run", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, metavar="N", help="rounds of kill -9 at random times")
    parser.add_argument(
        "--injections", type=int, default=len(_WHENS), metavar="N", help="of the times of each call, so many"
    )
    parser.add_argument("--lines", type=int, default=_LINES, metavar="N", help="lines that break or are slow")
    parser.add_argument("--cuts", type=int, default=_CUTS, metavar="N", help="power cuts")
    parser.add_argument("--seed", type=int, default=1, help="the same one repeats the same faults")
    parser.add_argument("--markdown", action="store_true", help="the table as it stands in the README")
    return parser


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
