"""The proxy does to a connection what it says, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import pytest

from lab.fault_proxy import End, Fault, FaultProxy, any_fault

SAID = bytes(range(256)) * 200
WAIT_SECONDS = 30


class Echo:
    """A server that says what it heard, once it has heard everything."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.ends = asyncio.Semaphore(0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        said = b""
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(1 << 16):
                said += piece
            writer.write(said)
            await writer.drain()
        self.heard.append(said)
        writer.close()
        self.ends.release()


@pytest.fixture
async def echo() -> Echo:
    """What it heard."""
    return Echo()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[FaultProxy]:
    """In front of the echo."""
    async with (
        await asyncio.start_server(echo.serve, "127.0.0.1", 0) as server,
        FaultProxy(server.sockets[0].getsockname()[1]) as made,
        asyncio.timeout(WAIT_SECONDS),
    ):
        yield made


async def _ask(proxy: FaultProxy) -> bytes:
    """What comes back for ``SAID``; what came before a reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    answer = b""
    with contextlib.suppress(ConnectionError):
        writer.write(SAID)
        await writer.drain()
        writer.write_eof()
        while piece := await reader.read(1 << 16):
            answer += piece
    writer.transport.abort()
    return answer


@pytest.mark.parametrize("fault", [Fault(), Fault(delay_seconds=0.01), Fault(bytes_per_second=1 << 20)])
async def test_what_is_only_slow_arrives(proxy: FaultProxy, fault: Fault) -> None:
    """Every byte, each way, in order."""
    proxy.ask_for = lambda: fault
    assert await _ask(proxy) == SAID
    assert not proxy.met


async def test_a_throttle_takes_its_time(proxy: FaultProxy) -> None:
    """No more than the rate allows gets through."""
    proxy.ask_for = lambda: Fault(bytes_per_second=len(SAID) * 4)
    began = asyncio.get_running_loop().time()
    await _ask(proxy)
    assert asyncio.get_running_loop().time() - began >= 0.5


async def test_a_request_is_cut(proxy: FaultProxy, echo: Echo) -> None:
    """The server gets the first bytes at most, and the client is told nothing."""
    proxy.ask_for = lambda: Fault(up_bytes=1000)
    assert await _ask(proxy) == b""
    await echo.ends.acquire()
    assert len(echo.heard[0]) <= 1000
    assert SAID.startswith(echo.heard[0])
    assert sum(proxy.met.values()) == 1


async def test_an_answer_is_lost_after_the_work(proxy: FaultProxy, echo: Echo) -> None:
    """The server heard everything and did its work; the client never hears."""
    proxy.ask_for = lambda: Fault(down_bytes=0)
    assert await _ask(proxy) == b""
    await echo.ends.acquire()
    assert echo.heard == [SAID]


async def test_a_silent_connection_stays_open(proxy: FaultProxy) -> None:
    """Nothing comes and nothing ends, until it is cut."""
    proxy.ask_for = lambda: Fault(down_bytes=100, end=End.SILENT)
    asking = asyncio.create_task(_ask(proxy))
    while not proxy.met:
        await asyncio.sleep(0.01)
    assert not asking.done()
    await proxy.cut()
    assert SAID.startswith(await asking)


async def test_a_server_that_is_gone_is_a_reset(echo: Echo) -> None:
    """The client does not wait for what nobody answers."""
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    async with FaultProxy(server.sockets[0].getsockname()[1]) as proxy:
        server.close()
        await server.wait_closed()
        assert await _ask(proxy) == b""


def test_a_seed_repeats_its_faults() -> None:
    """The same ones in the same order, of every kind."""
    first, second = random.Random(3), random.Random(3)
    faults = [any_fault(first) for _ in range(100)]
    assert faults == [any_fault(second) for _ in range(100)]
    assert any(fault.delay_seconds for fault in faults)
    assert any(fault.bytes_per_second for fault in faults)
    assert {fault.end for fault in faults if fault.up_bytes} == set(End)
    assert {fault.end for fault in faults if fault.down_bytes} == set(End)
