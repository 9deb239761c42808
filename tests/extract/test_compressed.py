"""Single compressed streams, sound and broken, against the libraries that wrote them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
from collections.abc import Callable

import pytest
import zstandard

from sampler.errors import NotDerivable
from sampler.extract import Extraction, derive, find_regions
from sampler.limits import MIB, UNPACK_MEMBER_MAX_BYTES
from sampler.model import ContentKind, PartKind, Region

TEXT = b"a harmless line\n" * 500 + random.Random(5).randbytes(100_000)

Press = Callable[[bytes], bytes]
PRESSES: dict[str, Press] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
}
EVERY = pytest.mark.parametrize("name", PRESSES)


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.ARCHIVE, "application/octet-stream")


def members(found: Extraction) -> list[Region]:
    return [region for region in found.regions if region.kind is PartKind.MEMBER]


def codes(found: Extraction) -> list[str]:
    return [problem.code for problem in found.problems]


@EVERY
def test_what_went_in_comes_out(name: str) -> None:
    """The only member is what was compressed, and its recipe makes it again."""
    data = PRESSES[name](TEXT)
    found = survey(data)
    assert members(found) == [Region(PartKind.MEMBER, "", 0, len(TEXT), (f"{name}:",))]
    assert derive(data, (f"{name}:",)) == TEXT
    assert found.problems == ()
    assert {field.name: field.value for field in found.fields} == {"sampler.file.archive.format": name}


@EVERY
def test_streams_in_streams_are_opened(name: str) -> None:
    """What comes out is an object of its own."""
    press = PRESSES[name]
    data = press(press(TEXT))
    assert derive(data, (f"{name}:", f"{name}:")) == TEXT
    assert [region.recipe for region in members(survey(data))] == [(f"{name}:",), (f"{name}:", f"{name}:")]


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "zstd"])
def test_streams_one_after_the_other_are_one_member(name: str) -> None:
    """As the usual programs have it, streams that follow each other are joined; an empty one changes nothing."""
    press = PRESSES[name]
    data = press(b"one") + press(b"") + press(TEXT)
    assert derive(data, (f"{name}:",)) == b"one" + TEXT
    assert codes(survey(data)) == []


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "lzma"])
def test_what_stands_behind_is_an_overlay(name: str) -> None:
    """Other bytes behind the stream are a part of their own, and are opened."""
    sound = PRESSES[name](TEXT)
    hidden = PRESSES["gzip"](b"hidden") if name != "gzip" else PRESSES["xz"](b"hidden")
    found = survey(sound + hidden)
    assert Region(PartKind.OVERLAY, "", len(sound), len(hidden)) in found.regions
    assert codes(found) == ["data-behind"]
    assert 6 in {region.length for region in members(found)}


def test_a_gzip_header_names_its_member() -> None:
    """The name in the header is shown with what cannot be printed escaped."""
    made = io.BytesIO()
    with gzip.GzipFile("re\x1bport.doc", "wb", fileobj=made, mtime=0) as writer:
        writer.write(TEXT)
    assert [region.name for region in members(survey(made.getvalue()))] == ["re\\x1bport.doc"]


@EVERY
def test_a_cut_stream_yields_what_came_out(name: str) -> None:
    """Wherever a stream is cut, what comes out is the beginning of what went in, and the cut is said."""
    whole = PRESSES[name](TEXT)
    for length in [*range(60), *range(60, len(whole) - 1, 7919)]:
        found = survey(whole[:length])
        for region in members(found):
            made = derive(whole[:length], region.recipe)
            assert TEXT.startswith(made)
            assert len(made) == region.length
            assert codes(found) == ["truncated"]


@EVERY
def test_a_damaged_stream_is_said(name: str) -> None:
    """Bytes changed in the middle end the stream there."""
    data = bytearray(PRESSES[name](TEXT))
    data[len(data) // 2 : len(data) // 2 + 50] = bytes(range(100, 150))
    found = survey(bytes(data))
    for region in members(found):
        assert len(derive(bytes(data), region.recipe)) == region.length
    if name not in {"lzma"}:  # it has no checksum
        assert "damaged" in codes(found)


@EVERY
@pytest.mark.usefixtures("ends_in_moments")
def test_a_bomb_makes_nothing_and_little_work(name: str) -> None:
    """A stream that makes more than a member may be is named."""
    data = PRESSES[name](bytes(UNPACK_MEMBER_MAX_BYTES + 1))
    found = survey(data)
    assert members(found) == []
    assert codes(found) == ["too-large"]
    with pytest.raises(NotDerivable):
        derive(data, (f"{name}:",))


def test_thousands_of_streams_are_counted() -> None:
    """A file of empty streams ends with their ceiling."""
    found = survey(gzip.compress(b"x", mtime=0) * 5000)
    assert codes(found) == ["too-many-members"]
    assert [region.length for region in members(found)] == [4096]


@pytest.mark.parametrize("data", [b"\x1f\x9d\x90abcdef", b"\x04\x22\x4d\x18" + b"x" * 40, b"LZIP\x01" + b"x" * 40])
def test_formats_that_are_not_unpacked_are_named(data: bytes) -> None:
    """What is only recognised is a problem, not silence."""
    found = survey(data)
    assert codes(found) == ["unsupported"]
    assert members(found) == []


def test_a_huge_dictionary_allocates_no_more_than_comes_out() -> None:
    """A header that asks for 4 GiB of dictionary is read with less."""
    data = bytearray(PRESSES["lzma"](TEXT))
    data[1:5] = (0xC0000000).to_bytes(4, "little")
    assert derive(bytes(data), ("lzma:",)) == TEXT


@pytest.mark.parametrize("data", [b"\x5d\0\0\x80\0" + b"\xff" * 8 + b"\0", bytes(14), b"\x5d" + bytes(30)])
def test_what_only_looks_like_lzma_is_unknown(data: bytes) -> None:
    """A header without a stream behind it adds nothing."""
    assert codes(survey(data)) == []


@EVERY
def test_a_step_takes_no_argument(name: str) -> None:
    """An argument that means nothing is refused."""
    with pytest.raises(NotDerivable):
        derive(PRESSES[name](b"x" * MIB), (f"{name}:1",))
