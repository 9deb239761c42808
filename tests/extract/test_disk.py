"""Disks and volumes: FAT as pyfatfs writes it, boot records of images, and chains that nobody should follow."""

from __future__ import annotations

import datetime
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from pyfatfs.EightDotThree import EightDotThree  # type: ignore[import-untyped]
from pyfatfs.FATDirectoryEntry import FATDirectoryEntry, make_lfn_entry  # type: ignore[import-untyped]
from pyfatfs.PyFat import PyFat  # type: ignore[import-untyped]

from sampler.errors import NotDerivable
from sampler.extract import Extraction, derive, find_regions
from sampler.extract.fat import read_volume
from sampler.limits import MIB
from sampler.model import ContentKind, PartKind, Region

TEXT = b"a harmless line\n" * 300
NOISE = random.Random(4).randbytes(50_000)
FILES = {"NOTE.TXT": TEXT, "a name that is long.doc": b"short", "ü.bin": NOISE, "EMPTY": b""}


def add(fat: Any, parent: Any, name: str, content: bytes, *, folder: bool = False) -> Any:
    """One file, or a folder without its two dots, as pyfatfs puts it there."""
    short = EightDotThree()
    short.set_str_name(short.make_8dot3_name(name, parent))
    kind = FATDirectoryEntry.ATTR_DIRECTORY if folder else 0
    entry = FATDirectoryEntry.new(name=short, tz=datetime.UTC, encoding="ibm437", attr=kind)
    if short.get_unpadded_filename() != name:
        entry.set_lfn_entry(make_lfn_entry(name, short))
    if content or folder:
        first = fat.allocate_bytes(max(len(content), 1), erase=True)[0]
        fat.write_data_to_cluster(content, first)
        entry.set_cluster(first)
        entry.filesize = len(content)
    parent.add_subdirectory(entry)
    fat.update_directory_entry(parent)
    fat.flush_fat()
    return entry


def volume(folder: Path, kind: int = 12, size: int = 2 * MIB, files: dict[str, bytes] | None = None) -> bytes:
    """A FAT volume with these files in its root and once more in a folder."""
    path = folder / "volume.img"
    path.write_bytes(bytes(size))
    made: Any = PyFat()
    made.mkfs(str(path), fat_type=kind, size=size, label="FIXTURE")
    made.close()
    fat: Any = PyFat()
    fat.open(str(path))
    wanted = FILES if files is None else files
    for name, content in wanted.items():
        add(fat, fat.root_dir, name, content)
    inner = add(fat, fat.root_dir, "FOLDER", b"", folder=True)
    for name, content in wanted.items():
        add(fat, inner, name, content)
    fat.close()
    return path.read_bytes()


def partitioned(*volumes: bytes, kinds: int = 0x0E) -> bytes:
    """A disk with a master boot record, its volumes one after the other from sector 8 on."""
    rows, body, start = b"", b"", 8
    for content in volumes:
        rows += struct.pack("<B3sB3sII", 0, b"\0\0\0", kinds, b"\0\0\0", start, len(content) // 512)
        body += content
        start += len(content) // 512
    return (bytes(446) + rows.ljust(64, b"\0") + b"\x55\xaa").ljust(8 * 512, b"\0") + body


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.DISK, "application/octet-stream")


def members(found: Extraction) -> list[Region]:
    return [region for region in found.regions if region.kind is PartKind.MEMBER]


def contents(data: bytes, found: Extraction) -> dict[str, bytes]:
    return {
        region.name: derive(data, region.recipe)
        if region.recipe
        else data[region.offset : region.offset + region.length]
        for region in members(found)
    }


def codes(found: Extraction) -> list[str]:
    return [problem.code for problem in found.problems]


@pytest.mark.parametrize(("kind", "size"), [(12, 2 * MIB), (16, 16 * MIB), (32, 40 * MIB)])
def test_files_are_those_that_went_in(tmp_path: Path, kind: int, size: int) -> None:
    """Short and long names, in the root and in a folder, with the bytes that pyfatfs wrote."""
    data = volume(tmp_path, kind, size)
    found = survey(data)
    expected = {name: content for name, content in FILES.items() if content}
    assert contents(data, found) == expected | {f"FOLDER/{name}": content for name, content in expected.items()}
    assert found.problems == ()
    fields = {field.name: field.value for field in found.fields}
    assert fields["sampler.file.disk.file_systems"] == ("fat@0",)


def test_a_file_in_pieces_is_put_together(tmp_path: Path) -> None:
    """Clusters that do not follow each other are derived, by a step of their own."""
    data = bytearray(volume(tmp_path, 16, 16 * MIB, {"A.BIN": NOISE}))
    layout = read_volume(bytes(data), 0)
    assert layout is not None
    clusters = -(-len(NOISE) // layout.cluster_bytes)
    far = 2000
    links = [2, *range(far, far + clusters - 1)]
    for one, two in zip(links, [*links[1:], 0xFFFF], strict=True):
        struct.pack_into("<H", data, layout.table + 2 * one, two)
    for number, cluster in enumerate(links):
        piece = NOISE[number * layout.cluster_bytes : (number + 1) * layout.cluster_bytes]
        data[layout.stretch(cluster) : layout.stretch(cluster) + len(piece)] = piece
    found = survey(bytes(data))
    region = next(region for region in members(found) if region.name == "A.BIN")
    assert region.recipe == (f"fat:0:2:{len(NOISE)}",)
    assert derive(bytes(data), region.recipe) == NOISE


def test_volumes_in_partitions_are_read(tmp_path: Path) -> None:
    """Boot records are parts, and the files of each FAT volume are members of the whole disk."""
    one = volume(tmp_path, 12, 2 * MIB, {"ONE.TXT": TEXT})
    two = volume(tmp_path, 16, 16 * MIB, {"TWO.TXT": NOISE})
    data = partitioned(one, two)
    found = survey(data)
    assert [region.name for region in found.regions if region.kind is PartKind.BOOT] == ["mbr", "vbr:1", "vbr:2"]
    got = contents(data, found)
    assert (got["ONE.TXT"], got["FOLDER/TWO.TXT"]) == (TEXT, NOISE)


def test_a_deleted_file_is_a_member_as_far_as_it_can_be(tmp_path: Path) -> None:
    """Its first character is gone, and its bytes are those that follow its first cluster."""
    data = bytearray(volume(tmp_path, 12, 2 * MIB, {"GONE.TXT": TEXT}))
    data[data.index(b"GONE    TXT")] = 0xE5
    assert contents(bytes(data), survey(bytes(data)))["?ONE.TXT (deleted)"] == TEXT


@pytest.mark.parametrize(
    ("offset", "mark", "name"),
    [(3, b"NTFS    ", "ntfs"), (0x438, b"\x53\xef", "ext"), (0, b"XFSB", "xfs"), (0, b"hsqs", "squashfs")],
)
def test_other_file_systems_are_named(offset: int, mark: bytes, name: str) -> None:
    """What is not read is recognised, whole or in a partition, with its first sectors."""
    plain = bytearray(64 * 1024)
    plain[offset : offset + len(mark)] = mark
    found = survey(bytes(plain))
    assert any(region.kind is PartKind.BOOT and region.offset == 0 for region in found.regions)
    for data, place in ((bytes(plain), 0), (partitioned(bytes(plain)), 4096)):
        fields = {field.name: field.value for field in survey(data).fields}
        assert f"{name}@{place}" in str(fields["sampler.file.disk.file_systems"])


def test_a_chain_that_bites_its_tail_ends(tmp_path: Path) -> None:
    """A file whose clusters form a loop has as many bytes as there are clusters in it, which is said."""
    data = bytearray(volume(tmp_path, 16, 16 * MIB, {"A.BIN": NOISE}))
    layout = read_volume(bytes(data), 0)
    assert layout is not None
    struct.pack_into("<HH", data, layout.table + 4, 3, 2)
    found = survey(bytes(data))
    assert "truncated" in codes(found)
    assert next(region for region in members(found) if region.name == "A.BIN").length == 2 * layout.cluster_bytes


def test_a_directory_that_holds_itself_is_read_once(tmp_path: Path) -> None:
    """A folder that leads back to the one that was read is said and not followed."""
    data = bytearray(volume(tmp_path, 12, 2 * MIB, {}))
    layout = read_volume(bytes(data), 0)
    assert layout is not None
    at = data.index(b"FOLDER     ")
    cluster = struct.unpack_from("<H", data, at + 26)[0]
    data[layout.stretch(cluster) : layout.stretch(cluster) + 32] = data[at : at + 32]
    assert codes(survey(bytes(data))) == ["directory-loop"]


@pytest.mark.usefixtures("ends_in_moments")
def test_thousands_of_files_that_share_a_chain_end(tmp_path: Path) -> None:
    """Long chains of many files are followed as far as the ceiling, in little time."""
    size = 8 * MIB
    data = bytearray(volume(tmp_path, 16, 16 * MIB, {"A.BIN": b"x"}))
    layout = read_volume(bytes(data), 0)
    assert layout is not None
    for cluster in range(2, layout.clusters):
        struct.pack_into("<H", data, layout.table + 2 * cluster, cluster + 1)
    for row in range(layout.root_bytes // 32):
        entry = b"%-8dBIN" % row + struct.pack("<B8xH4xHI", 0x20, 0, 2, size)
        data[layout.root + 32 * row : layout.root + 32 * row + 32] = entry
    found = survey(bytes(data))
    assert {"too-many-members", "budget"} & set(codes(found))


def test_hostile_parameters_are_no_volume() -> None:
    """A boot sector whose numbers cannot be is not read as FAT."""
    sector = bytearray(b"\xeb\x3c\x90MSDOS5.0" + bytes(499) + b"\x55\xaa")
    for layout in ((0, 1, 1, 2), (512, 0, 1, 2), (512, 3, 1, 2), (512, 1, 0, 2), (512, 1, 1, 0), (512, 1, 1, 9)):
        struct.pack_into("<HBHB", sector, 11, *layout)
        assert read_volume(bytes(sector), 0) is None


@pytest.mark.parametrize(
    "argument", ["", "0:2", "0:2:3:4", "99999999:2:3", "0:2:-1", "1:2:3", f"{10**18}:1:1", "0:2:4294967295"]
)
def test_a_step_that_does_not_apply_makes_nothing(tmp_path: Path, argument: str) -> None:
    """No volume at that offset, or more bytes than may come out."""
    with pytest.raises(NotDerivable):
        derive(volume(tmp_path), (f"fat:{argument}",))


@pytest.mark.parametrize(
    ("head", "name"),
    [(b"conectix", "vhd"), (b"vhdxfile", "vhdx"), (b"KDMV", "vmdk"), (b"# Disk DescriptorFile\n", "vmdk"),
     (bytes(64) + b"\x7f\x10\xda\xbe", "vdi")],
)  # fmt: skip
def test_virtual_disks_are_named(head: bytes, name: str) -> None:
    """Their format is a fact, and that they are not opened is said."""
    found = survey(head.ljust(8192, b"\0"))
    assert {field.name: field.value for field in found.fields} == {"sampler.file.archive.format": name}
    assert codes(found) == ["unsupported"]


def test_a_backing_file_is_a_fact() -> None:
    """What a qcow2 image leans on is another file, which it names."""
    name = b"/srv/base\x1b.img"
    data = struct.pack(">4sIQI", b"QFI\xfb", 3, 200, len(name)).ljust(200, b"\0") + name + bytes(4096)
    fields = {field.name: field.value for field in survey(data).fields}
    assert fields["sampler.file.disk.backing_file"] == "/srv/base\\x1b.img"
    lying = struct.pack(">4sIQI", b"QFI\xfb", 3, 2**63, 2**32 - 1).ljust(8192, b"\0")
    assert "sampler.file.disk.backing_file" not in {field.name for field in survey(lying).fields}


def test_truncations_are_read(tmp_path: Path) -> None:
    """Wherever a volume is cut, every region lies inside."""
    data = volume(tmp_path, 12, 2 * MIB, {"A.TXT": TEXT})
    for length in [*range(0, 4096, 131), *range(4096, len(data), 250_007)]:
        for region in survey(data[:length]).regions:
            assert region.recipe or region.offset + region.length <= length
