"""Counts the packets of a whole lab in a network namespace of its own; prints them, phase by phase, as JSON.

It is a process of its own because a namespace is entered by a process that has one thread, and left by ending.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
from pathlib import Path

from sampler.cli.demo_lab import Lab
from sampler.intake import AgentClient
from sampler.wire.agent_messages import FlagRequest

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
ETH_P_ALL = 3
ESTABLISHED = "01"
"""In ``/proc/net/tcp``."""
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
QUIET_SECONDS = 6.0
"""What only waits on an open connection is quiet for longer; that is why connections are counted as well."""
WAIT_SECONDS = 60.0


def enter_own_network() -> None:
    """A namespace that has a loopback and nothing else; an ordinary user needs one of users around it."""
    user, group = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET if user == 0 else CLONE_NEWUSER | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    if user != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    with socket.socket() as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))


class Packets:
    """Everything that crosses the namespace's only interface."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.bind(("lo", 0))
        self._socket.setblocking(False)

    async def within(self, seconds: float) -> int:
        """How many came since the last drain, and in this time; returns at the first one."""
        try:
            async with asyncio.timeout(seconds):
                await asyncio.get_running_loop().sock_recv(self._socket, 65_536)
        except TimeoutError:
            return 0
        return 1 + self.drain()

    def drain(self) -> int:
        """Read what is there; how many they were."""
        count = 0
        try:
            while self._socket.recv(65_536):
                count += 1
        except BlockingIOError:
            return count
        return count


async def flag(lab: Lab, *names: str) -> None:
    async with AgentClient(lab.socket) as client:
        for name in names:
            (lab.folder / name).write_text(f"#!/bin/sh\necho {name}\n")
            await client.flag(FlagRequest(path=str(lab.folder / name)))


async def until_quiet(packets: Packets) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while await packets.within(2.0):
            pass


def connections(lab: Lab) -> int:
    """Connections with the queue's door for hosts that are open: a long poll is one that says nothing for a while."""
    port = f":{lab.hosts_port:04X}"
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return sum(row[3] == ESTABLISHED and port in row[1] + row[2] for row in rows)


async def start_and_flag(lab: Lab, packets: Packets, *names: str) -> int:
    """The packets of an agent's start, of flagging and of some time after it."""
    packets.drain()
    await lab.start_agent()
    await flag(lab, *names)
    return await packets.within(QUIET_SECONDS) + connections(lab)


async def observe(lab: Lab) -> dict[str, int]:
    """The packets of each phase, and with them the connections that stand at its end."""
    packets, config = Packets(), ("--config", str(lab.agent_config))
    fingerprint = await lab.init_queue()
    await lab.start_queue()
    await lab.enroll(fingerprint)
    await until_quiet(packets)
    before = await start_and_flag(lab, packets, "one.sh", "two.sh")
    await lab.command("consent", "accept", "extended", "--by", "erika", *config)
    await flag(lab, "three.sh")
    during = await packets.within(WAIT_SECONDS)
    await lab.command("consent", "withdraw", "--by", "erika", *config)
    await until_quiet(packets)
    await flag(lab, "four.sh")
    after = await packets.within(QUIET_SECONDS) + connections(lab)
    await lab.kill("agent")
    await until_quiet(packets)
    restarted = await start_and_flag(lab, packets, "five.sh")
    return {"before": before, "during": during, "after": after, "restarted": restarted}


async def main(folder: str) -> None:
    lab = Lab(Path(folder))
    try:
        counts = await observe(lab)
    finally:
        await lab.stop()
    sys.stdout.write(json.dumps(counts))


if __name__ == "__main__":
    enter_own_network()
    asyncio.run(main(sys.argv[1]))
