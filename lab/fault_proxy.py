"""A line that goes wrong: a TCP proxy on loopback that delays, throttles, loses, cuts and falls silent.

It reads nothing of what it passes on. What happens to a connection is settled when it is accepted; ``ask_for`` may be
replaced at any time and holds for the connections that come after.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import random
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

_PIECE_BYTES: Final = 16 << 10
_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends RST (socket(7))."""


class End(enum.Enum):
    """What a connection does once as much has passed as may."""

    CUT = "cut"
    """Both sides get a reset; bytes on their way are lost."""
    SILENT = "silent"
    """Both sides stay open and hear nothing more, not even that the other one closed, as behind a router that lost its
    table; until ``cut``."""


@dataclass(frozen=True, slots=True)
class Fault:
    """How one connection goes wrong; as it is by default, not at all."""

    delay_seconds: float = 0.0
    """Before each piece of at most 16 KiB, each way."""
    bytes_per_second: int = 0
    """Each way; 0: as fast as it goes."""
    up_bytes: int | None = None
    """From the client; what would be more is not passed on, and the connection ends."""
    down_bytes: int | None = None
    """To the client; 0: the server may do all its work, and its answer is lost."""
    end: End = End.CUT


def any_fault(chance: random.Random) -> Fault:
    """One of each kind; amounts that fall into a TLS handshake, a request, its body and its answer."""
    after, end = int(2 ** chance.uniform(6, 17)), chance.choice(list(End))
    return chance.choice(
        (
            Fault(delay_seconds=chance.uniform(0.01, 0.3)),
            Fault(bytes_per_second=int(2 ** chance.uniform(13, 18))),
            Fault(up_bytes=after, end=end),
            Fault(down_bytes=after, end=end),
        )
    )


class _Ended(Exception):
    """As much has passed as may."""


class FaultProxy:
    """Listens on a port of its own and connects to another one, once for each connection."""

    def __init__(self, target_port: int, ask_for: Callable[[], Fault] = Fault) -> None:
        self.ask_for = ask_for
        self.port = 0
        """Known once it is entered."""
        self.met: dict[Fault, int] = {}
        """Connections that each fault ended."""
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """Reset every connection that is open now."""
        ended = list(self._open)
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with contextlib.suppress(asyncio.CancelledError):  # by ``cut``, and nobody waits for the outcome
                await self._serve(self.ask_for(), reader, writer)
        finally:
            self._open.discard(task)
            _reset(writer)

    async def _serve(self, fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            to_server = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            return  # the client gets a reset, as it would from the port itself
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pass_on(reader, to_server[1], fault, fault.up_bytes))
                group.create_task(_pass_on(to_server[0], writer, fault, fault.down_bytes))
        except* OSError:
            pass  # one side is gone, and so is the other
        except* _Ended:
            self.met[fault] = self.met.get(fault, 0) + 1
            if fault.end is End.SILENT:
                await asyncio.Event().wait()  # until it is cut
        finally:
            _reset(to_server[1])


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault, most_bytes: int | None
) -> None:
    """Until the sender has said everything, which the receiver is told as well.

    Raises:
        _Ended: there was more than ``most_bytes``.
    """
    passed = 0
    while piece := await reader.read(_PIECE_BYTES):
        await asyncio.sleep(
            fault.delay_seconds + (len(piece) / fault.bytes_per_second if fault.bytes_per_second else 0)
        )
        allowed = len(piece) if most_bytes is None else min(len(piece), most_bytes - passed)
        writer.write(piece[:allowed])
        await writer.drain()
        passed += allowed
        if allowed < len(piece):
            raise _Ended
    writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    peer = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it is closed already
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
