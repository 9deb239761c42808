"""7z archives that py7zr writes, and what becomes of them when they lie."""

from __future__ import annotations

import io
import lzma
import random
import struct
import zlib
from typing import Any

import py7zr
import pytest

from sampler.errors import NotDerivable
from sampler.extract import Extraction, derive, find_regions
from sampler.extract.compressed_streams import NotUnpacked
from sampler.extract.seven import read_seven
from sampler.limits import MIB, UNPACK_MEMBER_MAX_BYTES
from sampler.model import ContentKind, PartKind, Region

TEXT = b"a harmless line\n" * 300
CODE = b"".join(b"\xe8" + struct.pack("<i", index * 7 - 900) + b"\x90\x8b\xff\x0f\x84" for index in range(9_000))
FILES = {"a.txt": TEXT, "folder/code.bin": CODE, "noise.bin": random.Random(9).randbytes(70_001), "empty": b""}

FILTERS: dict[str, list[dict[str, Any]]] = {
    "copy": [{"id": py7zr.FILTER_COPY}],
    "lzma": [{"id": py7zr.FILTER_LZMA}],
    "lzma2": [{"id": py7zr.FILTER_LZMA2, "preset": 3}],
    "deflate": [{"id": py7zr.FILTER_DEFLATE}],
    "bzip2": [{"id": py7zr.FILTER_BZIP2}],
    "zstd": [{"id": py7zr.FILTER_ZSTD, "level": 3}],
    "x86 and lzma2": [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA2, "preset": 3}],
    "x86 and lzma": [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA}],
    "x86 and bzip2": [{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_BZIP2}],
    "arm and lzma2": [{"id": py7zr.FILTER_ARM}, {"id": py7zr.FILTER_LZMA2, "preset": 3}],
    "delta and lzma2": [{"id": py7zr.FILTER_DELTA, "dist": 4}, {"id": py7zr.FILTER_LZMA2, "preset": 3}],
}


def archive(files: dict[str, bytes], filters: list[dict[str, Any]] | None = None, **options: Any) -> bytes:
    made = io.BytesIO()
    encrypts_header = options.pop("header_encryption", False)
    with py7zr.SevenZipFile(made, "w", filters=filters, header_encryption=encrypts_header, **options) as writer:
        for name, content in files.items():
            writer.writestr(content, name)
    return made.getvalue()


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.ARCHIVE, "application/x-7z-compressed")


def members(found: Extraction) -> list[Region]:
    return [region for region in found.regions if region.kind is PartKind.MEMBER]


def codes(found: Extraction) -> list[str]:
    return [problem.code for problem in found.problems]


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
def test_members_come_out_as_they_went_in(filters: list[dict[str, Any]]) -> None:
    """Names, sizes and bytes are those that py7zr wrote, whatever the coders."""
    data = archive(FILES, filters)
    found = survey(data)
    assert found.problems == ()
    assert {region.name: derive(data, region.recipe) for region in members(found)} == {
        name: content for name, content in FILES.items() if content
    }
    fields = {field.name: field.value for field in found.fields}
    assert fields["sampler.file.archive.members"] == tuple(FILES)


@pytest.mark.parametrize("password", ["infected", "malware", "other"])
@pytest.mark.parametrize("hides_names", [False, True])
def test_the_usual_passwords_are_tried(password: str, hides_names: bool) -> None:
    """Under one of them members are opened, and their recipe says it; under another one only that is said."""
    data = archive({"a.txt": TEXT}, password=password, header_encryption=hides_names)
    found = survey(data)
    if password == "other":
        assert codes(found) == ["encrypted"]
        assert members(found) == []
        return
    assert [region.recipe for region in members(found)] == [(f"7z:0:{password}",)]
    assert derive(data, members(found)[0].recipe) == TEXT
    assert found.problems == ()


def test_coders_that_are_not_undone_are_named() -> None:
    """PPMd is a problem of the member, and its name is there all the same."""
    found = survey(archive({"a.txt": TEXT}, [{"id": py7zr.FILTER_PPMD, "order": 6, "mem": 16}]))
    assert codes(found) == ["unsupported"]
    assert "PPMd" in found.problems[0].detail
    assert "sampler.file.archive.members" in {field.name for field in found.fields}


def test_members_of_members_are_derived() -> None:
    """An archive in an archive is opened."""
    data = archive({"inner.7z": archive({"b.txt": TEXT})})
    last = members(survey(data))[-1]
    assert (last.name, last.recipe) == ("inner.7z/b.txt", ("7z:0", "7z:0"))
    assert derive(data, last.recipe) == TEXT


@pytest.mark.usefixtures("ends_in_moments")
def test_a_large_folder_yields_what_its_beginning_holds() -> None:
    """Of files that were compressed together, those that come out before the ceiling are members; the rest is said."""
    data = archive({"first": TEXT, "code": CODE, "bomb": bytes(UNPACK_MEMBER_MAX_BYTES), "last": TEXT})
    found = survey(data)
    assert {region.name for region in members(found)} == {"first", "code"}
    assert set(codes(found)) == {"too-large"}
    for region in members(found):
        assert len(derive(data, region.recipe)) == region.length


def test_every_truncation_is_read() -> None:
    """The header stands at the end, so a cut archive is damaged, which is said; nothing is raised."""
    data = archive({"a.txt": b"a"})
    for length in range(6, len(data)):
        assert codes(survey(data[:length])) == ["damaged"]


def test_data_behind_is_an_overlay() -> None:
    """What stands behind the header is a part."""
    data = archive({"a.txt": TEXT})
    found = survey(data + b"behind")
    assert codes(found) == ["data-behind"]
    assert Region(PartKind.OVERLAY, "", len(data), 6) in found.regions


def sealed(header: bytes, packed: bytes = b"") -> bytes:
    """An archive with this header, whose checksums are right."""
    place = struct.pack("<QQI", len(packed), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(place)) + place + packed + header


ONE_FOLDER = b"\x04\x07\x0b\x01\x00\x01\x01\x00\x0c\x05\x00\x00"
"""One folder of five bytes, stored."""
ONE_FILE = b"\x05\x01\x00"


def test_streams_behind_the_files() -> None:
    """Folders that are exchanged once files lie in them are damage, and cost no other reader's results."""
    found = survey(sealed(b"\x01" + ONE_FOLDER + ONE_FILE + b"\x04\x00" + b"\x00"))
    assert codes(found) == ["damaged"]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (b"\x01\x05\xff" + b"\xff" * 8 + b"\0\0", "too-many-members"),
        (b"\x01\x04\x06\x00\xff" + b"\xff" * 8, "too-many-members"),
        (b"\x01\x04\x07\x0b\xff" + b"\xff" * 8, "too-many-members"),
        (b"\x01\x04\x07\x0b\x01\x00\xff" + b"\xff" * 8, "too-many-members"),
        (b"\x01\x04\x07\x0b\x01\x01", "unsupported"),
        (b"\x01\x04\x07\x0b\x01\x00\x00", "damaged"),
        (
            b"\x01\x04\x07\x0b\x01\x00\x01\x01\x00\x0c\x05\x00\x08\x00\x07\x0b\x00\x00\x0c\x00\x00\x05\x01\x00\x00",
            "damaged",
        ),
        (b"\x02", "damaged"),
        (b"\x17\x00", "damaged"),
        (b"\x17" * 40, "damaged"),
        (b"\x01\x05\x02\x11\x7f", "damaged"),
        (b"\x01\x77", "unsupported"),
        (b"\x01\x02", "damaged"),
    ],
)
def test_headers_that_lie_are_named(header: bytes, code: str) -> None:
    """Absurd counts, properties that cannot be, and cut ones end with a reason and little work."""
    with pytest.raises(NotUnpacked) as caught:
        read_seven(sealed(header))
    assert caught.value.code == code


def test_a_header_that_is_packed_into_itself_ends() -> None:
    """A packed header that unpacks to itself is followed a few times."""
    packed = b""
    for _ in range(3):
        size = 0x40
        head = b"\x17\x06\x00\x01\x09" + bytes([size]) + b"\x00\x07\x0b\x01\x00\x01\x01\x00\x0c" + bytes([size])
        packed = (head + b"\x00\x00").ljust(size, b"\0")
    data = sealed(packed, packed)
    with pytest.raises(NotUnpacked, match="again and again"):
        read_seven(data)


def test_a_bomb_of_a_header_is_too_large() -> None:
    """A header that says it is huge is not read."""
    data = bytearray(sealed(b""))
    struct.pack_into("<QQI", data, 12, 0, 2**40, 0)
    struct.pack_into("<I", data, 8, zlib.crc32(data[12:32]))
    with pytest.raises(NotUnpacked) as caught:
        read_seven(bytes(data))
    assert caught.value.code == "too-large"


@pytest.mark.usefixtures("ends_in_moments")
def test_hostile_dictionaries_allocate_nothing() -> None:
    """A folder of one byte that wants 4 GiB of dictionary ends as damaged."""
    raw = lzma.compress(b"x" * 100, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0}])
    streams = b"\x06\x00\x01\x09" + bytes([len(raw)]) + b"\x00\x07\x0b\x01\x00\x01\x21\x21\x01\x28\x0c\x40\x00\x00"
    names = "a\0".encode("utf-16-le")
    header = b"\x01\x04" + streams + b"\x05\x01\x11" + bytes([len(names) + 1]) + b"\x00" + names + b"\x00\x00"
    data = sealed(header, raw)
    assert derive(data, ("7z:0",)) == b"x" * 64
    survey(data)


@pytest.mark.parametrize("argument", ["", "9", "-1", "0:", "1:a:b", "²", "3"])
def test_a_step_that_does_not_apply_makes_nothing(argument: str) -> None:
    """An index that is none, and one of a member without bytes, makes nothing."""
    with pytest.raises(NotDerivable):
        derive(archive(FILES), (f"7z:{argument}",))


def test_ceilings_hold_for_steps() -> None:
    """No step makes more than it may."""
    data = archive({"a": bytes(3 * MIB)})
    assert len(derive(data, ("7z:0",))) == 3 * MIB
