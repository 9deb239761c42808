from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sampler.extract.vba_project import MODULES_MAX_COUNT, Module, read_project

Import = Callable[[str], Any]


def record(number: int, value: bytes) -> bytes:
    return struct.pack("<HI", number, len(value)) + value


def test_modules_and_code_page_are_read(maker: Import) -> None:
    """A project names the stream of each module and where its source begins."""
    content = maker("vba").directory({"ThisDocument": 1000, "Module1": 0})
    project = read_project(content)
    assert project.code_page == 1252
    assert project.modules == (Module("ThisDocument", 1000), Module("Module1", 0))


def test_names_in_unicode_go_before_those_in_the_code_page() -> None:
    """The name that every machine reads alike is taken."""
    wide = "Мodul".encode("utf-16-le")
    content = record(0x19, b"x") + record(0x1A, b"?odul") + record(0x32, wide) + record(0x31, struct.pack("<I", 7))
    assert read_project(content).modules == (Module("Мodul", 7),)


def test_a_record_that_is_cut_off_ends_the_reading(maker: Import) -> None:
    """What was read before stands."""
    content = maker("vba").directory({"A": 1, "B": 2})
    cut = content[: content.rindex(b"B\0") - 4]
    assert read_project(cut).modules[0] == Module("A", 1)


def test_absurd_counts_end() -> None:
    """More modules than a project can have are not read."""
    assert len(read_project((record(0x19, b"") + record(0x1A, b"x")) * 20_000).modules) == MODULES_MAX_COUNT


@given(st.binary(max_size=500))
def test_any_bytes_are_some_project(content: bytes) -> None:
    """Nothing raises."""
    assert all(module.stream for module in read_project(content).modules)
