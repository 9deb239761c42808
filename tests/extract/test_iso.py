"""ISO 9660 images that pycdlib writes, and trees that nobody should walk."""

from __future__ import annotations

import io
import struct
from typing import Any

import pycdlib
import pytest

from sampler.extract import Extraction, derive, find_regions
from sampler.extract.compressed_streams import Fault
from sampler.extract.iso_tree import read_image, walk
from sampler.model import ContentKind, PartKind, Region

TEXT = b"a harmless line\n" * 300
FILES = {"/README.TXT": TEXT, "/DIR/INNER.BIN": b"inner", "/DIR/DEEP/LAST.BIN": b"last" * 1000, "/EMPTY.": b""}


def image(files: dict[str, bytes], *, boot: bytes = b"", **options: Any) -> bytes:
    """An image; with Joliet and Rock Ridge names in lower case where the options want such trees."""
    iso = pycdlib.PyCdlib()
    iso.new(**options)
    joliet, rock_ridge = bool(options.get("joliet")), bool(options.get("rock_ridge"))

    def names(path: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if joliet:
            made["joliet_path"] = path.lower()
        if rock_ridge:
            made["rr_name"] = path.lower().rpartition("/")[2]
        return made

    for folder in sorted({path[:at] for path in files for at in range(1, len(path)) if path[at] == "/"}):
        iso.add_directory(folder, **names(folder))
    for path, content in files.items():
        iso.add_fp(io.BytesIO(content), len(content), f"{path};1", **names(path))
    if boot:
        iso.add_fp(io.BytesIO(boot), len(boot), "/BOOT.;1", **names("/BOOT"))
        catalogue: dict[str, Any] = {"joliet_bootcatfile": "/boot.cat"} if joliet else {}
        iso.add_eltorito("/BOOT.;1", bootcatfile="/BOOT.CAT;1", **catalogue)
    made = io.BytesIO()
    iso.write_fp(made)
    iso.close()
    return made.getvalue()


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.DISK, "application/x-iso9660-image")


def members(found: Extraction) -> list[Region]:
    return [region for region in found.regions if region.kind is PartKind.MEMBER]


def codes(found: Extraction) -> list[str]:
    return [problem.code for problem in found.problems]


def content_of(data: bytes, region: Region) -> bytes:
    return derive(data, region.recipe) if region.recipe else data[region.offset : region.offset + region.length]


@pytest.mark.parametrize(
    ("options", "lower"),
    [({}, False), ({"joliet": 3}, True), ({"rock_ridge": "1.09"}, True), ({"joliet": 1, "rock_ridge": "1.12"}, True)],
)
def test_files_are_those_that_went_in(options: dict[str, Any], lower: bool) -> None:
    """Names come from the best tree, and the bytes are those that pycdlib wrote."""
    data = image(FILES, **options)
    found = survey(data)
    expected = {(name.lower() if lower else name).lstrip("/"): content for name, content in FILES.items() if content}
    assert {region.name: content_of(data, region) for region in members(found)} == expected
    assert found.problems == ()


def test_what_lies_in_an_image_is_opened() -> None:
    """An image in an image has members of its own."""
    inner = image({"/B.TXT": TEXT})
    data = image({"/INNER.ISO": inner})
    last = members(survey(data))[-1]
    assert last.name == "INNER.ISO/B.TXT"
    assert content_of(data, last) == TEXT


def test_a_boot_image_is_a_part() -> None:
    """The default entry of El Torito leads to it."""
    boot = b"\xfa\xf4\xeb\xfd".ljust(2048, b"\x90")
    data = image(FILES, boot=boot)
    region = next(region for region in survey(data).regions if region.kind is PartKind.BOOT)
    assert region.name == "el-torito"
    assert content_of(data, region) == boot[: region.length]


def test_a_file_that_only_one_tree_names_is_said() -> None:
    """What Windows does not show is a member all the same."""
    iso = pycdlib.PyCdlib()
    iso.new(joliet=3)
    iso.add_fp(io.BytesIO(TEXT), len(TEXT), "/SEEN.;1", joliet_path="/seen")
    iso.add_fp(io.BytesIO(b"hidden"), 6, "/HIDDEN.;1")
    made = io.BytesIO()
    iso.write_fp(made)
    found = survey(made.getvalue())
    assert [region.name for region in members(found)] == ["seen", "HIDDEN."]
    assert codes(found) == ["hidden-members"]


def test_data_behind_the_volume_is_an_overlay() -> None:
    """Padding is not, other bytes are."""
    data = image(FILES)
    assert codes(survey(data + bytes(300 * 1024))) == []
    found = survey(data + b"behind")
    assert codes(found) == ["data-behind"]
    assert Region(PartKind.OVERLAY, "", len(data), 6) in found.regions


def test_a_directory_that_holds_itself_is_read_once() -> None:
    """A record that leads back to the root is said and not followed."""
    data = bytearray(image({"/DIR/INNER.BIN": b"inner"}))
    root = struct.unpack_from("<I", data, 16 * 2048 + 156 + 2)[0]
    at = data.index(b"\x03DIR", root * 2048) - 32
    struct.pack_into("<I", data, at + 2, root)
    found = survey(bytes(data))
    assert codes(found) == ["directory-loop"]
    assert members(found) == []


def test_lies_about_places_are_said() -> None:
    """A file that begins behind the image's end is no member; a directory there has nothing."""
    data = bytearray(image({"/A.TXT": TEXT, "/DIR/INNER.BIN": b"inner"}))
    root = struct.unpack_from("<I", data, 16 * 2048 + 156 + 2)[0] * 2048
    struct.pack_into("<I", data, data.index(b"\x07A.TXT;1", root) - 30, 0xFFFFFFF0)
    struct.pack_into("<II", data, data.index(b"\x03DIR", root) - 30, 0xFFFFFFF1, 0)
    found = survey(bytes(data))
    assert members(found) == []
    assert codes(found) == ["range-outside"]


def test_records_end() -> None:
    """Directories of tens of thousands of records are read as far as their ceiling."""
    record = struct.pack("<BBI4xI4x7xBBBHHB1s", 34, 0, 18, 1, 0, 0, 0, 0, 0, 1, b"x")
    folder = struct.pack("<BBI4xI4x7xBBBHHB1s", 34, 0, 18, 2048 * 400, 2, 0, 0, 0, 0, 1, b"\0")
    descriptor = bytearray(b"\x01CD001\x01".ljust(2048, b"\0"))
    descriptor[128:130], descriptor[156:190] = b"\x00\x08", folder
    data = bytes(16 * 2048) + descriptor + b"\xffCD001\x01".ljust(2048, b"\0") + (record * 60).ljust(2048, b"\0") * 400
    faults: list[Fault] = []
    assert len(list(walk(data, read_image(data).volumes[0], faults))) == 16_384
    assert [fault.code for fault in faults] == ["too-many-members"]


def test_udf_is_said() -> None:
    """An image that has a UDF file system is read as far as ISO 9660 names files."""
    data = image(FILES, udf="2.60")
    assert codes(survey(data))[0] == "unsupported"


def test_truncations_are_read() -> None:
    """Wherever an image is cut, every region lies inside."""
    data = image(FILES, joliet=3)
    for length in range(0, len(data), 1021):
        for region in survey(data[:length]).regions:
            assert region.recipe or region.offset + region.length <= length
