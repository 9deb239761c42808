"""The door for blocking work."""

from __future__ import annotations

import threading

from sampler.runtime.blocking import Lane, off_loop


async def test_work_leaves_the_loop_and_its_result_comes_back() -> None:
    """A blocking function runs on another thread."""
    assert await off_loop(threading.get_ident) != threading.get_ident()


async def test_a_lane_keeps_one_thread_and_the_order() -> None:
    """Everything in a lane runs on the same thread, one after the other."""
    lane = Lane("test")
    seen: list[int] = []
    threads = {await lane.run(threading.get_ident) for _ in range(3)}
    for number in range(5):
        await lane.run(seen.append, number)
    await lane.close()
    assert len(threads) == 1
    assert seen == [0, 1, 2, 3, 4]
