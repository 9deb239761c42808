from __future__ import annotations

import shlex

from hypothesis import given
from hypothesis import strategies as st

from sampler.limits import TREATED_TEXT_MAX_CHARACTERS
from sampler.model import Field, value_of
from sampler.permit.command_lines import with_whole_command_lines


@given(st.lists(st.text(max_size=8), max_size=5).map(tuple))
def test_a_line_can_be_taken_apart_into_its_arguments(arguments: tuple[str, ...]) -> None:
    """Whatever the arguments hold, the line made of them gives them back, though what was described did not."""
    fields = (Field("process.args", arguments), Field("process.command_line", " ".join(arguments)))
    line = value_of(with_whole_command_lines(fields), "process.command_line")
    assert isinstance(line, str)
    assert tuple(shlex.split(line)) == arguments


def test_a_line_without_arguments_stays() -> None:
    """A command line whose arguments are not known, or are another process's, is left as it was described."""
    fields = (Field("process.parent.command_line", "a 'b"), Field("process.args", ("x",)), Field("process.pid", 1))
    assert tuple(with_whole_command_lines(fields)) == fields


def test_no_argument_is_cut_in_two() -> None:
    """Of more arguments than can be looked at, the first whole ones make the line."""
    fields = (Field("process.args", ("it's" * 1000,) * 50), Field("process.command_line", ""))
    line = value_of(with_whole_command_lines(fields), "process.command_line")
    assert isinstance(line, str)
    assert len(line) <= TREATED_TEXT_MAX_CHARACTERS
    assert set(shlex.split(line)) == {"it's" * 1000}
