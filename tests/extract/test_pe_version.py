from __future__ import annotations

import struct
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from sampler.extract import find_regions
from sampler.extract.pe_version import version_strings
from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.model import ContentKind, value_of

Build = Callable[..., bytes]


def test_reads_the_strings_of_the_string_table(version: Build) -> None:
    """Every key of the table is there with its value, of odd and even lengths and in any script."""
    strings = {"CompanyName": "Exämple Ltd", "FileVersion": "1.2", "ProductName": "製品", "Empty": ""}
    assert version_strings(version(strings)) == strings


def test_strings_become_fields(pe: Build, resources: Build, version: Build) -> None:
    """A file's version resource is found through its resource tree."""
    tree = {16: {1: {1033: version({"CompanyName": "Example", "OriginalFilename": "x.exe\x1b"})}}}
    section = resources(tree, 0x1000)
    file = pe(sections=[(b".rsrc", section)], entry=0, directories={2: (0x1000, len(section))})
    fields = find_regions(file, ContentKind.EXECUTABLE, "application/x-dosexec").fields
    assert value_of(fields, "file.pe.company") == "Example"
    assert value_of(fields, "file.pe.original_file_name") == r"x.exe\x1b"
    assert value_of(fields, "file.pe.product") is None


def test_values_are_bounded(version: Build) -> None:
    """A value of ten thousand characters is shortened."""
    [value] = version_strings(version({"CompanyName": "x" * 10_000})).values()
    assert len(value) == TEXT_MAX_CHARACTERS


def test_lengths_of_zero_end_the_walk() -> None:
    """A structure that claims no length has no successor, so nothing is walked for ever."""
    assert version_strings(b"\0" * 65536) == {}
    assert version_strings(struct.pack("<HHH", 0xFFFF, 0, 1) + "VS_VERSION_INFO\0".encode("utf-16-le")) == {}


@given(data=st.binary(max_size=400), cut=st.integers(0, 400), place=st.integers(0, 300))
def test_damaged_resources_never_raise(version: Build, data: bytes, cut: int, place: int) -> None:
    """Cut off or overwritten anywhere, a version resource gives bounded strings or none."""
    whole = version({"CompanyName": "Example", "FileVersion": "1.0"})
    damaged = whole[:place] + data + whole[place + len(data) :]
    for value in version_strings(damaged[:cut] if cut else damaged).values():
        assert len(value) <= TEXT_MAX_CHARACTERS
