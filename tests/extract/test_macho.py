"""Mach-O files that are built here, field by field, so that any of them can lie."""

from __future__ import annotations

import hashlib
import random
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.extract import Extraction, derive, find_regions
from sampler.extract.macho_symbols import SYMBOLS_MAX_COUNT
from sampler.extract.macho_tables import COMMANDS_MAX_COUNT, SECTIONS_MAX_COUNT
from sampler.model import ContentKind, FieldValue, PartKind, Region, value_of

Build = Callable[..., bytes]
Inside = Callable[[Extraction, int], None]
Layout = tuple[int, str]

LAYOUTS: Final = [(32, "<"), (32, ">"), (64, "<"), (64, ">")]
EACH = pytest.mark.parametrize("layout", LAYOUTS, ids=str)
LITTLE: Final = (64, "<")
X86_64: Final = 0x01000007
ARM64: Final = 0x0100000C
BASE: Final = 0x10000
CONTENT_AT: Final = 0x400
"""Where an image's content begins, behind header and commands."""


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.EXECUTABLE, "application/x-mach-binary")


def field(data: bytes, name: str) -> FieldValue | None:
    return value_of(survey(data).fields, name)


def of_kind(extraction: Extraction, kind: PartKind) -> list[tuple[str, int, int]]:
    return [(row.name, row.offset, row.length) for row in extraction.regions if row.kind is kind and not row.recipe]


def codes(extraction: Extraction) -> list[str]:
    return [problem.code for problem in extraction.problems]


def command(layout: Layout, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 8)
    return struct.pack(layout[1] + "II", kind, 8 + len(body)) + body


def text(layout: Layout, kind: int, value: bytes, *, numbers: int = 3) -> bytes:
    """A command whose text follows so many numbers behind its offset."""
    return command(layout, kind, struct.pack(layout[1] + "I", 12 + 4 * numbers) + bytes(4 * numbers) + value + b"\0")


def section(layout: Layout, name: bytes, offset: int, length: int, flags: int = 0) -> bytes:
    form = "16s16sQQ8I" if layout[0] == 64 else "16s16s9I"
    numbers = (offset, 0, 0, 0, flags, 0, 0) + ((0,) if layout[0] == 64 else ())
    return struct.pack(layout[1] + form, name, b"__TEXT", BASE + offset, length, *numbers)


def segment(
    layout: Layout, name: bytes, offset: int, length: int, sections: Sequence[bytes] = (), *, count: int | None = None
) -> bytes:
    form = "16s4Q4I" if layout[0] == 64 else "16s8I"
    claimed = len(sections) if count is None else count
    body = struct.pack(layout[1] + form, name, BASE + offset, length, offset, length, 7, 5, claimed, 0)
    return command(layout, 0x19 if layout[0] == 64 else 0x01, body + b"".join(sections))


def image(
    layout: Layout,
    commands: Sequence[bytes],
    content: bytes = b"",
    *,
    cpu: int = X86_64,
    subtype: int = 3,
    kind: int = 2,
    flags: int = 0x200085,
    count: int | None = None,
    size: int | None = None,
) -> bytes:
    """Header, commands, zeros up to ``CONTENT_AT``, content."""
    bits, order = layout
    body = b"".join(commands)
    numbers = (
        cpu,
        subtype,
        kind,
        len(commands) if count is None else count,
        len(body) if size is None else size,
        flags,
    )
    head = struct.pack(order + "7I", 0xFEEDFACF if bits == 64 else 0xFEEDFACE, *numbers)
    head += bytes(4) if bits == 64 else b""
    return (head + body).ljust(CONTENT_AT, b"\0") + content


def plain(layout: Layout = LITTLE, *, length: int = 0x600, cpu: int = X86_64) -> bytes:
    """A program of one segment with one section."""
    rows = [section(layout, b"__text", CONTENT_AT, length)]
    whole = segment(layout, b"__TEXT", 0, CONTENT_AT + length, rows)
    return image(layout, [whole, command(layout, 0x80000028, struct.pack(layout[1] + "QQ", CONTENT_AT + 8, 0))],
                 bytes(range(256)) * (length // 256), cpu=cpu)  # fmt: skip


def fat(
    slices: Sequence[tuple[int, int, bytes]], *, bits: int = 32, order: str = ">", count: int | None = None
) -> bytes:
    """A fat binary of processors, subtypes and contents, each at a multiple of 4 KiB."""
    head = struct.pack(order + "II", 0xCAFEBABE if bits == 32 else 0xCAFEBABF, len(slices) if count is None else count)
    offset, body = 4096, b""
    for cpu, subtype, content in slices:
        row = (cpu, subtype, offset, len(content), 12)
        head += struct.pack(order + ("5I" if bits == 32 else "IIQQII"), *row, *(() if bits == 32 else (0,)))
        body += content + bytes(-len(content) % 4096)
        offset = 4096 + len(body)
    return head.ljust(4096, b"\0") + body[: len(body) - (-len(slices[-1][2]) % 4096) or None]


@EACH
def test_reads_both_classes_and_byte_orders(layout: Layout) -> None:
    """Segments, sections, entry point and the header's words are found in all four layouts."""
    data = plain(layout)
    found = survey(data)
    assert found.problems == ()
    assert of_kind(found, PartKind.SEGMENT) == [("__TEXT", 0, len(data))]
    assert of_kind(found, PartKind.SECTION) == [("__TEXT,__text", CONTENT_AT, 0x600)]
    assert of_kind(found, PartKind.ENTRY_POINT) == [("", CONTENT_AT + 8 - 512, len(data) - CONTENT_AT - 8 + 512)]
    assert not of_kind(found, PartKind.OVERLAY)
    assert value_of(found.fields, "sampler.file.macho.architectures") == ("x86_64",)
    assert value_of(found.fields, "sampler.file.macho.type") == "execute"
    assert value_of(found.fields, "sampler.file.macho.flags") == ("noundefs", "dyldlink", "twolevel", "pie")
    assert value_of(found.fields, "sampler.file.macho.entrypoint") == CONTENT_AT + 8
    assert value_of(found.fields, "sampler.file.macho.section_entropy") == ("__TEXT,__text 8.00",)


@pytest.mark.parametrize(
    ("layout", "cpu", "registers", "counter", "name"),
    [
        ((32, "<"), 7, "16I", 10, "x86"),
        ((64, "<"), X86_64, "21Q", 16, "x86_64"),
        ((32, "<"), 12, "17I", 15, "arm"),
        ((64, "<"), ARM64, "34Q", 32, "arm64"),
        ((32, ">"), 18, "40I", 0, "ppc"),
    ],
)
def test_older_programs_begin_where_their_thread_does(
    layout: Layout, cpu: int, registers: str, counter: int, name: str
) -> None:
    """LC_UNIXTHREAD has an address in the place that its processor has for it."""
    values = [0] * int(registers[:-1])
    values[counter] = BASE + CONTENT_AT + 16
    state = struct.pack(layout[1] + "II" + registers, 1, len(values), *values)
    commands = [segment(layout, b"__TEXT", 0, CONTENT_AT + 64), command(layout, 0x05, state)]
    data = image(layout, commands, bytes(64), cpu=cpu)
    found = survey(data)
    assert found.problems == ()
    assert value_of(found.fields, "sampler.file.macho.entrypoint") == CONTENT_AT + 16
    assert value_of(found.fields, "sampler.file.macho.architectures") == (name,)
    assert len(of_kind(found, PartKind.ENTRY_POINT)) == 1


@pytest.mark.parametrize("offset", [0x10000, 2**64 - 1])
def test_an_entry_outside_is_a_problem(offset: int) -> None:
    """It has no window and is no field."""
    found = survey(image(LITTLE, [command(LITTLE, 0x80000028, struct.pack("<QQ", offset, 0))]))
    assert codes(found) == ["entry-point-outside"]
    assert not of_kind(found, PartKind.ENTRY_POINT)
    assert value_of(found.fields, "sampler.file.macho.entrypoint") is None


@EACH
def test_what_commands_say(layout: Layout) -> None:
    """Libraries of every kind, names, paths, UUID, platform and versions."""
    order = layout[1]
    commands = [
        text(layout, 0x0D, b"/usr/lib/libown.dylib"), text(layout, 0x0C, b"/usr/lib/libSystem.B.dylib"),
        text(layout, 0x80000018, b"@rpath/libweak.dylib"), text(layout, 0x8000001C, b"@loader_path/..", numbers=0),
        text(layout, 0x0E, b"/usr/lib/dyld", numbers=0), command(layout, 0x1B, bytes(range(16))),
        command(layout, 0x32, struct.pack(order + "4I", 2, 0x000D0102, 0x000E0000, 0)),
        command(layout, 0x2A, struct.pack(order + "Q", 5 << 40 | 3 << 30)),
        command(layout, 0x21, struct.pack(order + "III", 0x400, 0x100, 1)),
    ]  # fmt: skip
    fields = survey(image(layout, commands, kind=6)).fields
    libraries = ("/usr/lib/libSystem.B.dylib", "@rpath/libweak.dylib")
    assert value_of(fields, "sampler.file.macho.shared_libraries") == libraries
    assert value_of(fields, "sampler.file.macho.install_name") == "/usr/lib/libown.dylib"
    assert value_of(fields, "sampler.file.macho.rpaths") == ("@loader_path/..",)
    assert value_of(fields, "sampler.file.macho.interpreter") == "/usr/lib/dyld"
    assert value_of(fields, "sampler.file.macho.uuid") == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert value_of(fields, "sampler.file.macho.platform") == "ios"
    assert value_of(fields, "sampler.file.macho.minimum_os") == "13.1.2"
    assert value_of(fields, "sampler.file.macho.sdk") == "14.0"
    assert value_of(fields, "sampler.file.macho.source_version") == "5.3"
    assert value_of(fields, "sampler.file.macho.encrypted") is True
    assert value_of(fields, "sampler.file.macho.type") == "dylib"


def test_older_versions_name_their_platform() -> None:
    """LC_VERSION_MIN_MACOSX says platform, system and SDK as well."""
    data = image(LITTLE, [command(LITTLE, 0x24, struct.pack("<II", 0x000A0900, 0x000A0F04))])
    fields = survey(data).fields
    assert value_of(fields, "sampler.file.macho.platform") == "macos"
    assert value_of(fields, "sampler.file.macho.minimum_os") == "10.9"
    assert value_of(fields, "sampler.file.macho.sdk") == "10.15.4"
    assert value_of(fields, "sampler.file.macho.encrypted") is False


@pytest.mark.parametrize("offset", [0, 11, 100, 0xFFFFFFFF])
def test_names_outside_of_their_command_are_none(offset: int) -> None:
    """A text that would begin in the command's own numbers, or behind the command, is not read."""
    data = image(LITTLE, [command(LITTLE, 0x0C, struct.pack("<4I", offset, 0, 0, 0) + b"name\0")])
    assert field(data, "sampler.file.macho.shared_libraries") is None


def with_symbols(layout: Layout, rows: Sequence[tuple[bytes, int]], *, count: int | None = None) -> bytes:
    """An image with a symbol table of names and types, and its strings behind it."""
    strings, table = b"\0", b""
    for name, kind in rows:
        table += struct.pack(layout[1] + ("IBBHQ" if layout[0] == 64 else "IBBHI"), len(strings), kind, 0, 0, 0)
        strings += name + b"\0"
    numbers = (CONTENT_AT, len(rows) if count is None else count, CONTENT_AT + len(table), len(strings))
    return image(layout, [command(layout, 0x02, struct.pack(layout[1] + "4I", *numbers))], table + strings)


@EACH
def test_symbols_and_their_hash(layout: Layout) -> None:
    """Undefined external ones are imports and make the symhash, sorted; debugging, local and private ones count not."""
    rows = [
        (b"_printf", 0x01), (b"_exit", 0x01), (b"_main", 0x0F), (b"_local", 0x0E), (b"_private", 0x1F),
        (b"_debug", 0x21), (b"", 0x01),
    ]  # fmt: skip
    data = with_symbols(layout, rows)
    assert survey(data).problems == ()
    assert field(data, "file.macho.imports") == ("_exit", "_printf")
    assert field(data, "sampler.file.macho.exports") == ("_main",)
    assert field(data, "sampler.file.macho.imports_count") == 2
    expected = hashlib.md5(b"_exit,_printf").hexdigest()
    assert field(data, "file.macho.symhash") == field(data, "file.macho.import_hash") == expected


def test_a_symbol_table_that_lies(inside: Inside) -> None:
    """Four thousand million symbols of which few are there are read as far as they are; offsets outside name none."""
    data = with_symbols(LITTLE, [(b"_exit", 0x01)], count=0xFFFFFFFF)
    found = survey(data)
    inside(found, len(data))
    assert value_of(found.fields, "sampler.file.macho.imports_count") == 1
    lying = image(LITTLE, [command(LITTLE, 0x02, struct.pack("<4I", 0xFFFFFFF0, 9, 0xFFFFFFF0, 0xFFFFFFFF))])
    assert field(lying, "sampler.file.macho.imports_count") == 0


def test_many_symbols_are_cut_off_and_counted() -> None:
    """A table with more rows than are read is a problem and has no hash."""
    data = with_symbols(LITTLE, [(b"_%05d" % number, 0x01) for number in range(SYMBOLS_MAX_COUNT + 1)])
    found = survey(data)
    assert codes(found) == ["macho-symbols"]
    assert value_of(found.fields, "file.macho.symhash") is None
    assert value_of(found.fields, "sampler.file.macho.imports_count") == SYMBOLS_MAX_COUNT


# Code signatures


def directory(
    *, identifier: bytes = b"org.example.tool", team: bytes = b"", flags: int = 0x10002, hash_kind: int = 2
) -> bytes:
    at = 52
    team_at = at + len(identifier) + 1 if team else 0
    texts = identifier + b"\0" + (team + b"\0" if team else b"")
    length = at + len(texts)
    numbers = (0xFADE0C02, length, 0x20200, flags, length, at, 0, 0, 0x1000, 32, hash_kind, 0, 12, 0)
    return struct.pack(">9I4BI", *numbers) + struct.pack(">II", 0, team_at) + texts


def super_blob(blobs: Sequence[bytes], *, count: int | None = None) -> bytes:
    start = 12 + 8 * len(blobs)
    index = b""
    for number in range(len(blobs)):
        index += struct.pack(">II", number, start + sum(map(len, blobs[:number])))
    body = index + b"".join(blobs)
    return struct.pack(">III", 0xFADE0CC0, 12 + len(body), len(blobs) if count is None else count) + body


def signed(signature: bytes, *, length: int | None = None) -> bytes:
    where = struct.pack("<II", CONTENT_AT, len(signature) if length is None else length)
    return image(LITTLE, [command(LITTLE, 0x1D, where)], signature)


def test_a_signature_says_who_signed_as_what() -> None:
    """Identifier, team, flags, a hash for each code directory, the keys of entitlements, whether there is a signer."""
    first, second = directory(team=b"ABCDE12345", hash_kind=1), directory(team=b"ABCDE12345")
    plist = b"<plist><dict><key>com.apple.security.get-task-allow</key><true/><key>a</key></dict></plist>"
    entitlements = struct.pack(">II", 0xFADE7171, 8 + len(plist)) + plist
    cms = struct.pack(">II", 0xFADE0B01, 24) + bytes(16)
    data = signed(super_blob([first, second, entitlements, cms]))
    found = survey(data)
    assert found.problems == ()
    assert of_kind(found, PartKind.CERTIFICATE) == [("", CONTENT_AT, len(data) - CONTENT_AT)]
    assert not of_kind(found, PartKind.OVERLAY)
    fields = found.fields
    assert value_of(fields, "file.code_signature.exists") is True
    assert value_of(fields, "file.code_signature.signing_id") == "org.example.tool"
    assert value_of(fields, "file.code_signature.team_id") == "ABCDE12345"
    assert value_of(fields, "sampler.file.macho.signature.type") == "cms"
    assert value_of(fields, "sampler.file.macho.signature.flags") == ("adhoc", "runtime")
    hashes = (hashlib.sha1(first).hexdigest(), hashlib.sha256(second).hexdigest()[:40])
    assert value_of(fields, "sampler.file.macho.signature.code_hashes") == hashes
    assert value_of(fields, "sampler.file.macho.entitlements") == ("a", "com.apple.security.get-task-allow")


def test_an_ad_hoc_signature_has_no_signer() -> None:
    """An empty CMS blob is none."""
    data = signed(super_blob([directory(), struct.pack(">II", 0xFADE0B01, 8)]))
    assert field(data, "sampler.file.macho.signature.type") == "ad-hoc"
    assert field(data, "file.code_signature.team_id") is None


@pytest.mark.parametrize(
    "blob",
    [
        b"", b"\xfa\xde\x0c\xc0", super_blob([directory()], count=0xFFFFFFFF), super_blob([directory()])[:40],
        super_blob([struct.pack(">II", 0xFADE0C02, 8)]), super_blob([struct.pack(">II", 0xFADE0C02, 0xFFFFFFFF)]),
        super_blob([directory(hash_kind=99)]), super_blob([directory()[:44] + b"\xff" * 8]), b"\0" * 64,
    ],
    ids=["empty", "cut", "many", "short", "bare", "long", "odd-hash", "far-team", "zeros"],
)  # fmt: skip
def test_a_damaged_signature_raises_nothing(blob: bytes, inside: Inside) -> None:
    """Whatever it claims, its region lies in the file and the other facts stand."""
    data = signed(blob, length=max(len(blob), 1))
    found = survey(data)
    inside(found, len(data))
    assert value_of(found.fields, "sampler.file.macho.type") == "execute"


# Fat binaries


@pytest.mark.parametrize(("bits", "order"), [(32, ">"), (64, ">"), (32, "<"), (64, "<")])
def test_programs_of_a_fat_binary_are_read_where_they_lie(bits: int, order: str) -> None:
    """Each is a slice, its parts are named after its processor, and the facts are the first one's."""
    first, second = plain(), plain((64, ">"), length=0x800, cpu=ARM64)
    data = fat([(X86_64, 3, first), (ARM64, 2, second)], bits=bits, order=order)
    found = survey(data)
    assert found.problems == ()
    at = 4096, 8192
    assert of_kind(found, PartKind.SLICE) == [("x86_64", at[0], len(first)), ("arm64e", at[1], len(second))]
    assert of_kind(found, PartKind.SECTION) == [
        ("x86_64/__TEXT,__text", at[0] + CONTENT_AT, 0x600), ("arm64e/__TEXT,__text", at[1] + CONTENT_AT, 0x800),
    ]  # fmt: skip
    assert [name for name, _, _ in of_kind(found, PartKind.ENTRY_POINT)] == ["x86_64", "arm64e"]
    assert [name for name, _, _ in of_kind(found, PartKind.HEADER)] == ["", "x86_64", "arm64e"]
    assert not of_kind(found, PartKind.OVERLAY)
    assert value_of(found.fields, "sampler.file.macho.architectures") == ("x86_64", "arm64e")
    assert sum(row.name == "sampler.file.macho.type" for row in found.fields) == 1


@pytest.mark.parametrize("version", [45, 52, 65])
def test_a_java_class_is_no_fat_binary(version: int) -> None:
    """It has the same first bytes; its version is larger than any number of programs."""
    data = b"\xca\xfe\xba\xbe\0\0" + struct.pack(">H", version) + bytes(range(256)) * 8
    found = survey(data)
    assert {region.kind for region in found.regions} == {PartKind.HEADER, PartKind.TAIL}
    assert found.problems == ()
    assert found.fields == ()


def test_what_lies_behind_a_program_and_behind_all_is_overlay() -> None:
    """Each is a region of its own and is opened."""
    inner = plain()
    padded = plain() + b"between"
    data = fat([(X86_64, 3, padded), (ARM64, 0, plain(cpu=ARM64))])
    whole = data + inner + b"secret"
    found = survey(whole)
    names = {name: (offset, length) for name, offset, length in of_kind(found, PartKind.OVERLAY)}
    assert names == {"x86_64": (4096 + len(inner), 7), "": (len(data), len(inner) + 6)}
    recipe = (f"range:{len(data)}+{len(inner) + 6}", f"range:{len(inner)}+6")
    assert Region(PartKind.OVERLAY, "", 0, 6, recipe) in found.regions
    assert derive(whole, recipe) == b"secret"


def test_a_slice_that_is_no_program_is_opened_as_what_it_is(elf: Build) -> None:
    """An ELF file in a fat binary has its overlay found."""
    inner = elf(overlay=b"behind")
    data = fat([(X86_64, 3, inner)])
    recipe = (f"range:4096+{len(inner)}", f"range:{len(inner) - 6}+6")
    assert Region(PartKind.OVERLAY, "x86_64", 0, 6, recipe) in survey(data).regions


def test_slices_that_overlap_are_noted() -> None:
    """Two programs in the same bytes are both read, and it is said."""
    data = bytearray(fat([(X86_64, 3, plain()), (ARM64, 0, plain(cpu=ARM64))]))
    data[8 + 20 + 8 : 8 + 20 + 12] = struct.pack(">I", 4096)
    found = survey(bytes(data))
    assert "overlapping-slices" in codes(found)
    assert [offset for _, offset, _ in of_kind(found, PartKind.SLICE)] == [4096, 4096]


def test_a_slice_that_reaches_beyond_the_file_is_cut(inside: Inside) -> None:
    """What there is of it is read; one that lies wholly outside is only noted."""
    data = fat([(X86_64, 3, plain()), (ARM64, 0, plain(cpu=ARM64))])[: 4096 + 1024]
    found = survey(data)
    inside(found, len(data))
    assert of_kind(found, PartKind.SLICE) == [("x86_64", 4096, 1024)]
    assert codes(found).count("range-outside") >= 2


def test_a_fat_binary_without_any_of_its_programs_is_of_unknown_format() -> None:
    """It has a header and a tail, and a problem."""
    found = survey(fat([(X86_64, 3, plain())])[:100])
    assert {region.kind for region in found.regions} == {PartKind.HEADER, PartKind.TAIL}
    assert codes(found) == ["not-a-macho"]


def test_a_fat_binary_that_contains_itself_ends(inside: Inside) -> None:
    """Thirty-two programs that are the whole file cost depth and budget, and no more."""
    head = struct.pack(">II", 0xCAFEBABE, 32) + struct.pack(">5I", X86_64, 3, 0, 1024, 0) * 32
    data = head.ljust(1024, b"\0")
    found = survey(data)
    inside(found, len(data))
    assert "overlapping-slices" in codes(found)


# Lies


def test_an_overlay_is_what_no_command_describes() -> None:
    """A segment that claims to reach beyond the file does not hide what is appended."""
    data = plain()
    assert of_kind(survey(data + b"appended"), PartKind.OVERLAY) == [("", len(data), 8)]
    rows = [segment(LITTLE, b"__TEXT", 0, CONTENT_AT + 64), segment(LITTLE, b"__LIE", 0, 2**40)]
    found = survey(image(LITTLE, rows, bytes(64) + b"appended"))
    assert of_kind(found, PartKind.OVERLAY) == [("", CONTENT_AT + 64, 8)]
    assert codes(found) == ["range-outside"]


def test_sections_without_bytes_have_no_region() -> None:
    """Zero-filled sections occupy no bytes of the file, whatever length they state."""
    rows = [section(LITTLE, b"__bss", CONTENT_AT, 4096, 0x01), section(LITTLE, b"__common", CONTENT_AT, 4096, 0x0C)]
    found = survey(image(LITTLE, [segment(LITTLE, b"__DATA", 0, CONTENT_AT, rows)]))
    assert not of_kind(found, PartKind.SECTION)
    assert found.problems == ()
    assert value_of(found.fields, "file.macho.sections") == ("__TEXT,__bss", "__TEXT,__common")


@pytest.mark.parametrize(
    "data",
    [
        image(LITTLE, [segment(LITTLE, b"__TEXT", 0, 64)], count=0xFFFFFFFF),
        image(LITTLE, [segment(LITTLE, b"__TEXT", 0, 64)], size=0xFFFFFFFF, count=2000),
        image(LITTLE, [struct.pack("<II", 0x19, 0)]),
        image(LITTLE, [struct.pack("<II", 0x19, 0xFFFFFFFF)]),
        image(LITTLE, [segment(LITTLE, b"__TEXT", 0, 64, count=0xFFFFFFFF)]),
        image(LITTLE, [command(LITTLE, 0x19, b"short")]),
    ],
    ids=["many-commands", "large-commands", "no-size", "huge-size", "many-sections", "short-segment"],
)
def test_commands_that_lie_are_noted(data: bytes, inside: Inside) -> None:
    """What cannot be read of them is one problem, and the rest stands."""
    found = survey(data)
    inside(found, len(data))
    assert codes(found) == ["macho-commands"]
    assert value_of(found.fields, "sampler.file.macho.type") == "execute"


def test_counts_have_ceilings(inside: Inside) -> None:
    """So many commands and sections are read and no more, which is said."""
    commands = [command(LITTLE, 0x1B, bytes(16))] * (COMMANDS_MAX_COUNT + 5)
    assert codes(survey(image(LITTLE, commands))) == ["macho-commands"]
    rows = [section(LITTLE, b"__s%d" % number, 64, 8) for number in range(1500)]
    data = image(LITTLE, [segment(LITTLE, b"__A", 0, 64, rows), segment(LITTLE, b"__B", 0, 64, rows)])
    found = survey(data)
    inside(found, len(data))
    assert len(of_kind(found, PartKind.SECTION)) == SECTIONS_MAX_COUNT
    assert codes(found) == ["macho-commands"]


def test_hostile_names_are_shown_escaped() -> None:
    """Control characters in the names of segments, sections and libraries are escaped."""
    rows = [section(LITTLE, b"\x1b[2J", CONTENT_AT, 8)]
    commands = [segment(LITTLE, b"../\xff", 0, CONTENT_AT + 8, rows), text(LITTLE, 0x0C, b"lib\x07\xff")]
    found = survey(image(LITTLE, commands, bytes(8)))
    assert of_kind(found, PartKind.SEGMENT)[0][0] == "../\\xff"
    assert of_kind(found, PartKind.SECTION)[0][0] == "__TEXT,\\x1b[2J"
    assert value_of(found.fields, "sampler.file.macho.shared_libraries") == ("lib\\x07\\xff",)


@pytest.mark.parametrize("size", [4, 27, 31])
def test_a_header_that_is_cut_off_is_of_unknown_format(size: int) -> None:
    """Without a whole header there are header and tail as of any unknown format, and a problem."""
    found = survey(plain()[:size])
    assert {region.kind for region in found.regions} == {PartKind.HEADER, PartKind.TAIL}
    assert codes(found) == ["not-a-macho"]


def test_notes_of_core_files_are_regions() -> None:
    """LC_NOTE names its owner and a stretch."""
    body = b"addrable bits".ljust(16, b"\0") + struct.pack("<QQ", CONTENT_AT, 16)
    assert of_kind(survey(image(LITTLE, [command(LITTLE, 0x31, body)], bytes(16), kind=4)), PartKind.NOTE) == [
        ("addrable bits", CONTENT_AT, 16)
    ]


PROGRAM: Final = """
import sys
from pathlib import Path
from sampler.extract import find_regions
from sampler.model import ContentKind
contents = [Path(name).read_bytes() for name in sys.argv[1:]]
sys.meta_path.clear()
for content in contents:
    sys.stdout.write(repr(find_regions(content, ContentKind.EXECUTABLE, "x/y")) + "\\n")
"""


def test_nothing_is_imported_while_reading(tmp_path: Path) -> None:
    """A child in its sandbox can load nothing any more, whatever a signature is hashed with and names contain."""
    blobs = [directory(hash_kind=kind, identifier=b"\x1b\xff") for kind in (1, 2, 4)]
    contents = {"signed": signed(super_blob(blobs)), "fat": fat([(X86_64, 3, with_symbols(LITTLE, [(b"_a\x1b", 1)]))])}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    paths = [tmp_path / name for name in contents]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *paths], check=True, capture_output=True, timeout=60)
    assert done.stdout.count(b"file.macho") >= 2
    assert hashlib.sha384(blobs[2]).hexdigest()[:40].encode() in done.stdout


def test_truncated_anywhere(inside: Inside) -> None:
    """However much of a fat binary is missing, nothing is raised and regions lie inside what is left."""
    whole = fat([(X86_64, 3, plain()), (ARM64, 0, signed(super_blob([directory()])))])
    for size in [*range(200), *range(200, len(whole), 97)]:
        inside(survey(whole[:size]), size)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(thin=st.sampled_from(LAYOUTS), seed=st.integers(), changes=st.integers(1, 30))
def test_mutated_file_never_escapes(inside: Inside, thin: Layout, seed: int, changes: int) -> None:
    """Whatever bytes of a file change, nothing is raised and every region lies inside it."""
    chance = random.Random(seed)
    rows = [section(thin, b"__s", CONTENT_AT, 16)]
    commands = [
        segment(thin, b"__TEXT", 0, CONTENT_AT + 16, rows), text(thin, 0x0C, b"library"),
        command(thin, 0x1D, struct.pack(thin[1] + "II", CONTENT_AT, 200)),
        command(thin, 0x02, struct.pack(thin[1] + "4I", CONTENT_AT, 4, CONTENT_AT + 64, 99)),
    ]  # fmt: skip
    data = bytearray(fat([(X86_64, 3, image(thin, commands, super_blob([directory()]))), (ARM64, 0, plain(cpu=ARM64))]))
    for _ in range(changes):
        at = chance.choice((chance.randrange(4, 64), chance.randrange(4096, 4096 + 0x600)))
        data[at] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
    found = survey(bytes(data))
    inside(found, len(data))
    assert found.regions
