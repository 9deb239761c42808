"""Scanning the memory of real processes, and what is said where that cannot be done."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sampler.errors import RulesError, SandboxError
from sampler.examine import ExamineSettings
from sampler.examine.process_memory import ProcessScan, ProcessScanner, scan_process
from sampler.limits import PROCESS_ID_MAX
from sampler.model import Failure, ObjectState
from sampler.runtime.process_sighting import Sighting
from sampler.sandbox import ChildPool
from sampler.scan import RuleSettings, ScanLimits

MARKER = b"this is only in memory"
RULES = """
rule marker : found { strings: $m = "this is only in memory" condition: $m }
rule untouched { strings: $u = "on a page that nobody touched" condition: $u }
rule named { condition: filename contains "python" and filepath contains "/" and owner != "" }
rule absent { strings: $a = { FE ED FA CE 0B AD F0 0D FE ED FA CE 0B AD F0 0D 11 22 33 } condition: $a }
rule slow { condition: filename == "slow" or for all i in (0..SLOW): (i >= 0) }
"""
HOLDING = """
import mmap, os, sys
marker = bytes(byte ^ 0x20 for byte in bytes.fromhex(sys.argv[1]))
mapped = None
if len(sys.argv) > 2:
    file = os.open(sys.argv[2], os.O_RDONLY)
    mapped = mmap.mmap(file, 0, access=mmap.ACCESS_READ)
print(flush=True)
sys.stdin.readline()
os.execv(sys.executable, [sys.executable, "-ISc", "import sys; print(flush=True); sys.stdin.readline()"])
"""
Hold = Callable[..., "subprocess.Popen[bytes]"]
Settings = Callable[..., ExamineSettings]
Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Rules that find the marker, and one that takes as long as it is told."""

    def make(slow: int = 0, **options: Any) -> ExamineSettings:
        folder = tmp_path / "rules"
        folder.mkdir(exist_ok=True)
        (folder / "tests.yar").write_text(RULES.replace("SLOW", str(slow)))
        return ExamineSettings(rules=RuleSettings((folder,)), **options)

    return make


@pytest.fixture
def until() -> Until:
    """Wait for a condition, ten seconds at most."""

    async def wait(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            await asyncio.sleep(0.005)

    return wait


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Start a process that has the marker in its memory, and in none of its arguments."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        scrambled = bytes(byte ^ 0x20 for byte in MARKER).hex()
        process = subprocess.Popen(
            [sys.executable, "-IS", "-c", HOLDING, scrambled, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
async def scanner(settings: Settings) -> AsyncIterator[ProcessScanner]:
    async with ProcessScanner(settings()) as scanner:
        yield scanner


def runs(process: subprocess.Popen[bytes]) -> bool:
    """Whether it is alive, and neither stopped nor traced."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return process.poll() is None and "State:\tS" in status and "TracerPid:\t0" in status


async def test_what_is_in_memory(scanner: ProcessScanner, hold: Hold) -> None:
    """Rules see a process's memory and what it is called; hits are addresses, and the process goes on."""
    process = hold()
    scan = await scanner.scan(process.pid)
    assert isinstance(scan, ProcessScan)
    assert [match.rule for match in scan.matches] == ["marker", "named", "slow"]
    assert scan.matches[0].tags == ("found",)
    assert any(hit.offset > 1 << 32 and hit.length == len(MARKER) for hit in scan.matches[0].hits)
    assert (scan.pid, scan.matches_total, scan.problems) == (process.pid, 3, ())
    assert scan.path == os.fsencode(Path(sys.executable).resolve())
    assert scan.ruleset_version.startswith("sha256:")
    assert runs(process)


async def test_a_file_that_is_mapped_and_not_read(scanner: ProcessScanner, hold: Hold, tmp_path: Path) -> None:
    """Pages of a mapped file that the process never touched are scanned too, without opening the file."""
    file = tmp_path / "mapped"
    file.write_bytes(bytes(8192) + b"on a page that nobody touched")
    scan = await scanner.scan(hold(str(file)).pid)
    assert isinstance(scan, ProcessScan)
    assert "untouched" in [match.rule for match in scan.matches]


async def test_several_in_a_row(scanner: ProcessScanner, hold: Hold) -> None:
    """One scanner scans one process after the other."""
    for process in (hold(), hold()):
        scan = await scanner.scan(process.pid)
        assert isinstance(scan, ProcessScan)
        assert scan.matches[0].rule == "marker"


async def test_one_process(settings: Settings, hold: Hold) -> None:
    """A single scan starts and ends all that it needs."""
    scan = await scan_process(settings(), hold().pid)
    assert isinstance(scan, ProcessScan)
    assert scan.matches[0].rule == "marker"


@pytest.mark.parametrize("pid", [-1, 0, PROCESS_ID_MAX, PROCESS_ID_MAX + 1, 1 << 40])
async def test_no_such_process(scanner: ProcessScanner, pid: int) -> None:
    """A number that no process has is a failure."""
    assert await scanner.scan(pid) == Failure(ObjectState.VANISHED, "absent", f"there is no process {pid}")


async def test_itself(scanner: ProcessScanner) -> None:
    """Neither the scanner nor its helpers are scanned: their rules would match themselves."""
    assert scanner._pool._nursery is not None
    for pid in (os.getpid(), scanner._pool._nursery.pid, scanner._pool._idle[0].pid):
        failure = await scanner.scan(pid)
        assert isinstance(failure, Failure)
        assert (failure.state, failure.code) == (ObjectState.UNREADABLE, "own-process")


async def test_a_zombie(scanner: ProcessScanner, until: Until) -> None:
    """A process that has ended while its parent does not look has no memory, and that is said."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        await until(lambda: "State:\tZ" in Path(f"/proc/{process.pid}/status").read_text())
        failure = await scanner.scan(process.pid)
    assert isinstance(failure, Failure)
    assert (failure.state, failure.code) == (ObjectState.VANISHED, "zombie")


async def test_a_kernel_thread(scanner: ProcessScanner, hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread of the kernel has no memory of its own, and that is said."""
    stat = b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 4 0 0 18446744073709551615 0 0 0 0 0 0 0 0 0 0"
    told = {"stat": stat, "status": b"Name:\tkthreadd\nUid:\t0\t0\t0\t0\n"}
    monkeypatch.setattr("sampler.runtime.process_sighting._read", lambda path: told[path.rpartition("/")[2]])
    failure = await scanner.scan(hold().pid)
    assert isinstance(failure, Failure)
    assert (failure.state, failure.code) == (ObjectState.UNREADABLE, "kernel-thread")


async def test_a_thread(scanner: ProcessScanner) -> None:
    """The number of a thread is not that of a process."""
    thread = next(int(task.name) for task in Path("/proc/self/task").iterdir() if int(task.name) != os.getpid())
    failure = await scanner.scan(thread)
    assert isinstance(failure, Failure)
    assert failure.code == "not-a-process"


async def test_another_users_process(settings: Settings, hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may not look into a process is told so; what an ordinary user lacks of the confinement is known."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "entries"))
    monkeypatch.setattr("sampler.examine.process_memory._ENTRY", "ordinary_entries:prepare")
    pid = hold().pid if os.geteuid() == 0 else 1
    async with ProcessScanner(settings()) as scanner:
        failure = await scanner.scan(pid)
        missing = scanner.confinement.missing
    assert isinstance(failure, Failure)
    assert (failure.state, failure.code) == (ObjectState.UNREADABLE, "permission")
    assert "Permission denied" in failure.detail
    assert missing == ("network and mount namespace (Operation not permitted)",)


@pytest.mark.parametrize("before", [[], ["unshare", "--user"]] if os.geteuid() == 0 else [[]])
async def test_processes_of_other_accounts(scanner: ProcessScanner, until: Until, before: list[str]) -> None:
    """Root reads the processes of every account, those in a user namespace of their own too."""
    command = [*before, "sleep", "60"]
    with subprocess.Popen(command, user=65534 if os.geteuid() == 0 else None) as process:
        await until(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "sleep\n")
        scan = await scanner.scan(process.pid)
        process.kill()
    assert isinstance(scan, ProcessScan)
    assert [match.rule for match in scan.matches] == ["slow"]


async def test_required_confinement(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where everything is required, a user who cannot have it scans nothing."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "entries"))
    monkeypatch.setattr("sampler.examine.process_memory._ENTRY", "ordinary_entries:prepare")
    with pytest.raises(SandboxError, match="network and mount namespace"):
        await ProcessScanner(settings(require_sandbox=True)).start()


def after_exchange(monkeypatch: pytest.MonkeyPatch, deed: Callable[[], None]) -> None:
    """Have something happen between the child's answer and the look at the target."""
    exchange = ChildPool.exchange

    async def wrapped(*arguments: Any) -> Any:
        answer = await exchange(*arguments)
        deed()
        return answer

    monkeypatch.setattr(ChildPool, "exchange", wrapped)


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


async def test_a_target_that_ends_at_the_end(
    scanner: ProcessScanner, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer about a process that is gone by then is no answer."""
    process = hold()
    after_exchange(monkeypatch, lambda: end(process))
    failure = await scanner.scan(process.pid)
    assert isinstance(failure, Failure)
    assert (failure.state, failure.code) == (ObjectState.VANISHED, "target-ended")
    assert "the target ended during the scan" in failure.detail


@pytest.mark.parametrize("is_reaped", [True, False])
async def test_a_target_that_ends_meanwhile(settings: Settings, hold: Hold, until: Until, is_reaped: bool) -> None:
    """A process that ends while its memory is read is not one without matches, reaped or not."""
    process = hold()
    async with ProcessScanner(settings(slow=3_000_000)) as scanner:
        scan = asyncio.create_task(scanner.scan(process.pid))
        await begun(scanner, until)
        process.kill()
        if is_reaped:
            process.wait()
        failure = await scan
    assert isinstance(failure, Failure)
    assert (failure.state, failure.code) == (ObjectState.VANISHED, "target-ended")


async def begun(scanner: ProcessScanner, until: Until) -> None:
    """Wait until a child is confined to its target, hence about to read it."""
    await until(lambda: any("Seccomp:\t2" in status_of(child.pid) for child in scanner._pool._busy))


def status_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/status").read_text()
    return ""


async def test_another_program(scanner: ProcessScanner, hold: Hold, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that runs another program by the end was not the one that was asked about."""
    process = hold()

    def go_on() -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()

    after_exchange(monkeypatch, go_on)
    failure = await scanner.scan(process.pid)
    assert isinstance(failure, Failure)
    assert (failure.state, failure.code) == (ObjectState.CHANGED, "target-changed")


async def test_a_number_that_is_used_again(
    scanner: ProcessScanner, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that got the number between the first look and the pidfd is noticed by its start time."""
    process = hold()
    now = Sighting.of(process.pid)
    assert now is not None
    sightings = iter([replace(now, started=now.started - 1), now])
    monkeypatch.setattr(Sighting, "of", lambda pid: next(sightings))
    failure = await scanner.scan(process.pid)
    assert isinstance(failure, Failure)
    assert failure.code == "target-ended"


async def test_the_deadline(settings: Settings, hold: Hold) -> None:
    """A scan that does not end is ended from outside, and its target goes on as if nothing had been."""
    process = hold()
    async with ProcessScanner(settings(slow=1 << 60, deadline_seconds=0.5)) as scanner:
        failure = await scanner.scan(process.pid)
        assert runs(process)
    assert isinstance(failure, Failure)
    assert (failure.state, failure.code) == (ObjectState.TIMED_OUT, "deadline")


async def test_the_engines_own_timeout(settings: Settings, hold: Hold) -> None:
    """Rules that do not end are given up by the engine before the deadline."""
    scan = await scan_process(settings(slow=1 << 60, limits=ScanLimits(timeout_seconds=1)), hold().pid)
    assert isinstance(scan, Failure)
    assert (scan.state, scan.code) == (ObjectState.TIMED_OUT, "scan-timeout")


async def test_an_engine_that_cannot(settings: Settings, hold: Hold) -> None:
    """An engine that scans no processes says so."""
    usual = settings()
    scan = await scan_process(replace(usual, rules=replace(usual.rules, engine="yara-x")), hold().pid)
    assert isinstance(scan, Failure)
    assert (scan.state, scan.code) == (ObjectState.FAILED, "scan-failed")
    assert "--engine yara" in scan.detail


async def test_no_rules(settings: Settings, tmp_path: Path) -> None:
    """Without a usable rule nothing is started."""
    usual = settings()
    (tmp_path / "rules" / "tests.yar").write_text("rule broken {")
    with pytest.raises(RulesError, match="can be used"):
        await ProcessScanner(usual).start()


def test_a_sighting() -> None:
    """What /proc says of this process."""
    now = Sighting.of(os.getpid())
    assert now is not None
    assert now == Sighting.of(os.getpid())
    assert now.path == os.fsencode(Path("/proc/self/exe").readlink())
    assert (now.user, now.is_kernel_thread, now.has_ended) == (os.getuid(), False, False)
