"""RAR archives of both generations: what their headers say, and what is stored in them."""

from __future__ import annotations

import struct
import zlib

import pytest

from sampler.extract import Extraction, find_regions
from sampler.extract.rar_headers import BLOCKS_MAX_COUNT, MAGIC_4, MAGIC_5, read_rar
from sampler.model import ContentKind, PartKind, Region
from sampler.runtime.places import shipped

TEXT = b"a harmless line\n" * 30


def vint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])


def block_5(kind: int, flags: int, fields: bytes) -> bytes:
    body = vint(kind) + vint(flags) + fields
    sized = vint(len(body)) + body
    return struct.pack("<I", zlib.crc32(sized)) + sized


def file_5(name: bytes, content: bytes, *, method: int = 0, extra: bytes = b"", crc: int | None = None) -> bytes:
    checksum = zlib.crc32(content) if crc is None else crc
    sizes = (vint(len(extra)) if extra else b"") + vint(len(content))
    fields = sizes + vint(4) + vint(len(content)) + vint(0o100644) + struct.pack("<I", checksum)
    fields += vint(method << 7) + vint(1) + vint(len(name)) + name + extra
    return block_5(2, 3 if extra else 2, fields) + content


def archive_5(*blocks: bytes) -> bytes:
    return MAGIC_5 + block_5(1, 0, b"\0") + b"".join(blocks) + block_5(5, 0, b"\0")


def block_4(kind: int, flags: int, fields: bytes) -> bytes:
    body = struct.pack("<BHH", kind, flags, 7 + len(fields)) + fields
    return struct.pack("<H", zlib.crc32(body) & 0xFFFF) + body


def file_4(name: bytes, content: bytes, *, method: int = 0x30, flags: int = 0) -> bytes:
    fields = struct.pack(
        "<IIBIIBBHI", len(content), len(content), 3, zlib.crc32(content), 0, 29, method, len(name), 0o644
    )
    return block_4(0x74, flags | 0x8000, fields + name) + content


def archive_4(*blocks: bytes, flags: int = 0) -> bytes:
    return MAGIC_4 + block_4(0x73, flags, bytes(6)) + b"".join(blocks) + block_4(0x7B, 0, b"")


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.ARCHIVE, "application/x-rar")


def members(found: Extraction) -> list[Region]:
    return [region for region in found.regions if region.kind is PartKind.MEMBER]


def codes(found: Extraction) -> list[str]:
    return [problem.code for problem in found.problems]


@pytest.mark.parametrize("data", [archive_4(file_4(b"a.txt", TEXT), file_4(b"d\\b.txt", b"b")),
                                  archive_5(file_5(b"a.txt", TEXT), file_5(b"d/b.txt", b"b"))])  # fmt: skip
def test_stored_members_are_stretches(data: bytes) -> None:
    """Both generations: names, offsets and bytes."""
    found = survey(data)
    assert {region.name: data[region.offset : region.offset + region.length] for region in members(found)} == {
        "a.txt": TEXT,
        "d/b.txt": b"b",
    }
    assert found.problems == ()


def test_real_archives_are_read() -> None:
    """What WinRAR wrote has the members that it names."""
    samples = shipped("samples_fixture") / "rar"
    new = read_rar((samples / "plain" / "plain.rar").read_bytes())
    old = read_rar((samples / "rar3" / "rar3.rar").read_bytes())
    assert [member.name for member in new.members] == ["stest1.txt", "stest2.txt"]
    assert {member.name for member in old.members if member.folder} >= {"sub"}
    assert new.faults == old.faults == ()


@pytest.mark.parametrize(
    "data", [archive_4(file_4(b"a.txt", TEXT, method=0x33)), archive_5(file_5(b"a.txt", TEXT, method=3))]
)
def test_compressed_members_are_named(data: bytes) -> None:
    """They are no parts, and the list of names is there."""
    found = survey(data)
    assert members(found) == []
    assert codes(found) == ["unsupported"]
    assert {field.name: field.value for field in found.fields}["sampler.file.archive.members"] == ("a.txt",)


@pytest.mark.parametrize("data", [archive_4(file_4(b"a.txt", TEXT, flags=4)),
                                  archive_5(file_5(b"a.txt", TEXT, extra=vint(2) + vint(1) + vint(0)))])  # fmt: skip
def test_encrypted_members_are_named(data: bytes) -> None:
    """They are no parts either."""
    found = survey(data)
    assert members(found) == []
    assert codes(found) == ["encrypted"]
    assert {field.name: field.value for field in found.fields}["sampler.file.archive.encrypted_count"] == 1


@pytest.mark.parametrize(
    "data", [archive_4(b"\xff" * 99, flags=0x80), MAGIC_5 + block_5(4, 0, bytes(20)) + b"\xff" * 99]
)
def test_encrypted_headers_are_said(data: bytes) -> None:
    """Nothing behind them is read."""
    assert codes(survey(data)) == ["encrypted"]


def test_a_wrong_checksum_is_said() -> None:
    """The member is a part all the same."""
    found = survey(archive_5(file_5(b"a", TEXT, crc=1)))
    assert codes(found) == ["checksum"]
    assert len(members(found)) == 1


def test_what_stands_behind_is_an_overlay() -> None:
    """Bytes behind the end block are a part, and are opened."""
    data = archive_5(file_5(b"a", TEXT))
    found = survey(data + archive_4(file_4(b"b", TEXT)))
    assert "data-behind" in codes(found)
    assert {region.name for region in members(found)} == {"a", "b"}


def test_endless_blocks_end() -> None:
    """Blocks are counted, in both generations."""
    for data in (MAGIC_4 + block_4(0x7A, 0, b"") * 9000, MAGIC_5 + block_5(3, 0, b"") * 9000):
        found = read_rar(data)
        assert [fault.code for fault in found.faults] == ["too-many-members"]
        assert found.end <= 9000 * 9 + BLOCKS_MAX_COUNT


@pytest.mark.parametrize("name", [b"../x", b"/etc/passwd", b"C:\\x"])
def test_hostile_names_are_said(name: bytes) -> None:
    """A name that leads out is shown."""
    assert codes(survey(archive_5(file_5(name, TEXT)))) == ["name-outside"]


def test_a_size_beyond_the_end_is_clipped() -> None:
    """A member of four exbibytes is as long as the file, and nothing is allocated for it."""
    fields = vint(2**62) + vint(0) + vint(2**62) + vint(0) + vint(0) + vint(1) + vint(1) + b"a"
    found = survey(MAGIC_5 + block_5(2, 2, fields) + TEXT)
    assert [region.length for region in members(found)] == [len(TEXT)]
    assert codes(found) == ["range-outside"]


@pytest.mark.parametrize("data", [archive_4(file_4(b"a", TEXT)), archive_5(file_5(b"a", TEXT))])
def test_truncations_and_changed_bytes_are_read(data: bytes) -> None:
    """Wherever an archive is cut or changed, every region lies inside."""
    for length in range(len(data)):
        for region in survey(data[:length]).regions:
            assert region.offset + region.length <= length
        changed = bytearray(data)
        changed[length] ^= 0xFF
        survey(bytes(changed))


def test_a_block_that_is_cut_off_but_has_the_right_checksum_is_damaged() -> None:
    """A header's size reaches over the end, and its checksum is that of what is there."""
    body = struct.pack("<BHH", 0x74, 0x8000, 60) + bytes(11)
    data = MAGIC_4 + struct.pack("<H", zlib.crc32(body) & 0xFFFF) + body
    assert codes(survey(data)) == ["damaged"]
