from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from sampler.examine.child import kind_of
from sampler.extract import Extraction, find_regions
from sampler.extract.overlaps import Pieces
from sampler.model import ContentKind, Covered, PartKind, Region

SCRIPT = b"#!/bin/sh\necho hello\n"
LETTER = b"Dear Ann,\n\nthe weather is fine.\n"


def found(data: bytes) -> Extraction:
    """As a child reads it: what lies inside is told by its content."""
    kind = kind_of(data)
    return find_regions(data, kind, "application/octet-stream", recogniser=kind_of)


def kinds(data: bytes, *, only: PartKind | None = None) -> dict[str, ContentKind | None]:
    return {each.name: each.content for each in found(data).regions if only in (None, each.kind)}


def zipped(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_members_are_what_their_content_says(samples: Path, pack: object) -> None:
    """A program, a script, a document and a letter in an archive are told apart whatever they are called."""
    assert callable(pack)
    program = next(path for path in (samples / "pe/plain").iterdir() if path.name != "expected.json").read_bytes()
    document = (samples / "ole/plain/plain.doc").read_bytes()
    data = pack({"a.txt": program, "b.doc": SCRIPT, "c.exe": document, "d.sh": LETTER})
    members = kinds(data, only=PartKind.MEMBER)
    assert {name: kind for name, kind in members.items() if "/" not in name} == {
        "a.txt": ContentKind.EXECUTABLE,
        "b.doc": ContentKind.SCRIPT,
        "c.exe": ContentKind.DOCUMENT,
        "d.sh": ContentKind.OTHER,
    }


def test_what_is_no_file_is_of_what_it_comes_from(samples: Path) -> None:
    """Streams of a document inside an archive are the document's; parts of the whole do not say a kind of their own."""
    document = (samples / "ole/macro/macro.doc").read_bytes()
    inside = {each.kind: each.content for each in found(zipped({"x": document})).regions if each.name.startswith("x/")}
    assert inside[PartKind.STREAM] is not ContentKind.SCRIPT
    assert inside[PartKind.MACRO] is ContentKind.SCRIPT
    assert kinds(zipped({"x": document}), only=PartKind.TAIL) == {"": None}


def test_macros_are_scripts(samples: Path) -> None:
    """The text of a module is a program's, and its stream, which holds more than that, is not."""
    regions = found((samples / "ole/macro/macro.doc").read_bytes()).regions
    assert {each.content for each in regions if each.kind is PartKind.MACRO} == {ContentKind.SCRIPT}
    assert ContentKind.SCRIPT not in {each.content for each in regions if each.kind is PartKind.STREAM}


def test_members_of_a_document_are_no_scripts() -> None:
    """A letter about programs, saved in a document's own format, stays a document's text; a file put into it is one."""
    office = zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": SCRIPT, "word/embeddings/a.bin": SCRIPT})
    assert kinds(office, only=PartKind.MEMBER)["word/document.xml"] is ContentKind.DOCUMENT
    assert kinds(office, only=PartKind.OBJECT) == {"word/embeddings/a.bin": ContentKind.SCRIPT}


def test_forms_and_pages_are_no_scripts() -> None:
    """In a PDF file what people filled in, or the text of a page that is also called a script, is the document's."""
    stream = b"<</Length %d>>stream\n%s\nendstream"
    objects = [
        b"<</Type/Catalog/OpenAction<</S/JavaScript/JS 2 0 R>>/AcroForm<</XFA 3 0 R>>>>",
        stream % (12, b"app.alert(1)"),
        stream % (12, b"<xfa>Ann</xf"),
        b"<</Type/Page/Contents 5 0 R/AA<</O<</S/JavaScript/JS 5 0 R>>>>>>",
        stream % (12, b"(Dear Ann)Tj"),
    ]
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, text) for number, text in enumerate(objects, 1))
    told = kinds(b"%PDF-1.7\n" + body + b"trailer<</Root 1 0 R>>\n%%EOF\n", only=PartKind.SCRIPT)
    assert told == {"2": ContentKind.SCRIPT, "3/XFA": ContentKind.DOCUMENT, "5": ContentKind.DOCUMENT}


def test_without_anybody_to_ask_only_the_format_tells() -> None:
    """Where nobody recognises contents, members have no kind of their own and go as the whole does."""
    regions = find_regions(zipped({"a": SCRIPT}), ContentKind.ARCHIVE, "application/zip").regions
    assert {each.content for each in regions} == {None}


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (ContentKind.SCRIPT, ContentKind.SCRIPT, ContentKind.SCRIPT),
        (ContentKind.SCRIPT, ContentKind.DOCUMENT, ContentKind.OTHER),
    ],
)
def test_stretches_that_overlap(first: ContentKind, second: ContentKind | None, together: ContentKind) -> None:
    """What spans several kinds is of none of them, so that no safe kind covers for another."""
    pieces = Pieces()
    pieces.add(Region(PartKind.MEMBER, "a", 0, 10, ("zip:0", "range:0+10"), first))
    pieces.add(Region(PartKind.MEMBER, "b", 0, 9, ("zip:0", "range:5+9"), second))
    (piece,) = pieces.result(99)
    assert (piece.region.length, piece.region.content) == (14, together)


def test_a_file_within_a_stretch_is_cut_out() -> None:
    """A program that lies unpacked in an archive's first bytes is one; what lies around it is the archive's."""
    pieces = Pieces()
    pieces.add(Region(PartKind.HEADER, "", 0, 100))
    pieces.add(Region(PartKind.MEMBER, "a.exe", 40, 30, content=ContentKind.EXECUTABLE))
    pieces.add(Region(PartKind.MATCH, "$a", 60, 50))
    before, file, behind = pieces.result(99)
    assert [(each.region.kind, each.region.content) for each in (before, file, behind)] == [
        (PartKind.HEADER, None), (PartKind.MEMBER, ContentKind.EXECUTABLE), (PartKind.MATCH, None),
    ]  # fmt: skip
    assert [(each.region.offset, each.region.length) for each in (before, file, behind)] == [
        (0, 40),
        (40, 30),
        (70, 40),
    ]
    assert file.covers == (Covered(PartKind.HEADER, "", 0, 30), Covered(PartKind.MATCH, "$a", 20, 10))
    assert behind.covers == (Covered(PartKind.HEADER, "", 0, 30),)


def test_derived_bytes_around_a_file_are_of_no_kind() -> None:
    """Of a member's stretch only the file in it is known."""
    pieces = Pieces()
    pieces.add(Region(PartKind.MEMBER, "a", 0, 10, ("zip:0", "range:0+10"), ContentKind.SCRIPT))
    pieces.add(Region(PartKind.MEMBER, "b", 0, 9, ("zip:0", "range:5+9")))
    assert [(each.region.recipe, each.region.content) for each in pieces.result(99)] == [
        (("zip:0", "range:0+10"), ContentKind.SCRIPT),
        (("zip:0", "range:10+4"), ContentKind.OTHER),
    ]


def test_files_are_not_cut_out_beyond_the_ceiling_of_parts() -> None:
    """Where there is no room for more parts, they are judged with what lies around them."""
    pieces = Pieces()
    pieces.add(Region(PartKind.HEADER, "", 0, 100))
    pieces.add(Region(PartKind.MEMBER, "a.exe", 40, 30, content=ContentKind.EXECUTABLE))
    (piece,) = pieces.result(2)
    assert (piece.region.kind, piece.region.content) == (PartKind.HEADER, None)


def test_what_holds_all_of_it_says_what_it_is() -> None:
    """A stretch inside a member does not change what the member is."""
    pieces = Pieces()
    pieces.add(Region(PartKind.MEMBER, "a", 0, 20, ("zip:0",), ContentKind.EXECUTABLE))
    pieces.add(Region(PartKind.OVERLAY, "b", 0, 9, ("zip:0", "range:5+9"), ContentKind.DOCUMENT))
    (piece,) = pieces.result(99)
    assert piece.region.content is ContentKind.EXECUTABLE
