"""Bars, as SVG that stands in a page: no script, no style of its own, every text escaped. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Final

from sampler.cli.output import printable_text

Bars = Sequence[tuple[str, int]]

_WIDTH: Final = 920
_HEIGHT: Final = 200
_LEFT: Final = 70
_TOP: Final = 10
_BOTTOM: Final = 26
_LABELS_MAX_COUNT: Final = 8
_LABEL_WIDTH: Final = 70
_NAMES_WIDTH: Final = 150
_ROW: Final = 24
_TICKS: Final = 4


def bars_over_time(title: str, bars: Bars, say: Callable[[int], str], *, base: int = 10) -> Iterator[str]:
    """Upright bars side by side.

    Args:
        title: for whoever cannot see them.
        bars: a label and a number each, in order; at least one.
        say: a number in words, with its unit.
        base: of the unit's multiples, 2 for bytes.
    """
    top = nice_ceiling(max(value for _, value in bars), base)
    yield _opened(title, _HEIGHT)
    for tick in range(_TICKS + 1):
        yield from _tick(tick, top, say)
    room = (_WIDTH - _LEFT) / len(bars)
    every = math.ceil(len(bars) / _LABELS_MAX_COUNT)
    for number, (label, value) in enumerate(bars):
        x = _LEFT + number * room
        high = _plot_height() * value / top
        place = f'x="{x + room * 0.1:.1f}" y="{_base() - high:.1f}" width="{room * 0.8:.1f}" height="{high:.1f}"'
        yield f'<rect class="bar" {place}><title>{shown(label)}: {shown(say(value))}</title></rect>\n'
        if number % every == 0 and x < _WIDTH - _LABEL_WIDTH:
            yield f'<text x="{x:.1f}" y="{_HEIGHT - 8}">{shown(label)}</text>\n'
    yield "</svg>\n"


def bars_by_name(title: str, bars: Bars, say: Callable[[int], str]) -> Iterator[str]:
    """Lying bars below each other, each with its name and number; arguments as ``bars_over_time``."""
    top = max(value for _, value in bars)
    yield _opened(title, _ROW * len(bars) + 2 * _TOP)
    for number, (name, value) in enumerate(bars):
        y = _TOP + number * _ROW
        width = (_WIDTH - _NAMES_WIDTH - 140) * value / top
        yield f'<text x="{_NAMES_WIDTH - 8}" y="{y + 16}" text-anchor="end">{shown(name)}</text>\n'
        yield f'<rect class="bar" x="{_NAMES_WIDTH}" y="{y + 4}" width="{width:.1f}" height="{_ROW - 8}"/>\n'
        yield f'<text x="{_NAMES_WIDTH + width + 8:.1f}" y="{y + 16}">{shown(say(value))}</text>\n'
    yield "</svg>\n"


def shown(text: str) -> str:
    """A text in a page: no markup, and nothing that would steer its reader."""
    return escape(printable_text(text))


def nice_ceiling(value: int, base: int = 10) -> int:
    """A number from ``value`` on that four steps divide into round ones."""
    step = 1
    while True:
        for factor in (4,) if base == 2 else (4, 8, 12, 20):
            if factor * step >= value:
                return factor * step
        step *= base


def _opened(title: str, height: int) -> str:
    text = shown(title)
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{text}">\n<title>{text}</title>\n'


def _tick(tick: int, top: int, say: Callable[[int], str]) -> Iterator[str]:
    y = _base() - _plot_height() * tick / _TICKS
    yield f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH}" y2="{y:.1f}"/>\n'
    yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{shown(say(top * tick // _TICKS))}</text>\n'


def _base() -> int:
    return _HEIGHT - _BOTTOM


def _plot_height() -> int:
    return _HEIGHT - _BOTTOM - _TOP
