from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.permit.command_splitting import split_command_line


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("a 'b c' d", ("a", "b c", "d")),
        (r'C:\Users\x\a.exe "b c"', (r"C:\Users\x\a.exe", "b c")),
        (r'"C:\a b\c.exe" /d', (r"C:\a b\c.exe", "/d")),
        (r"net use \\fs\x", ("net", "use", r"\\fs\x")),
        ("x 'open", ("x", "'open")),
        ("", ()),
    ],
)
def test_a_line_is_split_as_its_system_does(line: str, arguments: tuple[str, ...]) -> None:
    """Backslashes are kept where only Windows writes so, and quote elsewhere."""
    assert split_command_line(line).arguments == arguments


@given(st.lists(st.text(max_size=6), max_size=6))
def test_joined_arguments_come_apart_the_same(arguments: list[str]) -> None:
    """What was put together from arguments is taken apart into these very arguments."""
    assert split_command_line(shlex.join(arguments)).arguments == tuple(arguments)


@given(st.text(alphabet="a \\'\":C~", max_size=20))
def test_a_line_with_its_own_arguments_stays(line: str) -> None:
    """Where nothing changes, not a blank and no quote changes."""
    split = split_command_line(line)
    assert split.rejoined(split.arguments) == line


def test_only_what_changed_is_quoted_anew() -> None:
    """The rest of a line keeps its look."""
    assert split_command_line('a  "b"   c').rejoined(("a", "b", "d e")) == "a  \"b\"   'd e'"
    assert split_command_line(r'C:\a "b c" d').rejoined((r"C:\a", "b", "d e")) == r'C:\a b "d e"'
