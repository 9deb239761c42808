from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.extract import Extraction, find_regions
from sampler.extract.lnk import MAGIC, read_link
from sampler.extract.lnk_target import id_list_path, link_info_path
from sampler.model import ContentKind, FieldValue, PartKind, Region, value_of
from sampler.runtime.places import shipped

WIDE = 0x80


def link(flags: int = 0, body: bytes = b"", *, show: int = 1, hot_key: bytes = b"\0\0", end: bytes = bytes(4)) -> bytes:
    head = MAGIC + struct.pack("<II24xIiI", flags, 0x20, 0, -3, show) + hot_key + bytes(10)
    return head + body + end


def counted(text: str) -> bytes:
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def item(kind: int, body: bytes) -> bytes:
    return struct.pack("<HB", len(body) + 3, kind) + body


def named(short: bytes, long_name: str, version: int = 9) -> bytes:
    """A file's item, as Windows writes it."""
    gap = {3: 20, 7: 38, 8: 42, 9: 46}[version] - 8
    block = struct.pack("<HI", version, 0xBEEF0004) + bytes(gap) + long_name.encode("utf-16-le") + b"\0\0"
    return item(0x32, bytes(11) + short + b"\0" * (2 - len(short) % 2) + struct.pack("<H", len(block) + 2) + block)


def info(flags: int, base: bytes = b"", suffix: bytes = b"", wide: tuple[str, str] | None = None) -> bytes:
    head = 0x24 if wide else 0x1C
    texts = [base + b"\0", suffix + b"\0", *(f"{text}\0".encode("utf-16-le") for text in wide or ())]
    places = [head + sum(map(len, texts[:index])) for index in range(len(texts))]
    row = [head + sum(map(len, texts)), head, flags, 0, places[0], 0, places[1], *places[2:]]
    return struct.pack(f"<{len(row)}I", *row) + b"".join(texts)


def block(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", len(body) + 8, kind) + body


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.OTHER, "application/x-ms-shortcut")


def fact(data: bytes, name: str) -> FieldValue | None:
    return value_of(survey(data).fields, name)


def test_what_a_link_starts_is_told() -> None:
    """All texts of the string data, in their order, with the window, the icon and the key."""
    texts = ("A note", "..\\a.exe", "C:\\b", "/c echo", "c.ico")
    data = link(0x7C | WIDE, b"".join(map(counted, texts)), show=7, hot_key=b"\x43\x06")
    names = ("description", "relative_path", "working_directory", "arguments", "icon_location")
    assert tuple(fact(data, f"sampler.file.lnk.{name}") for name in names) == texts
    assert fact(data, "sampler.file.lnk.show_command") == "minimized"
    assert fact(data, "sampler.file.lnk.hot_key") == "CTRL+ALT+C"
    assert fact(data, "sampler.file.lnk.icon_index") == -3
    assert survey(data).problems == ()


def test_narrow_texts_are_read() -> None:
    """Links without the flag of Unicode have one byte a character."""
    assert fact(link(0x20, struct.pack("<H", 5) + b"/c dx"), "sampler.file.lnk.arguments") == "/c dx"


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (info(1, b"C:\\a\\b.exe"), "C:\\a\\b.exe"),
        (info(1, b"C:\\a", b"b.exe"), "C:\\a\\b.exe"),
        (info(1, b"C:\\?", b"?", wide=("C:\\Ж", "б.exe")), "C:\\Ж\\б.exe"),
        (info(0), ""),
        (b"", ""),
    ],
)
def test_link_information_has_a_path(content: bytes, path: str) -> None:
    """Base and suffix together, Unicode before the code page."""
    assert link_info_path(content) == path


def test_a_share_is_a_path() -> None:
    """A link to another machine has the share's name and the suffix."""
    share = struct.pack("<IIIII", 0, 2, 20, 0, 0) + b"\\\\example.invalid\\a\0"
    row = struct.pack("<7I", 28 + len(share) + 6, 28, 2, 0, 0, 28, 28 + len(share))
    assert link_info_path(row + share + b"b.exe\0") == "\\\\example.invalid\\a\\b.exe"


def test_an_item_that_lies_about_its_length_ends_the_list() -> None:
    """A length without bytes behind it is no item."""
    assert id_list_path(item(0x2F, b"C:\\\0") + b"\x1e\0") == "C:"


@pytest.mark.parametrize("version", [3, 7, 8, 9])
def test_items_have_a_path(version: int) -> None:
    """A drive and files by their long names, where there is no other path."""
    items = item(0x1F, bytes(17)) + item(0x2F, b"C:\\\0\0\0") + named(b"LONGDI~1", "Long Directory", version)
    items += named(b"a.exe", "", version)
    assert id_list_path(items) == "C:\\Long Directory\\a.exe"
    data = link(0x01, struct.pack("<H", len(items) + 2) + items + bytes(2))
    assert fact(data, "file.target_path") == "C:\\Long Directory\\a.exe"


def test_the_environment_block_is_a_target() -> None:
    """A target in a block counts where no other is there, and is told in any case."""
    body = b"%x%\\a.exe".ljust(260, b"\0") + "%x%\\a.exe".encode("utf-16-le").ljust(520, b"\0")
    data = link(end=block(0xA0000001, body) + bytes(4))
    assert fact(data, "file.target_path") == "%x%\\a.exe"
    narrow = link(end=block(0xA0000007, b"i.ico".ljust(780, b"\0")) + bytes(4))
    assert fact(narrow, "sampler.file.lnk.icon_environment") == "i.ico"


def test_the_machine_that_made_it_is_never_told() -> None:
    """Machine name, network address and volume of the tracker block and the volume structure stay where they are."""
    tracker = struct.pack("<II", 0x58, 0) + b"some-machine".ljust(16, b"\0") + bytes(range(64))
    data = link(end=block(0xA0000003, tracker) + bytes(4))
    assert "some-machine" not in repr(survey(data))
    assert survey(data).problems == ()


def test_what_lies_behind_is_an_overlay(elf: Callable[..., bytes]) -> None:
    """Appended bytes are an overlay, and are opened as whatever they are."""
    plain = link(0x20 | WIDE, counted("-x"))
    inner = b"MZ" + bytes(100)
    data = plain + inner
    assert Region(PartKind.OVERLAY, "", len(plain), len(inner)) in survey(data).regions
    assert not [region for region in survey(plain).regions if region.kind is PartKind.OVERLAY]
    sample = (shipped("samples_fixture") / "lnk/data-behind/data-behind.lnk").read_bytes()
    [overlay] = [region for region in survey(sample).regions if region.kind is PartKind.OVERLAY]
    assert sample[overlay.offset :] == b"echo hello\n"
    assert fact(sample, "file.target_path") == "C:\\note.exe"


@pytest.mark.parametrize(
    "data",
    [
        link(0x20 | WIDE, struct.pack("<H", 0xFFFF) + b"a", end=b""),
        link(0x01, struct.pack("<H", 0xFFFF), end=b""),
        link(0x02, struct.pack("<I", 0xFFFFFFFF), end=b""),
        link(0x02, struct.pack("<I", 2), end=b""),
        link(end=struct.pack("<II", 0x7FFFFFFF, 0xA0000001)),
        MAGIC,
    ],
    ids=["text", "items", "info", "info-too-short", "block", "header"],
)
def test_lies_about_lengths_are_named(data: bytes) -> None:
    """What is announced and not there costs the rest of the link, and no more."""
    found = survey(data)
    assert "truncated" in {problem.code for problem in found.problems}
    assert not [region for region in found.regions if region.kind is PartKind.OVERLAY]


def test_what_hides_behind_spaces_is_seen() -> None:
    """Of arguments that are longer than what is told, both ends are."""
    text = fact(link(0x20 | WIDE, counted("/c" + " " * 60_000 + "echo hello")), "sampler.file.lnk.arguments")
    assert isinstance(text, str)
    assert len(text) == 4096
    assert text.startswith("/c  ")
    assert text.endswith("  echo hello")


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 0xFFFF), st.binary(max_size=300))
def test_any_bytes_are_some_link(flags: int, body: bytes) -> None:
    """Nothing raises, and nothing reaches beyond the bytes."""
    data = link(flags, body)
    assert 0 <= read_link(data).end <= len(data)
    assert all(region.offset + region.length <= len(data) for region in survey(data).regions)
