"""What is told of a PE beside its tables: checksum, compile time, rich header, sections, packers, installers."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path

import pefile
import pytest

from sampler.extract import Extraction, derive, find_regions
from sampler.extract.bounded import BoundedView
from sampler.extract.extraction import Survey
from sampler.extract.pe_checksum import CHECKED_MAX_BYTES, checksum_of
from sampler.extract.pe_fields import add_compile_time
from sampler.model import ContentKind, FieldValue, PartKind, value_of

Build = Callable[..., bytes]

NOW = datetime(2026, 11, 25, tzinfo=UTC)
_FLAGS = 36
WRITE_EXECUTE = struct.pack("<I", 0xE0000020)
DATA_ONLY = struct.pack("<I", 0x40000040)


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.EXECUTABLE, "application/x-dosexec")


def field(found: Extraction, name: str) -> FieldValue | None:
    return value_of(found.fields, name)


def with_checksum(file: bytes, checksum: int) -> bytes:
    changed = bytearray(file)
    struct.pack_into("<I", changed, 64 + 24 + 64, checksum)
    return bytes(changed)


@pytest.mark.parametrize("overlay", [b"", b"x", b"xyz", b"\xff" * 4096])
def test_a_checksum_that_is_pefiles_is_valid(pe: Build, overlay: bytes) -> None:
    """Of lengths that end in no whole word as well; one more is invalid, and zero says that there is none."""
    file = pe(sections=[(b".text", bytes(range(256)) * 3)], overlay=overlay)
    right = pefile.PE(data=file, fast_load=True).generate_checksum()
    assert field(survey(with_checksum(file, right)), "sampler.file.pe.checksum") == "valid"
    assert field(survey(with_checksum(file, right + 1)), "sampler.file.pe.checksum") == "invalid"
    assert field(survey(with_checksum(file, 0)), "sampler.file.pe.checksum") == "absent"


def test_a_checksum_at_an_odd_offset_is_taken_out_where_it_stands() -> None:
    """Its own four bytes have no part in the sum, whatever words they lie across."""
    zeros, filled = bytearray(b"\x01" * 64), bytearray(b"\x01" * 64)
    zeros[13:17] = bytes(4)
    filled[13:17] = b"\xde\xad\xbe\xef"
    assert checksum_of(BoundedView(bytes(filled)), 13) == checksum_of(BoundedView(bytes(zeros)), 13)


def test_a_large_file_has_no_checksum_told() -> None:
    """Summing it up would take too long."""
    assert checksum_of(BoundedView(bytes(CHECKED_MAX_BYTES + 1)), 0) is None


@pytest.mark.parametrize(
    ("stamp", "is_hash", "sanity"),
    [
        (1_600_000_000, False, "plausible"),
        (1_600_000_000, True, "reproducible-build"),
        (0, False, "zero"),
        (0x2A425E19, False, "before-1995"),
        (int(NOW.timestamp()) + 3600, False, "plausible"),
        (int(NOW.timestamp()) + 90_000, False, "future"),
        (0xFFFFFFFF, False, "future"),
    ],
)
def test_whether_a_compile_time_can_be_one(stamp: int, sanity: str, *, is_hash: bool) -> None:
    """The time is told as it stands, and beside it what to think of it."""
    kept = Survey(1)
    add_compile_time(stamp, NOW, kept, is_hash=is_hash)
    fields = kept.result().fields
    assert value_of(fields, "sampler.file.pe.compile_time_sanity") == sanity
    assert str(value_of(fields, "sampler.file.pe.compile_time")).endswith("Z")


def test_entries_of_the_rich_header(launcher: bytes) -> None:
    """Product, build and count are those that pefile decodes."""
    parsed = pefile.PE(data=launcher, fast_load=True).parse_rich_header()
    pairs = zip(parsed["values"][::2], parsed["values"][1::2], strict=True)
    wanted = tuple(f"{tool >> 16}.{tool & 0xFFFF} {count}" for tool, count in pairs)
    assert wanted
    assert field(survey(launcher), "sampler.file.pe.rich_header") == wanted


@pytest.mark.parametrize("place", [0x81, 0xFA])
def test_a_rich_mark_that_is_no_header_has_no_hash(pe: Build, place: int) -> None:
    """It stands on whole words, and its key follows."""
    file = bytearray(b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x100) + bytes(0xC0) + pe()[64:])
    file[place : place + 4] = b"Rich"
    assert field(survey(bytes(file)), "sampler.file.pe.rich_hash") is None


def test_a_line_for_each_section(pe: Build) -> None:
    """Name, rights, address, bytes in the file and in memory, and the hash of its bytes."""
    found = survey(pe(sections=[(b".text", b"\x90" * 0x210), (b".bss", b"")]))
    digest = md5((b"\x90" * 0x210).ljust(0x400, b"\0")).hexdigest()
    assert field(found, "sampler.file.pe.sections") == (f".text r-x 0x1000 1024 528 {digest}", ".bss r-x 0x2000 0 0 -")


def test_entropy_of_sections_is_close_to_the_whole(launchers: list[Path]) -> None:
    """Long sections are sampled, which costs less than a tenth of a bit."""
    for path in launchers:
        oracle = {
            row.Name.rstrip(b"\0").decode(): row.get_entropy() for row in pefile.PE(path, fast_load=True).sections
        }
        told = field(survey(path.read_bytes()), "sampler.file.pe.section_entropy")
        assert isinstance(told, tuple)
        assert told
        for name, bits in (line.rsplit(" ", 1) for line in told):
            assert float(bits) == pytest.approx(oracle[name], abs=0.1), (path, name)


@pytest.mark.parametrize(
    ("names", "packer"),
    [((b"UPX0", b"UPX1"), "UPX"), ((b".text", b".MPRESS1"), "MPRESS"), ((b".text", b".rdata"), None)],
)
def test_packers_by_the_names_of_sections(pe: Build, names: tuple[bytes, ...], packer: str | None) -> None:
    """A name is a hint, and ordinary ones are none."""
    assert field(survey(pe(sections=[(name, b"x" * 0x200) for name in names])), "sampler.file.packer") == packer


def test_upx_without_its_section_names_is_known_by_its_mark(pe: Build) -> None:
    """It stands behind the section table."""
    file = bytearray(pe())
    file[0x3E0:0x3E4] = b"UPX!"
    assert field(survey(bytes(file)), "sampler.file.packer") == "UPX"


@pytest.mark.parametrize(
    ("overlay", "installer"),
    [
        (bytes(4) + b"\xef\xbe\xad\xdeNullsoftInst" + bytes(40), "NSIS"),
        (b"Rar!\x1a\x07\x00" + bytes(40), "RAR self-extractor"),
        (b";!@Install@!UTF-8!\n", "7-Zip self-extractor"),
        (b"zlb\x1a" + bytes(40), "Inno Setup"),
        (b"x" * 9000 + b"MEI\x0c\x0b\x0a\x0b\x0e" + bytes(80), "PyInstaller"),
        (b"x" * 100, None),
    ],
)
def test_installers_by_what_they_append(pe: Build, overlay: bytes, installer: str | None) -> None:
    """The overlay begins or ends with a mark of theirs."""
    assert field(survey(pe(overlay=overlay)), "sampler.file.installer") == installer


def test_installers_by_a_resource(pe: Build, resources: Build) -> None:
    """Inno Setup and IExpress keep theirs in the resources."""
    for name, data, installer in ((11111, b"rDlPtS\xcd\xe6", "Inno Setup"), ("CABINET", b"MSCF", "IExpress")):
        section = resources({10: {name: {0: data}}}, 0x1000)
        file = pe(sections=[(b".rsrc", section)], entry=0, directories={2: (0x1000, len(section))})
        assert field(survey(file), "sampler.file.installer") == installer


@pytest.mark.parametrize(
    ("settings", "oddity"),
    [
        ({"entry": 0x2000}, "entry-in-last-section"),
        ({"entry": 0x200}, "entry-in-headers"),
        ({"patches": {_FLAGS: WRITE_EXECUTE}}, "writable-and-executable-section"),
        ({"patches": {_FLAGS: WRITE_EXECUTE}}, "entry-in-writable-section"),
        ({"patches": {_FLAGS: DATA_ONLY}}, "entry-in-data"),
        ({"patches": {8: struct.pack("<I", 0x100000)}}, "section-filled-at-run-time"),
    ],
)
def test_what_compilers_do_not_do_is_named(pe: Build, settings: dict[str, object], oddity: str) -> None:
    """Each oddity by itself; a plain program has none."""
    sections = [(b".text", b"\x90" * 0x200), (b".data", b"x" * 0x200)]
    odd = field(survey(pe(sections=sections, **settings)), "sampler.file.pe.oddities")
    assert isinstance(odd, tuple)
    assert oddity in odd
    assert field(survey(pe(sections=sections)), "sampler.file.pe.oddities") is None


def test_an_archive_behind_a_program_is_opened(pe: Build) -> None:
    """Its member is derived from the overlay, and the recipe makes the member's bytes."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("payload.txt", b"payload " * 50)
    file = pe(overlay=archive.getvalue())
    [member] = [row for row in survey(file).regions if row.kind is PartKind.MEMBER]
    assert member.recipe[0] == f"range:{0x600}+{len(archive.getvalue())}"
    assert derive(file, member.recipe) == b"payload " * 50
    assert field(survey(file), "sampler.file.installer") == "ZIP self-extractor"
