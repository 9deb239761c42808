"""What all deliveries know of the queue together."""

from __future__ import annotations

from datetime import datetime, timedelta

from sampler.runtime.backoff import Backoff
from sampler.upload.circuit import Circuit

_BACKOFF = Backoff(first_seconds=1.0, most_seconds=100.0)


def _circuit() -> Circuit:
    return Circuit(lambda: 1.0)


def test_closed(now: datetime) -> None:
    """While the queue answers there is room for as many as may run at once."""
    circuit = _circuit()
    assert [circuit.room(now, busy, 4) for busy in (0, 3, 4, 5)] == [4, 1, 0, 0]


def test_opens_and_probes(now: datetime) -> None:
    """After a failure nothing begins until its time, then one at a time."""
    circuit = _circuit()
    circuit.fail(now, 0, _BACKOFF)
    assert circuit.retry_at == now + timedelta(seconds=1)
    assert circuit.room(now, 0, 4) == 0
    assert circuit.room(now + timedelta(seconds=1), 0, 4) == 1
    assert circuit.room(now + timedelta(seconds=1), 1, 4) == 0


def test_grows(now: datetime) -> None:
    """Each failed probe doubles the wait; what the queue asks for is the least of it."""
    circuit = _circuit()
    waits = []
    for generation in range(4):
        circuit.fail(now, generation, _BACKOFF)
        assert circuit.retry_at is not None
        waits.append((circuit.retry_at - now).total_seconds())
    assert waits == [1, 2, 4, 8]
    circuit.fail(now, 4, _BACKOFF, at_least_seconds=60)
    assert circuit.retry_at == now + timedelta(seconds=60)


def test_failing_together(now: datetime) -> None:
    """Deliveries that began together and fail together are one failure."""
    circuit = _circuit()
    for _ in range(4):
        circuit.fail(now, 0, _BACKOFF)
    assert circuit.retry_at == now + timedelta(seconds=1)


def test_closes(now: datetime) -> None:
    """One answer closes it, and the next failure begins with the shortest wait."""
    circuit = _circuit()
    circuit.fail(now, 0, _BACKOFF)
    circuit.fail(now, 1, _BACKOFF)
    circuit.succeed()
    assert circuit.room(now, 0, 4) == 4
    circuit.fail(now, circuit.generation, _BACKOFF)
    assert circuit.retry_at == now + timedelta(seconds=1)
