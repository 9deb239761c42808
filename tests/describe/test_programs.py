from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.describe.programs import program_kind
from sampler.model import ContentKind

Build = Callable[..., bytes]


def test_real_programs_are_executables(launchers: list[Path]) -> None:
    """The launchers of three architectures and this test's own interpreter are programs."""
    for path in (*launchers, Path("/proc/self/exe")):
        assert program_kind(path.read_bytes()) is ContentKind.EXECUTABLE, path


@pytest.mark.parametrize("magic", [0x10B, 0x20B])
def test_pe_kinds(pe: Build, magic: int) -> None:
    """A DLL is a library, an image of the native subsystem a driver, another an executable."""
    assert program_kind(pe(magic=magic)) is ContentKind.EXECUTABLE
    assert program_kind(pe(magic=magic, flags=0x2022)) is ContentKind.LIBRARY
    assert program_kind(pe(magic=magic, subsystem=1)) is ContentKind.DRIVER


@pytest.mark.parametrize(
    "changes",
    [{"flags": 0}, {"sections": 0}, {"sections": 60000}, {"magic": 0x107}, {"raw_bytes": 0}, {"raw_bytes": 4096}],
    ids=str,
)
def test_a_pe_that_does_not_load_is_none(pe: Build, changes: dict[str, int]) -> None:
    """Not an image, no section, no section table, an unknown header, no bytes of a section in the file: no program."""
    assert program_kind(pe(**changes)) is None


def test_a_truncated_program_is_none(launchers: list[Path]) -> None:
    """A program whose section table or all of whose sections are cut off is none."""
    whole = launchers[0].read_bytes()
    for size in (2, 63, 64, 200, 300, 512):
        assert program_kind(whole[:size]) is None, size


@pytest.mark.parametrize(("bits", "order"), [(32, "<"), (32, ">"), (64, "<"), (64, ">")])
def test_elf_kinds(elf: Build, bits: int, order: str) -> None:
    """Fixed programs and those with an interpreter are executables, other shared objects libraries, in all layouts."""
    build = {"bits": bits, "order": order}
    assert program_kind(elf(kind=2, segments=(1,), **build)) is ContentKind.EXECUTABLE
    assert program_kind(elf(kind=3, segments=(6, 3, 1), **build)) is ContentKind.EXECUTABLE
    assert program_kind(elf(kind=3, segments=(1, 2), **build)) is ContentKind.LIBRARY
    assert program_kind(elf(kind=1, segments=(), names=b"\0.text\0.modinfo\0", **build)) is ContentKind.DRIVER


def test_an_elf_that_does_not_load_is_none(elf: Build) -> None:
    """Object files, core dumps, programs that load nothing and cut-off tables are no programs."""
    assert program_kind(elf(kind=1, segments=())) is None
    assert program_kind(elf(kind=4, segments=(4,))) is None
    assert program_kind(elf(kind=2, segments=(4,))) is None
    assert program_kind(elf(kind=2, segments=(1,))[:100]) is None
    assert program_kind(b"\x7fELF and so on, it was written.") is None


@pytest.mark.parametrize(
    ("file_type", "kind"), [(2, ContentKind.EXECUTABLE), (6, ContentKind.LIBRARY), (11, ContentKind.DRIVER), (1, None)]
)
def test_mach_o_kinds(file_type: int, kind: ContentKind | None) -> None:
    """The file type of a Mach-O header, or of the first image in a fat file, decides; load commands must be there."""
    thin = struct.pack("<IIIIIIII", 0xFEEDFACF, 0x01000007, 3, file_type, 1, 16, 0, 0) + b"\0" * 16
    assert program_kind(thin) is kind
    fat = struct.pack(">IIIIIII", 0xCAFEBABE, 1, 7, 3, 28, len(thin), 0) + thin
    assert program_kind(fat) is kind
    assert program_kind(thin[:-16]) is None


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choice=st.sampled_from(["pe", "elf32", "elf64"]), place=st.integers(0, 1023), content=st.binary(max_size=40))
def test_damaged_headers_never_raise(pe: Build, elf: Build, choice: str, place: int, content: bytes) -> None:
    """Whatever header bytes change, the answer is a kind of program or none."""
    whole = pe() if choice == "pe" else elf(bits=int(choice[3:]))
    place %= len(whole)
    damaged = whole[:place] + content + whole[place + len(content) :]
    assert program_kind(damaged) in (None, ContentKind.EXECUTABLE, ContentKind.LIBRARY, ContentKind.DRIVER)
