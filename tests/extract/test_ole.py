from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.extract import Extraction, derive, find_regions
from sampler.model import ContentKind, FieldValue, PartKind, value_of
from sampler.runtime.places import shipped

Import = Callable[[str], Any]
Inside = Callable[[Extraction, int], None]

SOURCE = b'Attribute VB_Name = "Module1"\r\nSub Document_Open()\r\n    MsgBox "hello hello hello"\r\nEnd Sub\r\n'
MONIKER = bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b")
URL = "http://example.invalid/a.hta"


@pytest.fixture(scope="session")
def ole(maker: Import) -> Any:
    """The writer of compound files."""
    return maker("ole")


@pytest.fixture(scope="session")
def vba(maker: Import) -> Any:
    """The writer of VBA projects."""
    return maker("vba")


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.DOCUMENT, "application/CDFV2")


def parts(data: bytes, kind: PartKind) -> dict[str, bytes]:
    """Names and bytes of all derived parts of a kind; each is as long as it was said to be."""
    found = {}
    for region in survey(data).regions:
        if region.kind is kind and region.recipe:
            found[region.name] = derive(data, region.recipe)
            assert len(found[region.name]) == region.length
    return found


def features(data: bytes) -> FieldValue:
    return value_of(survey(data).fields, "sampler.file.document.features") or ()


def codes(data: bytes) -> set[str]:
    return {problem.code for problem in survey(data).problems}


def macros_by_olevba(olevba: Any, data: bytes) -> set[bytes]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parser = olevba.VBA_Parser("document", data=data)
        found = {text.replace("\n", "\r\n").replace("\r\r", "\r") for _, _, _, text in parser.extract_macros()}
        parser.close()
    return {text.encode("cp1252") for text in found}


@pytest.mark.parametrize("name", ["ole/macro/macro.doc", "ooxml/macro/macro.docm"])
def test_macros_are_those_that_olevba_finds(oracle: Import, name: str) -> None:
    """The source of each module is the same, in a compound file and in a package."""
    data = (shipped("samples_fixture") / name).read_bytes()
    macros = set(parts(data, PartKind.MACRO).values())
    assert macros == macros_by_olevba(oracle("oletools.olevba"), data)
    assert len(macros) == 1
    assert next(iter(macros)).endswith(b"End Sub\r\n")


def test_a_module_begins_where_its_project_says(ole: Any, vba: Any, oracle: Import) -> None:
    """Source behind a compiled form is found, and that there is a compiled form is said."""
    compiled = bytes(range(1, 200)) * 5
    folder = ole.Storage(
        "VBA",
        streams=(
            ole.Stream("Module1", compiled + vba.compressed(SOURCE)),
            ole.Stream("dir", vba.compressed(vba.directory({"Module1": len(compiled)}))),
            ole.Stream("_VBA_PROJECT", b"\xcc\x61" + bytes(200)),
        ),
    )
    data = ole.compound_file((ole.Storage("Macros", storages=(folder,)),))
    assert parts(data, PartKind.MACRO) == {"Macros/VBA/Module1": SOURCE}
    assert set(parts(data, PartKind.MACRO).values()) == macros_by_olevba(oracle("oletools.olevba"), data)
    assert features(data) == ("vba", "vba-compiled")
    assert value_of(survey(data).fields, "sampler.file.document.macro_modules") == ("Module1",)
    assert value_of(survey(data).fields, "sampler.file.document.code_page") == 1252


def test_source_is_found_without_a_project(ole: Any, vba: Any) -> None:
    """A dir stream that is damaged, or names no module, hides no source."""
    module = ole.Stream("Hidden", b"\xff" * 77 + vba.compressed(SOURCE))
    data = ole.compound_file((ole.Storage("VBA", streams=(module, ole.Stream("dir", b"\x01garbage"))),))
    [source] = parts(data, PartKind.MACRO).values()
    assert source.startswith(SOURCE)


def test_a_module_without_source_is_said(ole: Any, vba: Any) -> None:
    """A project that names a module whose source was removed is a fact, since the compiled form still runs."""
    streams = (
        ole.Stream("Module1", b"\xfe" * 500),
        ole.Stream("dir", vba.compressed(vba.directory({"Module1": 400}))),
    )
    data = ole.compound_file((ole.Storage("VBA", streams=streams),))
    assert parts(data, PartKind.MACRO) == {}
    assert "vba-without-source" in features(data)  # type: ignore[operator]


def test_what_a_package_holds_is_opened(ole: Any, elf: Callable[..., bytes]) -> None:
    """A packaged file is an object, is opened as whatever it is, and shows its label but no path."""
    inner = elf()
    package = b"\x02\0report.pdf.elf\0C:\\Users\\someone\\report.pdf.elf\0\0\0\x03\0" + struct.pack("<I", 4) + b"C:\\\0"
    package += struct.pack("<I", len(inner)) + inner
    stream = ole.Stream("\x01Ole10Native", struct.pack("<I", len(package)) + package)
    data = ole.compound_file((ole.Storage("ObjectPool", streams=(stream,)),))
    [(name, content)] = parts(data, PartKind.OBJECT).items()
    assert content == inner
    assert name.endswith("/report.pdf.elf")
    assert "someone" not in repr(survey(data))
    assert features(data) == ("embedded-object",)


def test_a_compound_file_in_a_stream_is_opened(ole: Any, vba: Any) -> None:
    """Macros of an embedded document are parts of the whole."""
    inner = ole.compound_file((vba.project({"Module1": SOURCE}),))
    data = ole.compound_file((ole.Storage("ObjectPool", streams=(ole.Stream("Package", inner),)),))
    assert list(parts(data, PartKind.OBJECT)) == ["ObjectPool/Package"]
    assert parts(data, PartKind.MACRO) == {"ObjectPool/Package/VBA/Module1": SOURCE}


@pytest.mark.parametrize("is_compressed", [True, False])
def test_macros_of_a_presentation_are_unpacked(ole: Any, vba: Any, is_compressed: bool) -> None:
    """PowerPoint keeps the project in a record of its one stream."""
    project = ole.compound_file((vba.project({"Module1": SOURCE}),))
    body = struct.pack("<I", len(project)) + zlib.compress(project) if is_compressed else project
    record = struct.pack("<HHI", 0x10 if is_compressed else 0, 0x1011, len(body)) + body
    container = struct.pack("<HHI", 0x0F, 0x03E8, 0) + struct.pack("<HHI", 0, 0x0FF5, 4) + b"abcd"
    data = ole.compound_file((), (ole.Stream("PowerPoint Document", container + record),))
    assert list(parts(data, PartKind.OBJECT).values()) == [project]
    assert list(parts(data, PartKind.MACRO).values()) == [SOURCE]


def test_a_bomb_in_a_presentation_is_named_and_not_opened(ole: Any) -> None:
    """A record that would make far more than it takes yields nothing."""
    body = struct.pack("<I", 64) + zlib.compress(b"\0" * 40_000_000, 9)
    record = struct.pack("<HHI", 0x10, 0x1011, len(body)) + body
    data = ole.compound_file((), (ole.Stream("PowerPoint Document", record),))
    assert parts(data, PartKind.OBJECT) == {}
    assert "too-large" in codes(data)


def test_properties_tell_of_programs_and_not_of_people(ole: Any) -> None:
    """The creating program and the code page are facts; the author is not looked at."""
    texts = {4: b"A. Person\0", 8: b"Another\0", 0x12: b"Harmless Writer\0"}
    rows, bodies, place = b"", b"", 8 + 8 * (len(texts) + 1)
    values = {1: struct.pack("<IHxx", 2, 1251), **{n: struct.pack("<II", 30, len(t)) + t for n, t in texts.items()}}
    for number, value in values.items():
        rows += struct.pack("<II", number, place + len(bodies))
        bodies += value.ljust(-(-len(value) // 4) * 4, b"\0")
    section = struct.pack("<II", 8 + len(rows) + len(bodies), len(values)) + rows + bodies
    stream = struct.pack("<HHI16sI16sI", 0xFFFE, 0, 0, b"", 1, b"", 48) + section
    data = ole.compound_file((), (ole.Stream("\x05SummaryInformation", stream),))
    assert value_of(survey(data).fields, "sampler.file.document.application") == "Harmless Writer"
    assert value_of(survey(data).fields, "sampler.file.document.code_page") == 1251
    assert "Person" not in repr(survey(data))
    assert "Another" not in repr(survey(data))


def word(flags: int = 0, text: bytes = b"", place: int = 0, length: int = 0) -> bytes:
    head = b"\xec\xa5\xc1\0" + bytes(6) + struct.pack("<H", flags)
    return head.ljust(0x19A, b"\0") + struct.pack("<II", place, length) + text


def biff(*records: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack("<HH", number, len(value)) + value for number, value in records)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("EncryptedPackage", b"x" * 64, ("encrypted",)),
        ("EncryptedSummary", b"x", ("encrypted",)),
        ("WordDocument", word(0x0100), ("encrypted",)),
        ("WordDocument", word(text=b"\x13 DDEAUTO c:\\\\cmd.exe \x15"), ("dde",)),
        ("WordDocument", word(text="\x13 dde excel\x15".encode("utf-16-le")), ("dde",)),
        ("WordDocument", word(text=b"\x13 PAGE \x15 about DDE"), ()),
        ("Workbook", biff((0x2F, b"\0\0"), (0x0A, b"")), ("encrypted",)),
        ("Workbook", biff((0x85, bytes(4) + b"\0\x01\x01\0A"), (0x0A, b"")), ("macro-sheet",)),
        ("Book", biff((0x85, bytes(4) + b"\x02\x01\x01\0A"), (0x0A, b"")), ("hidden-macro-sheet",)),
        ("Workbook", biff((0x85, bytes(4) + b"\0\0\x01\0A"), (0x0A, b"")), ()),
        ("Workbook", biff((0x0A, b""), (0x2F, b"\0\0")), ()),
        ("Workbook", biff((0x1AE, b"\0\0\x09\0\0cmd\x03/c ls")), ("dde",)),
        ("\x01Ole", bytes(20) + MONIKER + struct.pack("<I", 60) + f"{URL}\0".encode("utf-16-le"), ("url-moniker",)),
    ],
)
def test_what_streams_tell(ole: Any, name: str, content: bytes, expected: tuple[str, ...]) -> None:
    """Encryption, DDE, macro sheets and links are features."""
    assert features(ole.compound_file((), (ole.Stream(name, content),))) == expected


def test_where_things_are_loaded_from(ole: Any) -> None:
    """A moniker's URL, an attached template and an external workbook are addresses; a template on the disk is none."""
    texts = b"\xff\xff\x02\0\0\0" + b"".join(
        struct.pack("<H", len(text)) + text.encode("utf-16-le") for text in ("", "https://example.invalid/t.dotm")
    )
    link = b"\x01\0" + struct.pack("<H", 34) + b"\0" + b"\x01\x05\x1ehttp://example.invalid/b.xls  "
    streams = (
        ole.Stream("\x01Ole", MONIKER + struct.pack("<I", 60) + f"{URL}\0".encode("utf-16-le")),
        ole.Stream("0Table", b"\xee" * 10 + texts),
        ole.Stream("WordDocument", word(0, b"", 10, len(texts))),
        ole.Stream("Workbook", biff((0x1AE, link))),
    )
    data = ole.compound_file((), streams)
    assert set(value_of(survey(data).fields, "sampler.file.external_urls") or ()) == {  # type: ignore[arg-type]
        URL, "https://example.invalid/t.dotm", "http://example.invalid/b.xls",
    }  # fmt: skip
    local = texts.replace(
        "https://example.invalid/t.dotm".encode("utf-16-le"), "C:\\Users\\a\\Templates\\t.dotm ".encode("utf-16-le")
    )
    data = ole.compound_file((), (ole.Stream("0Table", local), ole.Stream("WordDocument", word(0, b"", 0, len(local)))))
    assert value_of(survey(data).fields, "sampler.file.external_urls") is None


def test_what_lies_behind_the_last_sector_is_an_overlay(ole: Any, elf: Callable[..., bytes]) -> None:
    """Appended bytes are an overlay and are opened."""
    data = ole.compound_file((), (ole.Stream("a", b"x" * 5000),))
    appended = data + elf()
    [overlay] = [region for region in survey(appended).regions if region.kind is PartKind.OVERLAY]
    assert (overlay.offset, overlay.length) == (len(data), len(elf()))
    assert not [region for region in survey(data).regions if region.kind is PartKind.OVERLAY]


def test_a_stream_that_no_storage_has_is_read_and_said(ole: Any) -> None:
    """A directory entry outside the tree hides nothing."""
    data = bytearray(ole.compound_file((), (ole.Stream("a", b"x"), ole.Stream("b", b"hidden"))))
    struct.pack_into("<I", data, 1024 + 128 + 72, 0xFFFFFFFF)
    assert parts(bytes(data), PartKind.STREAM)["b"] == b"hidden"
    assert "unlinked-streams" in codes(bytes(data))


def test_documents_inside_documents_end(ole: Any) -> None:
    """Nesting beyond the ceiling is named."""
    data = ole.compound_file((), (ole.Stream("Package", b"x"),))
    for _ in range(7):
        data = ole.compound_file((), (ole.Stream("Package", data),))
    assert "too-deep" in codes(data)


def test_names_are_shown_and_never_opened(ole: Any, tmp_path: Path) -> None:
    """A stream whose name leads out of a folder is only text."""
    data = ole.compound_file((), (ole.Stream("../../etc/x\x1b", b"content"),))
    assert parts(data, PartKind.STREAM) == {"../../etc/x\\x1b": b"content"}
    assert list(tmp_path.iterdir()) == []


def test_a_header_alone_is_no_compound_file() -> None:
    """What only has the magic is read as unknown, and said."""
    data = bytes.fromhex("d0cf11e0a1b11ae1") + b"nothing" * 200
    assert "not-an-ole" in codes(data)
    assert [region.kind for region in survey(data).regions] == [PartKind.TAIL, PartKind.HEADER]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_costs_only_what_it_damages(inside: Inside, data: st.DataObject) -> None:
    """Whatever is overwritten, regions lie inside and every recipe makes the bytes that it was said to make."""
    name = data.draw(st.sampled_from(["ole/macro/macro.doc", "ole/packaged-file/packaged-file.doc"]))
    content = bytearray((shipped("samples_fixture") / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(8, len(content) - 4))
        content[place : place + 2] = data.draw(st.binary(min_size=2, max_size=2))
    found = survey(bytes(content))
    stretches = tuple(region for region in found.regions if not region.recipe)
    inside(Extraction(stretches), len(content))
    for region in found.regions:
        if region.recipe:
            assert len(derive(bytes(content), region.recipe)) == region.length
