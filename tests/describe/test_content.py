from __future__ import annotations

import bz2
import gzip
import io
import lzma
import mmap
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.describe import classify, describe_content
from sampler.describe import content as content_module
from sampler.model import ContentKind, value_of

Build = Callable[..., bytes]

ELF = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + b"\x02\0\x3e\0"


def kind_of(data: bytes, name: bytes | None = None) -> ContentKind:
    return describe_content(data, name).kind


def zipped(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("member")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def test_an_empty_object_is_empty() -> None:
    """No bytes: the kind says so, and the entropy is zero."""
    facts = describe_content(b"", b"setup.exe")
    assert facts.kind is ContentKind.EMPTY
    assert facts.mime_type == "application/x-empty"
    assert value_of(facts.fields, "sampler.file.entropy") == 0.0


def test_fields_are_type_and_entropy(launchers: list[Path]) -> None:
    """MIME type, file type and entropy are the facts, under their names and no others."""
    facts = describe_content(launchers[0].read_bytes(), None)
    assert [field.name for field in facts.fields] == [
        "file.mime_type", "file.type", "sampler.file.entropy", "sampler.file.entropy_series",
    ]  # fmt: skip
    assert value_of(facts.fields, "file.mime_type") == facts.mime_type
    assert facts.mime_type in ("application/x-dosexec", "application/vnd.microsoft.portable-executable")
    entropy = value_of(facts.fields, "sampler.file.entropy")
    assert isinstance(entropy, float)
    assert 4 < entropy < 8


def test_type_and_kind_alone(launchers: list[Path]) -> None:
    """Whoever does not sample an object need not pay for its entropy."""
    content = launchers[0].read_bytes()
    alone, all_facts = classify(content), describe_content(content, None)
    assert [field.name for field in alone.fields] == ["file.mime_type", "file.type"]
    assert (alone.kind, alone.mime_type) == (all_facts.kind, all_facts.mime_type)


def test_libmagic_is_asked_about_what_first_bytes_do_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """It sees little of text and unknown bytes, more of containers, and nothing of what is certain already."""
    seen: list[int] = []

    def ask(head: bytes) -> str:
        seen.append(len(head))
        return "application/x-asked"

    monkeypatch.setattr(content_module, "mime_type_of", ask)
    asked = [b"a\n" * 40_000, b"\1" * 80_000, zipped({"a": b"a" * 80_000}), ELF + bytes(80_000)]
    types = [classify(content).mime_type for content in asked]
    assert types == ["application/x-asked"] * 3 + ["application/x-executable"]
    assert seen == [4096, 4096, 65536]


def test_the_name_decides_nothing(launchers: list[Path]) -> None:
    """A program called a document is a program, and a letter called a program is none."""
    assert kind_of(launchers[0].read_bytes(), b"letter.docx") is ContentKind.EXECUTABLE
    assert kind_of(b"Dear all,\nit rained.\n", b"setup.exe") is ContentKind.OTHER


def test_reads_a_mapping(launchers: list[Path]) -> None:
    """A mapped file gives the same facts as its bytes, and the mapping can be closed afterwards."""
    with launchers[0].open("rb") as file:
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            assert describe_content(mapping, None) == describe_content(launchers[0].read_bytes(), None)
        finally:
            mapping.close()


DOCUMENTS = {
    "pdf": b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n",
    "pdf with a preamble": b"\x00\x01 preamble\n" * 20 + b"%PDF-1.7\n",
    "rtf": rb"{\rtf1\ansi Dear Ms. Example}",
    "ole": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(1536, b"\0"),
    "ooxml": zipped({"word/document.xml": b"<w/>", "[Content_Types].xml": b"<Types/>"}),
    "ooxml, types first": zipped({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<x/>"}),
    "odf": zipped({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<c/>"}),
    "epub": zipped({"mimetype": b"application/epub+zip", "OPS/book.opf": b"<p/>"}),
    "html": b"<!DOCTYPE html>\n<html><head><title>t</title></head><body>Dear diary</body></html>\n",
}
MAILS = {
    "news": b"Path: a!b\nRelay-Version: version B 2.10\nXref: a\nFrom: a@example.org\n\nHello.\n",
    "message": b"Return-Path: <a@example.org>\nReceived: from b\n by c; Mon, 1 Jan 2024 00:00:00 +0000\n"
    b"From: a@example.org\nTo: d@example.org\nSubject: hello\n\nHello.\n",
    "outlook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(1024, b"\0") + "__substg1.0_0037001F".encode("utf-16-le"),
}
IMAGES = {
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89",
    "gif": b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + b"\0" * 64,
}
ARCHIVES = {
    "zip": zipped({"a.txt": b"a", "b.txt": b"b"}),
    "gzip": gzip.compress(b"a" * 100),
    "bzip2": bz2.compress(b"a" * 100),
    "xz": lzma.compress(b"a" * 100),
    "tar": tarred(b"content" * 100),
    "jar": zipped({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n", "A.class": b"\xca\xfe\xba\xbe"}),
}
OTHERS = {
    "text": b"It was a dark and stormy night.\n" * 20,
    "one byte": b"M",
    "noise": bytes(range(1, 256)) * 4,
    "java class": b"\xca\xfe\xba\xbe\0\0\0\x34" + b"\0" * 200,
}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        pytest.param(kind, data, id=name)
        for kind, samples in (
            (ContentKind.DOCUMENT, DOCUMENTS),
            (ContentKind.MAIL, MAILS),
            (ContentKind.IMAGE, IMAGES),
            (ContentKind.ARCHIVE, ARCHIVES),
            (ContentKind.OTHER, OTHERS),
        )
        for name, data in samples.items()
    ],
)
def test_content_has_its_kind(kind: ContentKind, data: bytes) -> None:
    """Documents, mail, images, archives and what is none of them are told by content."""
    assert kind_of(data) is kind


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_disguised_as_a_program_is_none(name: str) -> None:
    """MZ, or a whole DOS header, in front of a document does not make it a program that may be sent freely."""
    dos_header = b"MZ".ljust(0x3C, b"\0") + (0x40).to_bytes(4, "little")
    for disguise in (b"MZ", dos_header, dos_header + b"PE\0\0" + b"\0" * 64):
        assert kind_of(disguise + DOCUMENTS[name]) not in (
            ContentKind.EXECUTABLE,
            ContentKind.LIBRARY,
            ContentKind.DRIVER,
            ContentKind.SCRIPT,
        )


def test_the_antivirus_test_file_is_a_program() -> None:
    """The 68 printable bytes are a DOS program, white space may follow, anything else may not."""
    program = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE" + b"!$H+H*"
    assert kind_of(program) is ContentKind.EXECUTABLE
    assert kind_of(program + b"\r\n") is ContentKind.EXECUTABLE
    assert kind_of(program + b" and a letter") is ContentKind.OTHER
    assert kind_of(program.lower()) is ContentKind.OTHER


@settings(max_examples=60, deadline=None)
@given(
    start=st.sampled_from(
        [b"", b"MZ", b"\x7fELF\2\1\1", b"PK\3\4", b"%PDF-", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"#!/"]
    ),
    rest=st.binary(max_size=700),
)
def test_any_bytes_have_a_kind_and_a_type(start: bytes, rest: bytes) -> None:
    """No content whatever raises; there is always a kind and a MIME type that looks like one."""
    facts = describe_content(start + rest, None)
    assert facts.kind in ContentKind
    assert facts.mime_type.count("/") == 1


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_archive_is_an_archive_or_less(data: st.DataObject) -> None:
    """A ZIP file with any bytes changed or cut off is read without raising."""
    whole = bytearray(DOCUMENTS["ooxml"])
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=10)):
        whole[place] = data.draw(st.integers(0, 255))
    assert kind_of(bytes(whole[: data.draw(st.integers(1, len(whole)))])) in ContentKind
