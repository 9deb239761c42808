"""Archives in archives, bombs and quines: what a survey makes of a ZIP file."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
import pyzipper

from sampler.extract import Extraction, derive, find_regions
from sampler.limits import MIB, UNPACK_DEPTH_MAX_COUNT, UNPACK_TOTAL_MAX_BYTES
from sampler.model import ContentKind, PartKind, Region

TEXT = b"a harmless line\n" * 50


def archive(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as writer:
        for name, content in members:
            writer.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, method)
    return made.getvalue()


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.ARCHIVE, "application/zip")


def members(found: Extraction) -> list[Region]:
    return [region for region in found.regions if region.kind is PartKind.MEMBER]


def codes(found: Extraction) -> set[str]:
    return {problem.code for problem in found.problems}


def test_members_and_members_of_members_are_derived() -> None:
    """Each has a recipe that makes exactly as many bytes as it says."""
    data = archive(("a.txt", TEXT), ("inner.zip", archive(("b.txt", TEXT), ("c.txt", b"c"))))
    found = survey(data)
    assert {(region.name, region.recipe) for region in members(found)} == {
        ("a.txt", ("zip:0",)),
        ("inner.zip", ("zip:1",)),
        ("inner.zip/b.txt", ("zip:1", "zip:0")),
        ("inner.zip/c.txt", ("zip:1", "zip:1")),
    }
    for region in members(found):
        assert len(derive(data, region.recipe)) == region.length
    assert derive(data, ("zip:1", "zip:0")) == TEXT
    assert found.problems == ()


def test_what_an_archive_says_of_itself_are_fields() -> None:
    """Format, number and names of the members."""
    fields = {field.name: field.value for field in survey(archive(("a.txt", TEXT), ("b\x1b.txt", TEXT))).fields}
    assert fields == {
        "sampler.file.archive.format": "zip",
        "sampler.file.archive.members_count": 2,
        "sampler.file.archive.members": ("a.txt", "b\\x1b.txt"),
    }


def test_the_usual_passwords_are_tried() -> None:
    """A member under ``malware`` is opened, and its recipe says with what; one under another password is named."""
    for password, opened in (("malware", True), ("infected", True), ("secret", False)):
        made = io.BytesIO()
        with pyzipper.AESZipFile(made, "w", encryption=pyzipper.WZ_AES) as writer:
            writer.setpassword(password.encode())
            writer.writestr("a.exe", TEXT)
        found = survey(made.getvalue())
        recipes = [region.recipe for region in members(found)]
        assert recipes == ([(f"zip:0:{password}",)] if opened else [])
        assert codes(found) == (set() if opened else {"encrypted"})
        fields = {field.name: field.value for field in found.fields}
        assert fields["sampler.file.archive.encrypted_count"] == 1
        if opened:
            assert derive(made.getvalue(), recipes[0]) == TEXT


def test_what_stands_before_and_behind_is_a_part() -> None:
    """An archive behind an unknown format is found, and one in another's tail is opened too."""
    inner = archive(("b.txt", TEXT))
    data = b"something else" + archive(("a.txt", TEXT)) + b"some bytes " + b"x" * 70_000
    found = survey(data[:-70_011] + b"tail")
    assert Region(PartKind.OVERLAY, "before", 0, 14) in found.regions
    assert [region.name for region in members(found)] == ["a.txt"]
    assert codes(found) == {"data-before", "data-behind"}
    outer = archive(("a.txt", TEXT))
    both = survey(outer + b"\0" * 66_000)
    assert [region.name for region in members(both)] == ["a.txt"]
    assert "no-directory" in codes(both)
    swallowed = survey(outer[:-2] + struct.pack("<H", len(inner)) + inner)
    assert "b.txt" in {region.name for region in members(swallowed)}


@pytest.mark.usefixtures("ends_in_moments")
def test_a_bomb_costs_its_ceiling_and_is_named() -> None:
    """A member of 200 MiB out of 200 KB is not kept, and the rest of the archive is."""
    bomb = archive(("bomb", bytes(200 * MIB)), ("a.txt", TEXT))
    found = survey(bomb)
    assert [region.name for region in members(found)] == ["a.txt"]
    assert codes(found) == {"too-large"}


@pytest.mark.usefixtures("ends_in_moments")
def test_a_tree_of_bombs_ends_with_the_budget() -> None:
    """Sixteen bombs in each of sixteen archives, as in 42.zip, come to no more than the budget."""
    leaf = archive(("0.dll", bytes(30 * MIB)))
    data = archive(*((f"{index}.zip", leaf) for index in range(16)))
    for _ in range(2):
        data = archive(*((f"{index}.zip", data) for index in range(16)))
    found = survey(data)
    assert sum(region.length for region in members(found)) <= UNPACK_TOTAL_MAX_BYTES
    assert "budget" in codes(found)


def test_overlapping_bombs_end_with_the_budget() -> None:
    """Thousands of members that share one stream of bytes are unpacked as far as the budget goes."""
    data = archive(("a", bytes(20 * MIB)))
    at, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    rows = data[at:end] * 3000
    bomb = data[:at] + rows + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 3000, 3000, len(rows), at, 0)
    found = survey(bomb)
    assert codes(found) >= {"overlapping-members", "budget"}
    assert sum(region.length for region in members(found)) <= UNPACK_TOTAL_MAX_BYTES


def claiming_itself() -> bytes:
    """A stored member whose size is that of the whole archive, so that it reaches over the directory behind it."""
    name = b"itself.zip"
    total = 30 + len(name) + 46 + len(name) + 22
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, total, total, len(name), 0) + name
    central = struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, total, total, len(name), 0, 0, 0, 0, 0, 0
    )
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, 46 + len(name), len(local), 0)
    return local + central + name + end


def test_an_archive_in_itself_ends_with_the_depth() -> None:
    """Members that are their archive again are opened so deep and no deeper."""
    data = TEXT
    for _ in range(UNPACK_DEPTH_MAX_COUNT + 3):
        data = archive(("again.zip", data))
    found = survey(data)
    assert len(members(found)) == UNPACK_DEPTH_MAX_COUNT + 1
    assert codes(found) == {"too-deep"}


def test_a_member_that_claims_the_whole_archive_as_its_bytes_ends() -> None:
    """Sizes that reach over the directory give a shorter member each time, and reading comes to an end."""
    found = survey(claiming_itself())
    assert codes(found) >= {"checksum"}
    assert len(found.regions) < 20


def test_a_wide_lie_about_sizes_allocates_nothing() -> None:
    """A stored member of four exbibytes is as long as the file."""
    data = bytearray(archive(("a.txt", TEXT), method=0))
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<II", data, at + 20, 0xFFFFFFFE, 0xFFFFFFFE)
    found = survey(bytes(data))
    assert members(found) == []
    assert codes(found) >= {"too-large", "headers-disagree"}


def test_a_damaged_member_is_kept_as_far_as_it_came_out() -> None:
    """What a broken stream made before it broke is a part, and the break is said."""
    data = bytearray(archive(("a.bin", b"".join(zlib.compress(bytes([n] * n)) for n in range(1, 250)))))
    data[2000:2010] = b"\xff" * 10
    found = survey(bytes(data))
    assert codes(found) & {"damaged", "checksum"}
    for region in members(found):
        assert len(derive(bytes(data), region.recipe)) == region.length
