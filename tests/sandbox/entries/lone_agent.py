"""A small agent of its own: starts a pool, has one child hang, says which processes there are, and waits."""

from __future__ import annotations

import asyncio
import socket
import sys

import psutil

from sampler.sandbox import ChildPool


async def main() -> None:
    """Run until killed."""
    pool = ChildPool("sandbox_entries:prepare", b"", children=2)
    await pool.start()
    ours, theirs = socket.socketpair()
    call = asyncio.create_task(pool.call(b"wait", theirs.fileno()))
    await asyncio.get_running_loop().run_in_executor(None, ours.recv, 5)
    sys.stdout.write(" ".join(str(child.pid) for child in psutil.Process().children(recursive=True)) + "\n")
    sys.stdout.flush()
    await call


if __name__ == "__main__":
    asyncio.run(main())
