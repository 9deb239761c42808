from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.errors import NotDerivable
from sampler.extract.compressed_streams import NotUnpacked
from sampler.extract.ole_file import ENTRIES_MAX_COUNT, MAGIC, CompoundFile, NotCompound, read_stream
from sampler.limits import MIB
from sampler.runtime.places import shipped

Import = Callable[[str], Any]
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def streams_of(file: CompoundFile) -> dict[tuple[str, ...], bytes]:
    return {entry.path: file.read(entry, MIB * 16).content for entry in file.entries if entry.is_stream}


def streams_by_olefile(olefile: Any, data: bytes) -> dict[tuple[str, ...], bytes]:
    with olefile.OleFileIO(io.BytesIO(data)) as opened:
        return {tuple(path): opened.openstream(path).read() for path in opened.listdir()}


@pytest.fixture(scope="session")
def build(maker: Import) -> Callable[..., bytes]:
    """Builds a compound file of one storage with these streams, and these beside it."""
    ole = maker("ole")

    def built(inner: dict[str, bytes], outer: dict[str, bytes] | None = None) -> bytes:
        storage = ole.Storage("Inner", streams=tuple(ole.Stream(*item) for item in inner.items()))
        made: bytes = ole.compound_file((storage,), tuple(ole.Stream(*item) for item in (outer or {}).items()))
        return made

    return built


def entry_place(data: bytes, sid: int) -> int:
    """Where an entry of the directory lies in a file of the maker, which puts the directory behind the FAT."""
    return 1024 + 128 * sid


def patched(data: bytes, place: int, raw: bytes) -> bytes:
    return data[:place] + raw + data[place + len(raw) :]


def large(sectors: int) -> bytes:
    """A file of one stream, so long that its FAT takes more sectors than the header has room for (2.5)."""
    fat_count = -(-(sectors + 400) // 128)
    difat_count = max(0, -(-(fat_count - 109) // 127))
    first = fat_count + difat_count + 1
    numbers = [*[FAT] * fat_count, *[0xFFFFFFFC] * difat_count, END]
    numbers += [*range(first + 1, first + sectors), END]
    numbers += [FREE] * (fat_count * 128 - len(numbers))
    places = list(range(fat_count))
    head = MAGIC + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<9I", 0, fat_count, fat_count + difat_count, 0, 4096, END, 0, fat_count, difat_count)
    head += struct.pack("<109I", *(places[:109] + [FREE] * (109 - len(places[:109]))))
    difat = b""
    for index in range(difat_count):
        row = places[109 + 127 * index : 109 + 127 * (index + 1)]
        following = fat_count + index + 1 if index + 1 < difat_count else END
        difat += struct.pack("<128I", *row, *[FREE] * (127 - len(row)), following)
    names = ["Root Entry".encode("utf-16-le"), "Large".encode("utf-16-le")]
    root = names[0].ljust(64, b"\0") + struct.pack("<HBBIII36xIQ", 22, 5, 1, FREE, FREE, 1, END, 0)
    stream = names[1].ljust(64, b"\0") + struct.pack("<HBBIII36xIQ", 12, 2, 1, FREE, FREE, FREE, first, sectors * 512)
    directory = root + stream + bytes(256)
    content = b"".join(struct.pack("<I", number) * 128 for number in range(sectors))
    return head + struct.pack(f"<{len(numbers)}I", *numbers) + difat + directory + content


def test_streams_are_those_that_olefile_finds(build: Callable[..., bytes], oracle: Import) -> None:
    """Names, sizes and bytes agree for small streams, large ones, and streams on the edges between."""
    contents = {f"s{size}": bytes(index % 251 for index in range(size)) for size in (1, 63, 64, 65, 4095, 4096, 9000)}
    data = build(contents, {"outer": b"x" * 5000, "\x01CompObj": b"y"})
    assert streams_of(CompoundFile(data)) == streams_by_olefile(oracle("olefile"), data)
    assert len(streams_of(CompoundFile(data))) == 9


def test_a_real_document_is_read_as_olefile_reads_it(oracle: Import) -> None:
    """A document that Word wrote has the same streams with the same bytes, and the same root class."""
    data = (shipped("samples_fixture") / "ole/plain/plain.doc").read_bytes()
    file = CompoundFile(data)
    assert streams_of(file) == streams_by_olefile(oracle("olefile"), data)
    assert file.end == len(data)


def test_a_fat_beyond_the_header_is_read_as_olefile_reads_it(oracle: Import) -> None:
    """A file of more than 7 MB names its table's sectors in a chain of sectors of their own."""
    data = large(30_000)
    [(path, content)] = streams_of(CompoundFile(data)).items()
    assert path == ("Large",)
    assert content == streams_by_olefile(oracle("olefile"), data)[path]
    assert len(content) == 30_000 * 512


def test_sectors_of_4096_bytes_are_read_as_olefile_reads_them(oracle: Import) -> None:
    """Version 4 differs in the length of its sectors and of its header."""
    numbers = [FAT, END, 3, END]
    head = MAGIC + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 4, 0xFFFE, 12, 6)
    head += struct.pack("<9I", 1, 1, 1, 0, 4096, END, 0, END, 0) + struct.pack("<109I", 0, *[FREE] * 108)
    root = "Root Entry".encode("utf-16-le").ljust(64, b"\0")
    root += struct.pack("<HBBIII36xIQ", 22, 5, 1, FREE, FREE, 1, END, 0)
    stream = "S".encode("utf-16-le").ljust(64, b"\0") + struct.pack("<HBBIII36xIQ", 4, 2, 1, FREE, FREE, FREE, 2, 5000)
    data = head.ljust(4096, b"\0") + struct.pack("<1024I", *numbers, *[FREE] * 1020)
    data += (root + stream).ljust(4096, b"\0") + bytes(range(256)) * 32
    assert streams_of(CompoundFile(data)) == streams_by_olefile(oracle("olefile"), data)
    assert CompoundFile(data).end == len(data)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text("abcdefgh", min_size=1, max_size=8), st.binary(max_size=6000), min_size=1, max_size=5
    )
)  # fmt: skip
def test_any_streams_come_out_as_they_went_in(
    build: Callable[..., bytes], oracle: Import, contents: dict[str, bytes]
) -> None:
    """Whatever is written is read, by us and by olefile."""
    data = build(contents)
    found = {path[-1]: content for path, content in streams_of(CompoundFile(data)).items()}
    assert found == contents
    assert {path[-1]: raw for path, raw in streams_by_olefile(oracle("olefile"), data).items()} == contents


def test_each_step_names_one_stream(build: Callable[..., bytes]) -> None:
    """``ole:SID`` makes the bytes that were read, and nothing else can be named by it."""
    data = build({"a": b"first"}, {"b": b"second"})
    for entry in CompoundFile(data).entries:
        if entry.is_stream:
            assert read_stream(data, str(entry.sid), MIB) == CompoundFile(data).read(entry, MIB).content
    for argument in ("0", "2", "99", "-1", "٣", "", "1+0", "9" * 30):
        with pytest.raises(NotDerivable):
            read_stream(data, argument, MIB)
    with pytest.raises(NotDerivable, match="at most 1 are read"):
        read_stream(data, "1", 1)


@pytest.mark.parametrize(
    "data",
    [b"", MAGIC, MAGIC + bytes(504), MAGIC + bytes(22) + struct.pack("<H", 40) + bytes(600), b"PK\x03\x04" * 200],
    ids=["empty", "magic", "zeros", "shift", "zip"],
)
def test_what_is_no_compound_file_is_refused(data: bytes) -> None:
    """A header that makes no sense is one error and no other."""
    with pytest.raises(NotCompound):
        CompoundFile(data)


def test_a_chain_that_loops_ends(build: Callable[..., bytes]) -> None:
    """A table in which every sector leads to itself yields no more than a stream claims."""
    data = build({"a": b"x" * 9000})
    looped = patched(data, 512, struct.pack("<128I", *range(128)))
    for content in streams_of(CompoundFile(looped)).values():
        assert len(content) <= 9000


def test_siblings_that_lead_to_each_other_are_visited_once(build: Callable[..., bytes]) -> None:
    """A tree whose links go round has each entry once."""
    data = build({"a": b"1", "b": b"2", "c": b"3"})
    for sid in range(4):
        links = struct.pack("<III", 1, 2, 1)
        data = patched(data, entry_place(data, sid) + 68, links)
    file = CompoundFile(data)
    assert len(file.entries) == 8
    assert {entry.sid for entry in file.entries if entry.is_linked} <= {1, 2, 3, 4}


def test_a_claim_beyond_the_file_is_named_and_not_read(build: Callable[..., bytes]) -> None:
    """A stream of 4 GiB in a file of some kilobytes costs nothing."""
    data = build({"a": b"x" * 9000})
    file = CompoundFile(patched(data, entry_place(data, 2) + 120, struct.pack("<Q", 0xFFFFFFF0)))
    with pytest.raises(NotUnpacked, match="claims 4294967280"):
        file.read(file.entries[2], MIB)


def test_what_is_cut_off_is_said(build: Callable[..., bytes]) -> None:
    """A stream whose last sectors are missing yields those that are there."""
    data = build({"a": b"x" * 9000})
    file = CompoundFile(data[:-1024])
    made = file.read(file.entries[2], MIB)
    assert made.fault is not None
    assert made.fault.code == "truncated"
    assert 0 < len(made.content) < 9000


@pytest.mark.usefixtures("ends_in_moments")
def test_an_absurd_directory_costs_bounded_work() -> None:
    """A directory that leads through all of a large file is read up to its ceiling, in bounded time."""
    sectors = 12_000
    fat_count = 94
    head = MAGIC + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<9I", 0, fat_count, 100, 0, 4096, 0, 0xFFFF, 0, 0xFFFF)
    head += struct.pack("<109I", *range(fat_count), *[FREE] * 15)
    table = struct.pack(f"<{fat_count * 128}I", *range(1, fat_count * 128 + 1))
    entry = "A".encode("utf-16-le").ljust(64, b"\0") + struct.pack("<HBBIII36xIQ", 4, 2, 1, 7, 8, 9, 0, 4095)
    data = head + table + entry * 4 * (sectors - fat_count)
    file = CompoundFile(data)
    assert len(file.entries) == ENTRIES_MAX_COUNT
    for sid in range(100):
        assert len(file.read(file.entries[sid], MIB).content) <= 4095


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_does_more_than_lose_something(build: Callable[..., bytes], data: st.DataObject) -> None:
    """Bytes overwritten anywhere cost streams, and raise nothing but what is documented."""
    content = bytearray(build({"a": b"x" * 5000, "b": b"y" * 100}, {"c": b"z"}))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, 1024 + 1024))
        content[place : place + 4] = data.draw(st.binary(min_size=4, max_size=4))
    try:
        file = CompoundFile(bytes(content))
    except NotCompound:
        return
    for entry in file.entries:
        if entry.size <= len(content):
            assert len(file.read(entry, MIB).content) <= entry.size
    assert 0 <= file.end <= len(content)
