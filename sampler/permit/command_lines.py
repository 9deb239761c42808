"""Command lines made from the arguments they consist of, where those are known."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from sampler.limits import TREATED_TEXT_MAX_CHARACTERS
from sampler.model import Field, FieldValue, value_of


def with_whole_command_lines(fields: tuple[Field, ...]) -> Iterator[Field]:
    """The fields, each ``X.command_line`` joined anew from ``X.args``, so that it can be taken apart again exactly."""
    for field in fields:
        before, _, kind = field.name.rpartition(".")
        arguments = value_of(fields, f"{before}.args") if kind == "command_line" else None
        yield Field(field.name, _join(arguments)) if isinstance(arguments, tuple) else field


def _join(arguments: tuple[str, ...]) -> FieldValue:
    return shlex.join(_fitting(arguments))


def _fitting(arguments: Iterable[str]) -> Iterator[str]:
    """As many arguments as fit; none is cut in two."""
    room = TREATED_TEXT_MAX_CHARACTERS
    for argument in arguments:
        room -= len(shlex.quote(argument)) + 1
        if room < 0:
            return
        yield argument
