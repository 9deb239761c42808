"""A host's report of its day, as the queue takes it in: decoded, checked, summed with others, and shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from fuzz.target import Target
from sampler.errors import RequestError
from sampler.limits import KIB, MIB, STATISTICS_THRESHOLD, STATISTICS_VALUE_MAX
from sampler.model.statistics import ALL, Table
from sampler.queue.statistics import cells_of
from sampler.queue.statistics_cells import merged, shown
from sampler.wire.codec import DecodeError, decode, encode
from sampler.wire.sketches import Sketch
from sampler.wire.statistics_messages import CountMessage, SketchMessage, StatisticsReport

_ID: Final = "01234567-89ab-cdef-0123-456789abcdef"
_HOSTS: Final = 64
"""That report the same: more than any threshold of a seed."""


def one_input(data: bytes) -> None:
    """It is refused, or each cell of it stays within what a ledger keeps; of one host nothing is ever shown, and of
    many no number that is not a multiple of its threshold.
    """
    try:
        report = decode(data, StatisticsReport)
        cells = cells_of(report)
    except (DecodeError, RequestError) as error:
        assert str(error)
        return
    assert decode(encode(report), StatisticsReport) == report
    assert shown(cells.values(), lambda: 0.5) == ()
    many = []
    for (table, label), cell in cells.items():
        assert (cell.table, cell.label) == (table, label)
        assert cell.threshold >= STATISTICS_THRESHOLD
        assert 0 <= cell.total <= STATISTICS_VALUE_MAX
        together = cell
        for _ in range(_HOSTS - 1):
            together = merged(together, cell)
        assert (together.hosts, together.largest) == (_HOSTS, cell.largest)
        assert together.total == (cell.total if cell.table.is_distinct else cell.total * _HOSTS)
        many.append(together)
    for number in shown(many, lambda: 0.5):
        assert number.threshold <= _HOSTS
        assert number.value % number.threshold == 0


def _seeds() -> Iterator[bytes]:
    sketch = Sketch()
    for number in range(40):
        sketch.add(bytes(32), number.to_bytes(2, "big"))
    counts = (
        CountMessage(table=Table.OBJECTS, label=ALL, value=7),
        CountMessage(table=Table.BY_RULE, label="EICAR_Test_File", value=2),
    )
    sketches = (SketchMessage(table=Table.DISTINCT, label=ALL, registers=sketch.encode()),)
    for threshold in (5, 20, 50):
        report = StatisticsReport(id=_ID, day=date(2026, 11, 24), threshold=threshold, counts=counts, sketches=sketches)
        yield encode(report)
    yield encode(StatisticsReport(id=_ID, day=date.min, threshold=5, counts=(counts[0], counts[0])))


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b'"table":"', b'"label":"all"', b'"value":', b'"registers":"', b"9223372036854775807", b"sampler.statistics.",
        b"objects_by_size", b'"threshold":5', b"9999-12-31",
    ),
    max_bytes=16 * KIB,
    memory_max_bytes=64 * MIB,
)  # fmt: skip
