"""Starts one command, waits for it and everything it started, and writes what all of them used. Linux only.

Run as a program of its own (``python -I -S launcher.py REPORT SAMPLE_SECONDS DEADLINE_SECONDS COMMAND...``), because a
child begins with the peak memory of the process that started it, and this one is small. It is a subreaper: what the
command leaves behind comes to it and is counted. It uses the standard library only and imports nothing of the bench.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import sys
from time import monotonic, perf_counter

PR_SET_CHILD_SUBREAPER = 36
LEFT_BEHIND_SECONDS = 10.0


class Peak:
    """The most memory that a tree of processes was seen to hold."""

    def __init__(self) -> None:
        self.pss_bytes = 0
        self.own_bytes = 0
        self.samples = 0
        self.is_rss = False

    def look(self, root: int) -> None:
        """Take one sample of everything below ``root``."""
        pss = own = 0
        for pid in below(root):
            of_all, without_files = self._memory(pid)
            pss += of_all
            own += without_files
        self.pss_bytes = max(self.pss_bytes, pss)
        self.own_bytes = max(self.own_bytes, own)
        self.samples += 1

    def _memory(self, pid: int) -> tuple[int, int]:
        """A process's proportional set size, and the same without pages of files; its RSS where PSS is refused."""
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                kib = {line.split(":")[0]: int(line.split()[1]) for line in file if line.startswith("Pss")}
            return 1024 * kib["Pss"], 1024 * (kib["Pss"] - kib.get("Pss_File", 0))
        except PermissionError:
            self.is_rss = True
            return _rss(pid), 0
        except (OSError, KeyError):  # it ended just now: opening or reading fails, or nothing is read
            return 0, 0


def below(root: int) -> list[int]:
    """All processes that ``root`` started, directly or not."""
    found: list[int] = []
    waiting = _children(root)
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += _children(pid)
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    try:
        with os.scandir(f"/proc/{pid}/task") as tasks:
            for task in tasks:
                with open(f"{task.path}/children", encoding="ascii") as file:
                    children += map(int, file.read().split())
    except OSError:  # it ended just now
        pass
    return children


def _rss(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def wait(pid: int, peak: Peak, sample_seconds: float, deadline: float) -> bool:
    """Wait for a process, sampling on the way (not at all with 0); whether it ended in time."""
    ended = select.poll()
    descriptor = os.pidfd_open(pid)
    ended.register(descriptor, select.POLLIN)
    step = 1000 * sample_seconds if sample_seconds else None
    while True:
        left = 1000 * (deadline - monotonic())
        if ended.poll(left if step is None else min(step, left)):
            os.close(descriptor)
            return True
        if left <= 0:
            return False
        peak.look(os.getpid())


def reap(deadline: float) -> list[int]:
    """Wait for what is left; what does not end is killed and returned."""
    killed: list[int] = []
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return killed
        if pid == 0:
            if monotonic() > deadline:
                killed += _kill_all()
            select.poll().poll(1)


def _kill_all() -> list[int]:
    pids = below(os.getpid())
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return pids


def main() -> None:
    """See the module."""
    report, sample_seconds, seconds, *command = sys.argv[1:]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    peak = Peak()
    began = perf_counter()
    pid = os.posix_spawnp(command[0], command, dict(os.environ))
    in_time = wait(pid, peak, float(sample_seconds), monotonic() + float(seconds))
    wall = perf_counter() - began
    if not in_time:
        _kill_all()
    _, status = os.waitpid(pid, 0)
    left = reap(monotonic() + LEFT_BEHIND_SECONDS)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = {
        "wall_seconds": wall,
        "user_seconds": used.ru_utime,
        "system_seconds": used.ru_stime,
        "max_rss_bytes": 1024 * used.ru_maxrss,
        "exit_code": os.waitstatus_to_exitcode(status),
        "in_time": in_time,
        "left_behind": left,
        "peak_pss_bytes": peak.pss_bytes,
        "peak_own_bytes": peak.own_bytes,
        "samples": peak.samples,
        "is_rss": peak.is_rss,
    }
    with open(report, "w", encoding="ascii") as file:
        json.dump(said, file)


if __name__ == "__main__":
    main()
