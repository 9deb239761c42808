from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.extract import Extraction, derive, find_regions
from sampler.extract.ooxml_xml import read_elements
from sampler.model import ContentKind, FieldValue, PartKind, value_of
from sampler.runtime.places import shipped

Import = Callable[[str], Any]

TYPES = b'<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


def package(**members: bytes | str) -> bytes:
    """A package of these members; ``__`` stands for a slash and ``_`` for a full stop."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("[Content_Types].xml", TYPES)
        for name, content in members.items():
            opened.writestr(name.replace("__", "/").replace("_", "."), content)
    return made.getvalue()


def relations(kind: str, target: str, mode: str = ' TargetMode="External"') -> str:
    return f'<Relationships><Relationship Id="r" Type="{RELATION}{kind}" Target="{target}"{mode}/></Relationships>'


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.DOCUMENT, "application/zip")


def features(data: bytes) -> FieldValue:
    return value_of(survey(data).fields, "sampler.file.document.features") or ()


def urls(data: bytes) -> FieldValue:
    return value_of(survey(data).fields, "sampler.file.external_urls") or ()


@pytest.mark.parametrize("name", ["plain/plain.docx", "macro/macro.docm", "external-template/external-template.docx"])
def test_members_are_those_that_zipfile_reads(name: str) -> None:
    """Names and bytes of all members agree."""
    data = (shipped("samples_fixture/ooxml") / name).read_bytes()
    found = {
        region.name: derive(data, region.recipe)
        for region in survey(data).regions
        if len(region.recipe) == 1 and region.kind in (PartKind.MEMBER, PartKind.OBJECT)
    }
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert found == {member: opened.read(member) for member in opened.namelist()}


@pytest.mark.parametrize(
    ("kind", "target", "feature"),
    [
        ("attachedTemplate", "http://example.invalid/t.dotm", "external-template"),
        ("oleObject", "mhtml:http://example.invalid/a!x-usc:http://example.invalid/a", "external-object"),
        ("frame", "\\\\example.invalid\\share", "external-frame"),
        ("image", "https://example.invalid/a.png", "external-image"),
        ("somethingNew", "ftp://example.invalid/a", "external-other"),
    ],
)
def test_what_is_loaded_from_elsewhere_is_told(kind: str, target: str, feature: str) -> None:
    """External relationships are features, and where they lead is told."""
    data = package(word___rels__settings_xml_rels=relations(kind, target))
    assert features(data) == (feature,)
    assert urls(data) == (target,)


@pytest.mark.parametrize(
    ("kind", "target", "mode"),
    [
        ("hyperlink", "https://example.invalid/clicked", ' TargetMode="External"'),
        ("attachedTemplate", "file:///C:/Users/someone/t.dotm", ' TargetMode="External"'),
        ("attachedTemplate", "C:\\Users\\someone\\t.dotm", ' TargetMode="External"'),
        ("image", "media/image1.png", ""),
    ],
)
def test_what_is_clicked_on_or_lies_here_is_not_told(kind: str, target: str, mode: str) -> None:
    """Links in the text, files of this machine and parts of the package are no addresses."""
    data = package(word___rels__document_xml_rels=relations(kind, target, mode))
    assert urls(data) == ()
    assert features(data) == ()


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"word__vbaProject_bin": b"x"}, ("vba",)),
        ({"xl__macrosheets__sheet1_xml": b"<x/>"}, ("macro-sheet",)),
        ({"word__activeX__activeX1_bin": b"x"}, ("activex",)),
        ({"customUI__customUI_xml": b"<x/>"}, ("custom-ui",)),
        ({"word__embeddings__oleObject1_bin": b"x"}, ("embedded-object",)),
        ({"xl__externalLinks__externalLink1_xml": b"<a:externalLink xmlns:a='x'><a:ddeLink/></a:externalLink>"},
         ("dde", "external-link")),
        ({"word__document_xml": b"<w:p xmlns:w='x'><w:fldSimple w:instr='DDE cmd'/></w:p>"}, ("dde",)),
        ({"word__document_xml": b"<p><instrText>D</instrText><instrText>DE</instrText></p>"}, ("dde",)),
        ({"word__document_xml": b"<p><instrText>PAGE</instrText><t>DDE</t></p>"}, ()),
        ({"xl__workbook_xml": b"<workbook><sheet state='veryHidden'/></workbook>"}, ("very-hidden-sheet",)),
    ],
)  # fmt: skip
def test_what_members_tell(members: dict[str, bytes], expected: tuple[str, ...]) -> None:
    """Macros, controls, objects, DDE and hidden sheets are features."""
    assert features(package(**members)) == expected


def test_xml_in_utf_16_is_read() -> None:
    """An encoding that scanners overlook hides nothing."""
    text = '<?xml version="1.0" encoding="utf-16"?>' + relations("frame", "http://example.invalid/f")
    for encoded in (text.encode("utf-16"), b"\xfe\xff" + text.encode("utf-16-be")):
        assert urls(package(word___rels__document_xml_rels=encoded)) == ("http://example.invalid/f",)


def test_the_creating_program_is_told_and_no_person() -> None:
    """Application is a fact; company and manager, which stand beside it, are not looked at."""
    app = "<Properties><Company>Secret Ltd</Company><Application>Harmless Writer</Application></Properties>"
    data = package(docProps__app_xml=app, docProps__core_xml="<cp><creator>A. Person</creator></cp>")
    found = survey(data)
    assert value_of(found.fields, "sampler.file.document.application") == "Harmless Writer"
    assert "Secret" not in repr(found)
    assert "Person" not in repr(found)


def test_entities_are_never_expanded() -> None:
    """A document type ends the reading before any entity is declared."""
    bomb = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + relations("frame", "http://&b;")
    data = package(word___rels__document_xml_rels=bomb)
    assert urls(data) == ()
    assert features(data) == ()


def test_objects_and_macros_are_opened(maker: Import, elf: Callable[..., bytes]) -> None:
    """A project's macros and a file in an embedded object are parts of the whole."""
    ole, source = maker("ole"), b'Attribute VB_Name = "A"\r\nSub A()\r\nEnd Sub\r\n'
    project = ole.compound_file((maker("vba").project({"A": source}),))
    nested = ole.compound_file((), (ole.Stream("Package", elf()),))
    data = package(xl__vbaProject_bin=project, xl__embeddings__oleObject1_bin=nested)
    by_kind = {(region.kind, region.name): region for region in survey(data).regions}
    macro = by_kind[PartKind.MACRO, "xl/vbaProject.bin/VBA/A"]
    assert derive(data, macro.recipe) == source
    assert (PartKind.OBJECT, "xl/embeddings/oleObject1.bin") in by_kind
    assert derive(data, by_kind[PartKind.OBJECT, "xl/embeddings/oleObject1.bin/Package"].recipe) == elf()


def test_what_stands_behind_a_package_is_an_overlay() -> None:
    """Appended bytes are found and said."""
    data = package(word__document_xml=b"<x/>") + b"MZ appended"
    [overlay] = [region for region in survey(data).regions if region.kind is PartKind.OVERLAY]
    assert data[overlay.offset :] == b"MZ appended"
    assert "data-behind" in {problem.code for problem in survey(data).problems}


def test_a_bomb_is_named_and_the_rest_is_read() -> None:
    """A member that is too large costs only itself."""
    data = package(
        word__media__a_bin=b"\0" * 40_000_000, word___rels__a_xml_rels=relations("frame", "http://a.invalid")
    )
    assert "too-large" in {problem.code for problem in survey(data).problems}
    assert urls(data) == ("http://a.invalid",)


def test_many_addresses_are_bounded() -> None:
    """A package with thousands of external relationships tells the first ones."""
    rows = "".join(
        f'<Relationship Type="a/image" TargetMode="External" Target="http://a{n}.invalid"/>' for n in range(5000)
    )
    found = urls(package(word___rels__a_xml_rels=f"<Relationships>{rows}</Relationships>"))
    assert isinstance(found, tuple)
    assert len(found) == 64


def test_broken_xml_is_read_as_far_as_it_goes() -> None:
    """What stands before the break counts."""
    broken = relations("frame", "http://a.invalid").replace("</Relationships>", "<broken")
    assert urls(package(word___rels__a_xml_rels=broken)) == ("http://a.invalid",)


@given(st.binary(max_size=200))
def test_any_bytes_are_some_xml(content: bytes) -> None:
    """Nothing raises, whatever the bytes are and whatever encoding they claim."""
    seen: list[str] = []
    read_elements(content, lambda name, _attributes: seen.append(name), seen.append)
    read_elements(b'<?xml version="1.0" encoding="cp037"?><a>' + content, lambda name, _: seen.append(name))
    assert "a" in seen
