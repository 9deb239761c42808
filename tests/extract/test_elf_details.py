"""What an ELF file holds beside its tables: notes, dynamic facts, symbols, what made it, an overlay, a signature."""

from __future__ import annotations

import hashlib
import importlib.util
import struct
from collections.abc import Callable, Sequence
from typing import Final

import pytest

from sampler.extract import Extraction, derive, find_regions
from sampler.extract.elf_notes import NOTES_MAX_COUNT
from sampler.extract.elf_signature import MARK
from sampler.extract.elf_symbols import SYMBOLS_MAX_COUNT
from sampler.limits import FIELD_VALUE_MAX_CHARACTERS
from sampler.model import ContentKind, FieldValue, PartKind, Region, value_of

Build = Callable[..., bytes]
Inside = Callable[[Extraction, int], None]
Layout = tuple[int, str]

CLASSES = pytest.mark.parametrize("layout", [(32, "<"), (32, ">"), (64, "<"), (64, ">")], ids=str)
BASE: Final = 0x400000
DEFINED: Final = 7
"""Some section's index."""


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.EXECUTABLE, "application/x-executable")


def field(data: bytes, name: str) -> FieldValue | None:
    return value_of(survey(data).fields, name)


def of_kind(extraction: Extraction, kind: PartKind) -> list[Region]:
    return [region for region in extraction.regions if region.kind is kind]


def codes(extraction: Extraction) -> list[str]:
    return [problem.code for problem in extraction.problems]


def note(order: str, owner: bytes, kind: int, description: bytes, alignment: int = 4) -> bytes:
    head = struct.pack(order + "III", len(owner) + 1, len(description), kind) + owner + b"\0"
    head += b"\0" * (-len(head) % alignment)
    return head + description + b"\0" * (-len(description) % alignment)


def symbol(layout: Layout, name_at: int, info: int, section: int, other: int = 0) -> bytes:
    bits, order = layout
    if bits == 64:
        return struct.pack(order + "IBBHQQ", name_at, info, other, section, 0, 0)
    return struct.pack(order + "IIIBBH", name_at, 0, 0, info, other, section)


def program(layout: Layout, parts: Sequence[tuple[int, int, bytes]], *, machine: int = 62) -> bytes:
    """A file without sections: a PT_LOAD over all of it at ``BASE``, and a segment of a type and alignment a part."""
    bits, order = layout
    header_bytes, row_bytes = (64, 56) if bits == 64 else (52, 32)
    start = header_bytes + row_bytes * (len(parts) + 1)
    rows, body = [], b""
    for kind, alignment, content in parts:
        body += b"\0" * (-(start + len(body)) % 8)
        rows.append((kind, alignment, start + len(body), len(content)))
        body += content
    rows.insert(0, (1, 4096, 0, start + len(body)))
    table = b"".join(
        struct.pack(order + "IIQQQQQQ", kind, 4, at, BASE + at, 0, size, size, alignment)
        if bits == 64
        else struct.pack(order + "IIIIIIII", kind, at, BASE + at, 0, size, size, 4, alignment)
        for kind, alignment, at, size in rows
    )
    ident = b"\x7fELF" + bytes([bits // 32, 1 if order == "<" else 2, 1]) + bytes(9)
    form = order + ("HHIQQQIHHHHHH" if bits == 64 else "HHIIIIIHHHHHH")
    numbers = (3, machine, 1, 0, header_bytes, 0, 0, header_bytes, row_bytes, len(rows), 0, 0, 0)
    return ident + struct.pack(form, *numbers) + table + body


def address_of(layout: Layout, count: int) -> int:
    """Where the first part of a program of so many parts lies."""
    header_bytes, row_bytes = (64, 56) if layout[0] == 64 else (52, 32)
    start = BASE + header_bytes + row_bytes * (count + 1)
    return start + -start % 8


def dynamic(layout: Layout, rows: Sequence[tuple[int, int]]) -> bytes:
    form = layout[1] + ("QQ" if layout[0] == 64 else "II")
    return b"".join(struct.pack(form, *row) for row in (*rows, (0, 0)))


@CLASSES
def test_what_the_dynamic_linker_is_asked_for(layout: Layout) -> None:
    """Libraries, the own name, search paths and the interpreter are read without any section."""
    strings = b"\0libfirst.so.1\0libsecond.so\0libown.so.3\0$ORIGIN/../lib\0/opt/lib\0"
    at = {name: strings.index(name) for name in strings.split(b"\0") if name}
    names = [(1, at[b"libfirst.so.1"]), (1, at[b"libsecond.so"]), (14, at[b"libown.so.3"])]
    rows = [*names, (15, at[b"/opt/lib"]), (29, at[b"$ORIGIN/../lib"]), (5, address_of(layout, 3)), (10, len(strings))]
    data = program(layout, [(0x6FFFFFFF, 1, strings), (2, 8, dynamic(layout, rows)), (3, 1, b"/lib/ld.so\0rest")])
    assert survey(data).problems == ()
    assert field(data, "file.elf.shared_libraries") == ("libfirst.so.1", "libsecond.so")
    assert field(data, "sampler.file.elf.soname") == "libown.so.3"
    assert field(data, "sampler.file.elf.rpath") == "/opt/lib"
    assert field(data, "sampler.file.elf.runpath") == "$ORIGIN/../lib"
    assert field(data, "sampler.file.elf.interpreter") == "/lib/ld.so"
    assert field(data, "sampler.file.elf.stripped") is True


@CLASSES
@pytest.mark.parametrize("table", ["hash", "gnu_hash"])
def test_symbols_are_found_by_address(layout: Layout, table: str) -> None:
    """Names that are wanted and offered are read through either hash table, hidden and local ones apart."""
    order = layout[1]
    strings = b"\0wanted\0weakly\0offered\0hidden\0local\0"
    rows = [
        (0, 0, 0, 0), (1, 0x12, 0, 0), (8, 0x22, 0, 0), (15, 0x12, DEFINED, 0), (23, 0x12, DEFINED, 2),
        (30, 0x02, DEFINED, 0),
    ]  # fmt: skip
    symbols = b"".join(symbol(layout, name, info, section, other) for name, info, section, other in rows)
    # One bucket whose chain begins with symbol 1 and ends with the last one.
    chains = struct.pack(order + "5I", 2, 2, 2, 2, 3)
    heads = struct.pack(order + "IIII", 1, 1, 1, 0) + bytes(layout[0] // 8) + struct.pack(order + "I", 1)
    tables = {"hash": (4, struct.pack(order + "II", 1, len(rows))), "gnu_hash": (0x6FFFFEF5, heads + chains)}
    tag, hashes = tables[table]
    hashes += bytes(-len(hashes) % 8)
    first = address_of(layout, 2)
    content = hashes + symbols + bytes(-len(symbols) % 8) + strings
    symbols_at = first + len(hashes)
    strings_at = symbols_at + len(symbols) + -len(symbols) % 8
    pointers = [(tag, first), (6, symbols_at), (5, strings_at), (10, len(strings))]
    data = program(layout, [(0x6FFFFFFF, 1, content), (2, 8, dynamic(layout, pointers))])
    assert field(data, "file.elf.imports") == ("wanted", "weakly")
    assert field(data, "file.elf.exports") == ("offered",)
    assert field(data, "sampler.file.elf.imports_count") == 2
    assert field(data, "sampler.file.elf.exports_count") == 1


@pytest.mark.parametrize(
    "rows",
    [
        [(5, 0xFFFFFFFF), (1, 1)],
        [(5, BASE), (10, 1 << 40), (1, 1 << 39), (14, 1 << 62)],
        [(6, BASE), (5, BASE), (10, 1 << 40), (4, BASE)],
        [(6, BASE), (5, BASE), (10, 1 << 40), (0x6FFFFEF5, BASE)],
        [(1, 1)] * 10_000,
    ],
    ids=["no-strings", "far-names", "hash-is-the-header", "gnu-hash-is-the-header", "many-rows"],
)
def test_a_dynamic_table_that_lies_costs_its_own_facts(inside: Inside, rows: list[tuple[int, int]]) -> None:
    """Addresses without bytes, names outside of the table and hash tables that are none raise nothing."""
    data = program((64, "<"), [(2, 8, dynamic((64, "<"), rows)), (3, 1, b"x" * 5000)])
    found = survey(data)
    inside(found, len(data))
    assert value_of(found.fields, "sampler.file.elf.interpreter") is not None
    assert value_of(found.fields, "sampler.file.elf.soname") is None


@CLASSES
def test_notes_are_regions_of_their_own(layout: Layout) -> None:
    """Each note of a segment is a region with its owner and kind; what padding there is belongs to none."""
    order = layout[1]
    notes = [
        note(order, b"GNU", 3, bytes(range(20))), note(order, b"GNU", 1, bytes(16)),
        note(order, b"Go", 4, b"abc/def/ghi"), note(order, b"FDO", 0xCAFE1A7E, b'{"name":"x"}\0'),
        note(order, b"Odd\x1b", 99, b""),
    ]  # fmt: skip
    data = program(layout, [(4, 4, b"".join(notes))])
    found = survey(data)
    regions = of_kind(found, PartKind.NOTE)
    names = ["GNU/build-id", "GNU/abi-tag", "Go/build-id", "FDO/package", "Odd\\x1b/99"]
    assert [region.name for region in regions] == names
    assert regions[0].length == 12 + 4 + 20
    assert data[regions[2].offset :].startswith(notes[2][: regions[2].length])
    assert value_of(found.fields, "sampler.file.elf.build_id") == bytes(range(20)).hex()
    assert value_of(found.fields, "sampler.file.elf.go_build_id") == "abc/def/ghi"
    assert value_of(found.fields, "sampler.file.elf.package_note") == '{"name":"x"}'


def test_notes_with_wide_alignment() -> None:
    """Properties of 64-bit files are padded to eight bytes; both notes of such a segment are found."""
    notes = note("<", b"GNU", 5, b"p" * 12, 8), note("<", b"GNU", 5, b"q" * 16, 8)
    data = program((64, "<"), [(4, 8, b"".join(notes))])
    assert [region.length for region in of_kind(survey(data), PartKind.NOTE)] == [28, 32]


def test_notes_of_a_segment_and_a_section_are_kept_once(elf: Build) -> None:
    """Two notes in a section are two regions; linkers' hundreds of notes in a section of theirs are none."""
    content = note("<", b"GNU", 3, b"i" * 20) + note("<", b"GNU", 1, b"t" * 16)
    found = survey(elf(sections=[(".note", 7, content), (".gnu.build.attributes", 7, note("<", b"GA$", 0x100, b""))]))
    assert [region.name for region in of_kind(found, PartKind.NOTE)] == ["GNU/build-id", "GNU/abi-tag"]


@pytest.mark.parametrize(
    "content", [struct.pack("<III", 0xFFFFFFFF, 4, 1), struct.pack("<III", 4, 0xFFFFFFFF, 1) + b"GNU\0"]
)
def test_notes_that_lie_about_their_lengths(content: bytes, inside: Inside) -> None:
    """A note longer than its segment is a problem; the ones before it stand."""
    data = program((64, "<"), [(4, 4, note("<", b"GNU", 3, b"i" * 20) + content)])
    found = survey(data)
    inside(found, len(data))
    assert [region.name for region in of_kind(found, PartKind.NOTE)] == ["GNU/build-id"]
    assert codes(found) == ["elf-notes"]


def test_so_many_notes_are_read_and_no_more() -> None:
    """Thousands of empty notes are cut off, which is said."""
    data = program((64, "<"), [(4, 4, struct.pack("<III", 0, 0, 1) * 5000)])
    found = survey(data)
    assert len(of_kind(found, PartKind.NOTE)) == NOTES_MAX_COUNT
    assert codes(found) == ["elf-notes"]


@pytest.mark.usefixtures("ends_in_moments")
def test_the_same_notes_in_two_thousand_sections_cost_bounded_work(elf: Build, inside: Inside) -> None:
    """Sections that all claim the same notes are walked so often and no more."""
    content = note("<", b"GNU", 1, b"") * 250
    data = bytearray(elf(sections=[(".note", 7, content), *((f".n{number}", 7, b"") for number in range(2000))]))
    table = int.from_bytes(data[40:48], "little")
    place = data[table + 64 + 24 : table + 64 + 40]
    for row in range(2, 2002):
        data[table + 64 * row + 24 : table + 64 * row + 40] = place
    found = survey(bytes(data))
    inside(found, len(data))
    assert len(of_kind(found, PartKind.NOTE)) == 250


def with_symbols(elf: Build, names: Sequence[bytes], *, section_kind: int = 11, info: int = 0x12) -> bytes:
    """A file whose symbol table, of undefined functions, is linked to the string table behind it."""
    strings = b"\0" + b"\0".join(names) + b"\0"
    rows, at = b"", 1
    for name in names:
        rows += symbol((64, "<"), at, info, 0)
        at += len(name) + 1
    data = bytearray(elf(sections=[(".symbols", section_kind, bytes(24) + rows), (".strings", 3, strings)]))
    table = int.from_bytes(data[40:48], "little")
    data[table + 64 + 40 : table + 64 + 44] = (2).to_bytes(4, "little")
    data[table + 64 + 56 : table + 64 + 64] = (24).to_bytes(8, "little")
    return bytes(data)


class FakeTlsh:
    """Shows what would be hashed."""

    @staticmethod
    def forcehash(text: bytes) -> str:
        return f"T1{text.decode()}" if text else "TNULL"


@pytest.mark.parametrize("section_kind", [2, 11])
def test_telfhash_leaves_out_what_compilers_bring(
    elf: Build, monkeypatch: pytest.MonkeyPatch, section_kind: int
) -> None:
    """Names are in lower case, sorted and joined; those that compilers and architectures bring are not among them."""
    monkeypatch.setattr("sampler.extract.telfhash.load_tlsh", lambda: FakeTlsh)
    names = [b"Socket", b"connect", b"_init", b".hidden", b"open64", b"strcpy", b"memcpy", b"main", b"puts", b"bind"]
    data = with_symbols(elf, names, section_kind=section_kind)
    assert field(data, "file.elf.telfhash") == "t1bind,connect,socket"


@pytest.mark.parametrize("info", [0x11, 0x22, 0x02], ids=["object", "weak", "local"])
def test_telfhash_counts_global_functions_only(elf: Build, monkeypatch: pytest.MonkeyPatch, info: int) -> None:
    """A file with none of them has no telfhash."""
    monkeypatch.setattr("sampler.extract.telfhash.load_tlsh", lambda: FakeTlsh)
    assert field(with_symbols(elf, [b"connect", b"socket"], info=info), "file.elf.telfhash") is None


def test_telfhash_is_that_of_its_authors(elf: Build) -> None:
    """Of these names it is what telfhash 0.9.8 of PyPI makes of them; without the library there is none."""
    names = [b"accept", b"bind", b"connect", b"execve", b"fork", b"getpid", b"inet_addr", b"Kill", b"listen", b"socket"]
    names += [b"recv", b"send", b"setsockopt", b"sleep", b"system", b"time", b"waitpid", b"prctl", b"ioctl", b"puts"]
    known = "t187b09241b273acbddee392281ca54bda1596926b11c34b58ee49aa90d53f045802993e"
    assert field(with_symbols(elf, names), "file.elf.telfhash") == (known if importlib.util.find_spec("tlsh") else None)


def test_names_that_are_no_ascii_have_no_telfhash(elf: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are shown escaped among the imports, and hashed not at all, as its authors do."""
    monkeypatch.setattr("sampler.extract.telfhash.load_tlsh", lambda: FakeTlsh)
    data = with_symbols(elf, [b"caf\xe9", b"bell\x07"])
    assert field(data, "file.elf.imports") == ("bell\\x07", "caf\\xe9")
    assert field(data, "file.elf.telfhash") is None


def test_many_symbols_are_cut_off_and_counted(elf: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table with more rows than are read is a problem and has no telfhash; the names shown fit into a field."""
    monkeypatch.setattr("sampler.extract.telfhash.load_tlsh", lambda: FakeTlsh)
    data = with_symbols(elf, [b"name%05d" % number for number in range(SYMBOLS_MAX_COUNT + 10)])
    found = survey(data)
    assert codes(found) == ["elf-symbols"]
    assert value_of(found.fields, "file.elf.telfhash") is None
    assert value_of(found.fields, "sampler.file.elf.imports_count") == SYMBOLS_MAX_COUNT - 1
    shown = value_of(found.fields, "file.elf.imports")
    assert isinstance(shown, tuple)
    assert 0 < sum(map(len, shown)) <= FIELD_VALUE_MAX_CHARACTERS


def test_a_symbol_table_without_strings_has_no_names(elf: Build) -> None:
    """A link to a section that is not there names nothing."""
    data = bytearray(with_symbols(elf, [b"connect"]))
    table = int.from_bytes(data[40:48], "little")
    data[table + 64 + 40 : table + 64 + 44] = b"\xff\xff\xff\xff"
    assert field(bytes(data), "sampler.file.elf.imports_count") == 0


def test_what_made_it_is_told_by_comments(elf: Build) -> None:
    """Compilers are listed once each, and rustc and Go's sections name the language."""
    comment = b"GCC: (Debian 12.2.0-14) 12.2.0\0rustc version 1.80.0\0GCC: (Debian 12.2.0-14) 12.2.0\0"
    data = elf(sections=[(".comment", 1, comment)])
    assert field(data, "sampler.file.elf.compilers") == ("GCC: (Debian 12.2.0-14) 12.2.0", "rustc version 1.80.0")
    assert field(data, "sampler.file.elf.languages") == ("rust",)


@pytest.mark.parametrize(
    ("content", "version"),
    [
        (b"\xff Go buildinf:\x08\x02".ljust(32, b"\0") + b"\x08go1.22.1rest", "go1.22.1"),
        (b"\xff Go buildinf:\x08\x00".ljust(32, b"\0") + b"\x08go1.22.1", None),
        (b"\xff Go buildinf:\x08\x02", None),
        (b"\xff Go buildinf:\x08\x02".ljust(32, b"\0") + b"\xffgo1.22.1", "go1.22.1"),
        (b"something else".ljust(64, b"\0"), None),
    ],
    ids=["inline", "by-pointer", "cut-off", "length-lies", "no-mark"],
)
def test_go_says_its_version(elf: Build, content: bytes, version: str | None) -> None:
    """Where the version is kept inline it is read, and nowhere else looked for."""
    data = elf(sections=[(".go.buildinfo", 1, content), (".text", 1, bytes(64))])
    found = field(data, "sampler.file.elf.go_version")
    assert found == version or (version is not None and str(found).startswith(version))
    assert field(data, "sampler.file.elf.languages") == ("go",)


def test_upx_is_recognised_where_it_writes_its_mark(elf: Build) -> None:
    """Its mark behind the segments or at the end is a hint; the same bytes elsewhere are none."""
    assert field(elf(sections=[(".text", 1, bytes(4) + b"UPX!" + bytes(2000))]), "sampler.file.packer") == "UPX"
    assert field(elf(overlay=bytes(2000) + b"UPX!" + bytes(32)), "sampler.file.packer") == "UPX"
    assert field(elf(sections=[(".text", 1, bytes(2000) + b"UPX!" + bytes(2000))]), "sampler.file.packer") is None


def test_entropy_of_sections(elf: Build) -> None:
    """Sections of one value have 0 bits a byte, of all values 8, large ones the same from their pieces."""
    every = bytes(range(256))
    data = elf(sections=[(".zero", 1, bytes(999)), (".all", 1, every * 4), (".large", 1, every * 1000)])
    shown = field(data, "sampler.file.elf.section_entropy")
    assert isinstance(shown, tuple)
    assert shown[:3] == (".zero 0.00", ".all 8.00", ".large 8.00")


def test_an_overlay_is_opened_whatever_it_is(elf: Build) -> None:
    """A program behind another has its overlay found with a recipe that makes it."""
    inner = elf(sections=[(".text", 1, bytes(64))], overlay=b"secret")
    outer = elf()
    data = outer + inner
    found = survey(data)
    assert Region(PartKind.OVERLAY, "", len(outer), len(inner)) in found.regions
    step = f"range:{len(outer)}+{len(inner)}"
    recipe = (step, f"range:{len(inner) - 6}+6")
    assert Region(PartKind.OVERLAY, "", 0, 6, recipe) in found.regions
    assert derive(data, recipe) == b"secret"


def test_programs_behind_programs_end(elf: Build) -> None:
    """Fifty programs, each the overlay of the one before, are followed so deep and no deeper."""
    found = survey(elf() * 50)
    assert codes(found) == ["too-deep"]


# Module signatures


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


SHA512: Final = bytes.fromhex("608648016503040203")
SIGNED_DATA: Final = bytes.fromhex("2a864886f70d010702")
DATA: Final = bytes.fromhex("2a864886f70d010701")
RSA: Final = bytes.fromhex("2a864886f70d010101")
ISSUER: Final = der(0x30, der(0x0C, b"Build time autogenerated kernel key")) + der(0x02, b"\x01\x02\x03")


def pkcs7(*, digest: bytes = SHA512) -> bytes:
    algorithm = der(0x30, der(0x06, digest))
    signer = der(0x30, der(0x02, b"\1"), der(0x30, ISSUER), algorithm, der(0x30, der(0x06, RSA)), der(0x04, b"s" * 256))
    signed = der(
        0x30, der(0x02, b"\1"), der(0x31, algorithm), der(0x30, der(0x06, DATA)), der(0x31, signer)
    )  # fmt: skip
    return der(0x30, der(0x06, SIGNED_DATA), der(0xA0, signed))


def signed_module(elf: Build, signature: bytes, trailer: bytes | None = None) -> bytes:
    trailer = struct.pack(">5B3xI", 0, 0, 2, 0, 0, len(signature)) if trailer is None else trailer
    return bytes(elf(kind=1, entry=0, load=False)) + signature + trailer + MARK


def test_a_module_signature_is_a_certificate(elf: Build) -> None:
    """It says digest and signer, is a region with its trailer, and is no overlay."""
    signature = pkcs7()
    data = signed_module(elf, signature)
    found = survey(data)
    length = len(signature) + 12 + len(MARK)
    assert of_kind(found, PartKind.CERTIFICATE) == [Region(PartKind.CERTIFICATE, "", len(data) - length, length)]
    assert not of_kind(found, PartKind.OVERLAY)
    assert value_of(found.fields, "file.code_signature.exists") is True
    assert value_of(found.fields, "sampler.file.elf.signature.type") == "pkcs7"
    assert value_of(found.fields, "sampler.file.elf.signature.digest") == "sha512"
    assert value_of(found.fields, "sampler.file.elf.signature.signer_sha256") == hashlib.sha256(ISSUER).hexdigest()


def test_what_lies_between_a_module_and_its_signature_is_an_overlay(elf: Build) -> None:
    """Bytes that the tables do not describe are an overlay that ends where the signature begins."""
    data = signed_module(elf, b"hidden!!" + pkcs7(), struct.pack(">5B3xI", 0, 0, 2, 0, 0, len(pkcs7())))
    [overlay] = of_kind(survey(data), PartKind.OVERLAY)
    assert data[overlay.offset : overlay.offset + overlay.length] == b"hidden!!"


def test_older_signatures_name_their_digest_and_key(elf: Build) -> None:
    """Before Linux 4.3 signer and key identifier stood beside the signature."""
    data = signed_module(elf, b"Signer" + b"\1\2\3\4" + b"s" * 64, struct.pack(">5B3xI", 1, 4, 1, 6, 4, 64))
    fields = survey(data).fields
    assert value_of(fields, "sampler.file.elf.signature.type") == "x509"
    assert value_of(fields, "sampler.file.elf.signature.digest") == "sha256"
    expected = hashlib.sha256(b"Signer\1\2\3\4").hexdigest()
    assert value_of(fields, "sampler.file.elf.signature.signer_sha256") == expected


def test_an_unknown_digest_is_shown_by_its_identifier(elf: Build) -> None:
    """In hex, so that nothing is taken for what it is not."""
    data = signed_module(elf, pkcs7(digest=b"\x2a\x03"))
    assert field(data, "sampler.file.elf.signature.digest") == "2a03"


@pytest.mark.parametrize(
    "length", [0xFFFFFFFF, 0x7FFFFFFF, 100_000], ids=["longest", "longer-than-the-file", "longer-than-is-read"]
)
def test_a_signature_that_lies_about_its_length_is_none(elf: Build, length: int) -> None:
    """It remains an overlay, whatever its mark says."""
    data = signed_module(elf, b"x" * 70_000, struct.pack(">5B3xI", 0, 0, 2, 0, 0, length))
    found = survey(data)
    assert not of_kind(found, PartKind.CERTIFICATE)
    assert of_kind(found, PartKind.OVERLAY)
    assert value_of(found.fields, "file.code_signature.exists") is None


def test_a_damaged_signature_has_a_place_and_says_nothing(elf: Build) -> None:
    """However its structure is cut off, nothing is raised and the region stands."""
    whole = pkcs7()
    for size in range(0, len(whole), 3):
        found = survey(signed_module(elf, whole[:size]))
        assert len(of_kind(found, PartKind.CERTIFICATE)) == 1
        assert value_of(found.fields, "sampler.file.elf.signature.signer_sha256") is None


def test_the_mark_alone_is_no_signature() -> None:
    """A file that consists of it has no trailer."""
    found = survey(b"\x7fELF" + MARK)
    assert not of_kind(found, PartKind.CERTIFICATE)
