"""Tape archives as tarfile reads them, and as nobody should write them."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

import sampler
from sampler.extract import Extraction, derive, find_regions
from sampler.extract.tar_headers import TarKind, read_tar
from sampler.model import ContentKind, PartKind, Region

TEXT = b"a harmless line\n" * 70


def archive(*members: tuple[str, bytes], layout: int = tarfile.PAX_FORMAT) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=layout) as writer:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            writer.addfile(info, io.BytesIO(content))
    return made.getvalue()


def special(kind: bytes, name: str = "a") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as writer:
        writer.addfile(info)
    return made.getvalue()


def rechecked(block: bytearray) -> bytes:
    """A header with the right checksum."""
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    return bytes(block)


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.ARCHIVE, "application/x-tar")


def members(found: Extraction) -> list[Region]:
    return [region for region in found.regions if region.kind is PartKind.MEMBER]


def codes(found: Extraction) -> list[str]:
    return [problem.code for problem in found.problems]


@pytest.mark.parametrize("layout", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_are_those_of_tarfile(layout: int) -> None:
    """Names, kinds, offsets and sizes are what tarfile says, of this project's own tree and of long names."""
    made = io.BytesIO()
    root = Path(sampler.__file__).parent
    with tarfile.open(fileobj=made, mode="w", format=layout) as writer:
        writer.add(root / "extract", "extract")
        writer.add(root / "errors.py", f"{'long/' * 25}errors.py")
    data = made.getvalue()
    with tarfile.open(fileobj=io.BytesIO(data)) as reader:
        told = [(info.name, info.isfile(), info.offset_data, info.size) for info in reader]
    found = read_tar(data)
    assert [
        (member.raw_name.decode().rstrip("/"), member.kind is TarKind.FILE, member.offset, member.size)
        for member in found.members
    ] == told
    assert found.faults == ()


def test_names_of_any_length_and_alphabet() -> None:
    """A name that only an extended header can hold is read from there."""
    name = "ü" * 300
    for layout in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        data = archive((name, TEXT), ("b", b"b"), layout=layout)
        assert [member.raw_name.decode() for member in read_tar(data).members] == [name, "b"]


def test_members_are_stretches_and_are_opened() -> None:
    """A member lies in the archive as it is; what lies in a member is derived from there."""
    inner = archive(("b.txt", TEXT))
    data = archive(("a.txt", TEXT), ("inner.tar", inner), ("empty", b""))
    found = survey(data)
    first, second, third = members(found)
    assert (first.name, data[first.offset : first.offset + first.length]) == ("a.txt", TEXT)
    assert (second.name, data[second.offset : second.offset + second.length]) == ("inner.tar", inner)
    assert (third.name, derive(data, third.recipe)) == ("inner.tar/b.txt", TEXT)
    assert found.problems == ()


def test_an_archive_in_a_stream() -> None:
    """The members of a compressed archive are derived by both steps."""
    data = gzip.compress(archive(("a.txt", TEXT)), mtime=0)
    derived = members(survey(data))[1]
    assert derive(data, derived.recipe) == TEXT
    assert derived.name == "a.txt"


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_what_is_no_file_is_only_named(kind: bytes) -> None:
    """Links, devices and folders have no bytes and are never followed."""
    found = survey(special(kind, "b"))
    assert members(found) == []
    fields = {field.name: field.value for field in found.fields}
    assert fields["sampler.file.archive.members"] == ("b/" if kind == tarfile.DIRTYPE else "b",)
    assert fields.get("sampler.file.archive.links_count", 0) == (kind in {tarfile.LNKTYPE, tarfile.SYMTYPE})


def test_a_sparse_file_is_kept_as_it_lies_and_said() -> None:
    """Its bytes are no stretch of the file that it describes."""
    block = bytearray(archive(("a.bin", TEXT)))
    block[156:157] = b"S"
    data = rechecked(bytearray(block[:512])) + bytes(block[512:])
    assert codes(survey(data)) == ["unsupported"]


@pytest.mark.parametrize(
    ("name", "code"), [("../x", "name-outside"), ("/etc/passwd", "name-outside"), ("a/../../b", "name-outside")]
)
def test_hostile_names_are_said(name: str, code: str) -> None:
    """A name that leads out is shown, and the member is opened as any other."""
    found = survey(archive((name, TEXT)))
    assert codes(found) == [code]
    assert len(members(found)) == 1


def test_a_name_that_comes_twice_is_said() -> None:
    """Which of both a program would keep is its own affair; both are parts."""
    found = survey(archive(("a", b"one"), ("a", b"other")))
    assert codes(found) == ["name-twice"]
    assert len(members(found)) == 2


def test_a_size_beyond_the_end_is_said_and_clipped() -> None:
    """A member that claims more than there is has what there is."""
    block = bytearray(archive(("a.bin", TEXT))[:512])
    block[124:136] = b"77777777777\0"
    data = rechecked(block) + TEXT
    found = survey(data)
    assert [region.length for region in members(found)] == [len(TEXT)]
    assert set(codes(found)) == {"range-outside", "truncated"}


@pytest.mark.parametrize("field", [b"\xff" * 12, b"99999999999\0", b"\x80" + b"\xff" * 11])
def test_a_size_that_is_none_ends_the_archive(field: bytes) -> None:
    """Negative, unreadable and absurd sizes leave what was found before."""
    block = bytearray(archive(("b", b""))[:512])
    block[124:136] = field
    data = archive(("a", TEXT))[: 512 + 1536] + rechecked(block)
    assert [member.name for member in read_tar(data).members] == ["a"]
    assert [fault.code for fault in read_tar(data).faults] == ["damaged"]


def test_data_behind_the_end_is_an_overlay() -> None:
    """Bytes behind the padding are a part, and are opened."""
    whole = archive(("a", TEXT))
    found = survey(whole + archive(("hidden", TEXT)))
    assert [region.offset for region in found.regions if region.kind is PartKind.OVERLAY] == [len(whole)]
    assert codes(found) == ["data-behind"]
    assert "hidden" in {region.name for region in members(found)}


def test_endless_headers_end() -> None:
    """Headers of members without bytes are read as far as their ceiling."""
    block = archive(("a", b""))[:512]
    found = read_tar(block * 9000)
    assert [fault.code for fault in found.faults] == ["too-many-members"]
    assert len(found.members) == 8192


def test_every_truncation_is_read() -> None:
    """Wherever an archive is cut, every member lies inside and is the beginning of what was there."""
    data = archive(("a", TEXT), ("b" * 120, TEXT))
    for length in range(0, len(data), 37):
        for region in members(survey(data[:length])):
            assert TEXT.startswith(data[:length][region.offset : region.offset + region.length])
