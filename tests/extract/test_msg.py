from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import pytest

from sampler.extract import Extraction, derive, find_regions
from sampler.model import ContentKind, PartKind, value_of

Import = Callable[[str], Any]


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.MAIL, "application/vnd.ms-outlook")


def attachments(data: bytes) -> dict[str, bytes]:
    return {
        region.name: derive(data, region.recipe)
        for region in survey(data).regions
        if region.kind is PartKind.ATTACHMENT
    }


@pytest.fixture(scope="session")
def ole(maker: Import) -> Any:
    """The writer of compound files."""
    return maker("ole")


@pytest.fixture(scope="session")
def message(ole: Any) -> Callable[..., bytes]:
    """Builds a message with these storages for attachments, a sender, a subject and a body."""

    def built(*attachments: Any) -> bytes:
        texts = {"0C1F": "sender@example.invalid", "0037": "A subject", "1000": "A body", "0E04": "recipient"}
        streams = [ole.Stream(f"__substg1.0_{tag}001F", text.encode("utf-16-le")) for tag, text in texts.items()]
        made: bytes = ole.compound_file(attachments, (ole.Stream("__properties_version1.0", bytes(32)), *streams))
        return made

    return built


@pytest.fixture(scope="session")
def attachment(ole: Any) -> Callable[..., Any]:
    """Builds the storage of an attachment."""

    def built(number: int, content: bytes, **names: bytes) -> Any:
        streams = [ole.Stream("__properties_version1.0", bytes(8)), ole.Stream("__substg1.0_37010102", content)]
        streams += [ole.Stream(f"__substg1.0_{tag.removeprefix('x')}", name) for tag, name in names.items()]
        return ole.Storage(f"__attach_version1.0_#{number:08X}", streams=tuple(streams))

    return built


def test_attachments_are_the_streams_that_olefile_reads(
    message: Callable[..., bytes], attachment: Callable[..., Any], oracle: Import
) -> None:
    """Each attachment has its long name and the bytes of its stream."""
    data = message(
        attachment(0, b"first" * 2000, x3707001F="long name.txt".encode("utf-16-le"), x3704001F=b"L\0"),
        attachment(1, b"second", x3704001E=b"SHORT.TXT"),
        attachment(2, b"third"),
    )
    found = attachments(data)
    assert list(found) == ["long name.txt", "SHORT.TXT", "__attach_version1.0_#00000002/__substg1.0_37010102"]
    with oracle("olefile").OleFileIO(io.BytesIO(data)) as opened:
        paths = [path for path in opened.listdir() if path[-1].endswith("37010102")]
        assert sorted(found.values()) == sorted(opened.openstream(path).read() for path in paths)
    assert value_of(survey(data).fields, "sampler.file.mail.attachments_count") == 3


def test_who_wrote_what_to_whom_is_never_taken(message: Callable[..., bytes], attachment: Callable[..., Any]) -> None:
    """Beside header and tail nothing but attachments is a part, and no field holds a text of the message."""
    found = survey(message(attachment(0, b"content")))
    assert {region.kind for region in found.regions} == {PartKind.HEADER, PartKind.TAIL, PartKind.ATTACHMENT}
    assert "example.invalid" not in repr(found)
    assert "subject" not in repr(found)


def test_attachments_are_opened(
    message: Callable[..., bytes], attachment: Callable[..., Any], ole: Any, maker: Import
) -> None:
    """Macros of an attached document are parts of the whole, and so are attachments of an attached message."""
    source = b'Attribute VB_Name = "A"\r\nSub A()\r\nEnd Sub\r\n'
    document = ole.compound_file((maker("vba").project({"A": source}),))
    inner = message(attachment(0, b"innermost", x3707001E=b"inner.txt"))
    data = message(attachment(0, document, x3707001E=b"a.doc"), attachment(1, inner, x3707001E=b"b.msg"))
    macros = [derive(data, region.recipe) for region in survey(data).regions if region.kind is PartKind.MACRO]
    assert macros == [source]
    assert attachments(data)["b.msg/inner.txt"] == b"innermost"


def test_messages_inside_a_message_are_storages_of_it(
    message: Callable[..., bytes], attachment: Callable[..., Any], ole: Any
) -> None:
    """An embedded message has no bytes of its own; its attachments are found all the same."""
    embedded = ole.Storage(
        "__substg1.0_3701000D",
        storages=(attachment(0, b"inside", x3707001E=b"inside.txt"),),
        streams=(ole.Stream("__properties_version1.0", bytes(32)), ole.Stream("__substg1.0_0037001F", b"s\0")),
    )
    outer = ole.Storage("__attach_version1.0_#00000000", storages=(embedded,))
    assert attachments(message(outer)) == {"inside.txt": b"inside"}


def test_an_object_in_an_attachment_is_taken(message: Callable[..., bytes], ole: Any) -> None:
    """An OLE object in a message has its streams taken, and a packaged file in it is opened."""
    package = b"\x02\0a.vbs\0a.vbs\0\0\0\x03\0" + struct.pack("<I", 1) + b"\0" + struct.pack("<I", 6) + b"hello!"
    native = ole.Stream("\x01Ole10Native", struct.pack("<I", len(package)) + package)
    inner = ole.Storage("__substg1.0_3701000D", streams=(native,))
    data = message(ole.Storage("__attach_version1.0_#00000000", storages=(inner,)))
    [made] = [region for region in survey(data).regions if region.kind is PartKind.OBJECT]
    assert derive(data, made.recipe) == b"hello!"
    assert made.name.endswith("/a.vbs")


def test_other_compound_files_are_no_messages(ole: Any) -> None:
    """Without the properties of a message, it is read as any compound file."""
    data = ole.compound_file((), (ole.Stream("a", b"content"),))
    assert [region.kind for region in survey(data).regions] == [PartKind.TAIL, PartKind.HEADER, PartKind.STREAM]
