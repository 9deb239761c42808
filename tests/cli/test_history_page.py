from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.cli.history_page import page_of
from sampler.cli.history_plots import bars_by_name, bars_over_time, nice_ceiling
from sampler.cli.history_sums import LeftObject, Sums

NOW = datetime(2026, 11, 25, tzinfo=UTC)
HOSTILE = '"><script>alert(1)</script><img src=//203.0.113.1/x onerror=alert(1)>\x1b[31m\u202e&'


class Seen(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def sums(text: str) -> Sums:
    made = Sums()
    made.objects[date(2026, 11, 25)] = 2
    made.sent_bytes[date(2026, 11, 25)] = 3 * 1024 * 1024
    made.scopes[text] = made.reasons[text] = 2
    made.rows.append(
        LeftObject(text, NOW, text, text, 5, frozenset({text}), text, text, outcome=text, verdict=text, receipt=text)
    )
    return made


def page(text: str) -> str:
    return "".join(page_of(sums(text), NOW, text))


@given(st.text(max_size=60))
def test_no_text_becomes_markup(text: str) -> None:
    """Whatever a name, a reason or a verdict says, the page has the same elements and attributes."""
    plain, seen = Seen(page("plain")), Seen(page(text))
    assert (seen.tags, seen.attributes) == (plain.tags, plain.attributes)


def test_hostile_text_is_text() -> None:
    """Markup in a name is shown, and what would steer a reader is escaped."""
    seen = Seen(page(HOSTILE))
    assert "script" not in seen.tags
    assert "<script>alert(1)</script>" in seen.text
    assert "\x1b" not in seen.text
    assert "\\u202e" in seen.text


def test_the_page_stands_by_itself() -> None:
    """No script, no link, nothing from elsewhere, no style in attributes; its policy allows its own style alone."""
    whole = page("plain")
    seen = Seen(whole)
    assert not seen.tags & {"script", "link", "img", "iframe", "object", "form", "a", "base"}
    assert not seen.attributes & {"style", "src", "href", "srcset", "xlink:href"}
    assert "url(" not in whole
    assert "@import" not in whole
    style = re.search(r"<style>(.*?)</style>", whole, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', whole)
    assert style is not None
    assert policy is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].startswith(f"default-src 'none'; style-src 'sha256-{digest}'")


def test_what_left_is_named() -> None:
    """Counts, each object, and what to do about it."""
    seen = Seen(page("plain")).text
    for expected in ("2 objects left, and 3072 KiB of contents", "The newest 1 of 2", "sampler recall ID"):
        assert expected in seen


def test_an_empty_journal_is_a_page() -> None:
    """Nothing left, and the page says so."""
    assert "0 objects left" in Seen("".join(page_of(Sums(), NOW, ""))).text


@given(st.integers(0, 2**50), st.sampled_from([2, 10]))
def test_axes_end_above_the_bars(value: int, base: int) -> None:
    """The top is no lower than the highest bar, not far above, and divides into four."""
    top = nice_ceiling(value, base)
    assert max(value, 1) <= top <= max(4, 5 * value)
    assert top % 4 == 0


@pytest.mark.parametrize("draw", [bars_over_time, bars_by_name])
def test_bars_stay_inside(draw: object) -> None:
    """One bar or hundreds, no coordinate lies outside the drawing."""
    assert callable(draw)
    for number in (1, 2, 170):
        drawn = "".join(draw("title", [(f"{index}", index + 1) for index in range(number)], str))
        _, _, width, height = map(float, re.search(r'viewBox="([\d. ]+)"', drawn)[1].split())  # type: ignore[index]
        for x, y, wide, high in re.findall(r'x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', drawn):
            assert float(x) + float(wide) <= width
            assert float(y) + float(high) <= height
