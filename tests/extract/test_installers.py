"""NSIS installers as makensis lays them out, solid and not; what lies; and the installers that are recognised only."""

from __future__ import annotations

import lzma
import random
import struct
import zlib
from collections.abc import Callable, Sequence

import pytest

from sampler.errors import NotDerivable
from sampler.extract import Extraction, derive, find_regions
from sampler.limits import UNPACK_MEMBER_MAX_BYTES
from sampler.model import ContentKind, PartKind, Region
from sampler.runtime.places import shipped

TEXT = b"a harmless line\n" * 200
NOISE = random.Random(3).randbytes(5000)
MARK = b"\xef\xbe\xad\xdeNullsoftInst"

Press = Callable[[bytes], bytes]


def press_lzma(content: bytes, *, filters: Sequence[dict[str, int]] = ()) -> bytes:
    """As NSIS has it: five bytes of properties, a stream with an end mark."""
    alone = lzma.compress(
        content, lzma.FORMAT_ALONE, filters=[*filters, {"id": lzma.FILTER_LZMA1, "dict_size": 1 << 23}]
    )
    return alone[:5] + alone[13:]


def press_filtered(content: bytes) -> bytes:
    """Behind the x86 filter, whose use a first byte tells."""
    raw = lzma.compress(content, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2}])
    plain = lzma.decompress(raw, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2}])
    return b"\1" + press_lzma(plain)


def press_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=-15)
    return packer.compress(content) + packer.flush()


PRESSES: dict[str, Press] = {"lzma": press_lzma, "x86 and lzma": press_filtered, "deflate": press_deflate}
EVERY = pytest.mark.parametrize("press", PRESSES.values(), ids=PRESSES)


def header_of(names: Sequence[tuple[str, int]]) -> bytes:
    """An installer's own header: tables, one instruction a file, texts in UTF-16."""
    texts, places = b"\0\0", []
    for name, _ in names:
        places.append(len(texts) // 2)
        texts += name.encode("utf-16-le") + b"\0\0"
    instructions = b"".join(
        struct.pack("<7I", 20, 0, place, block, 0, 0, 0) for place, (_, block) in zip(places, names, strict=True)
    )
    start = 4 + 64
    tables = [(0, 0), (0, 0), (start, len(names)), (start + len(instructions), 0), *[(0, 0)] * 4]
    return struct.pack("<I", 0) + b"".join(struct.pack("<2I", *row) for row in tables) + instructions + texts


def installer(files: dict[str, bytes], press: Press, *, solid: bool, first: bytes | None = None) -> bytes:
    """The overlay of an installer with these files."""
    packed = [content if solid else press(content) for content in files.values()]
    flag = 0 if solid else 0x80000000
    offsets, at = [], 0
    for content in packed:
        offsets.append(at)
        at += 4 + len(content)
    header = header_of(list(zip(files, offsets, strict=True)))
    head = header if solid else press(header)
    body = b"".join(struct.pack("<I", flag | len(block)) + block for block in (head, *packed))
    body = press(body) if solid else body
    begin = struct.pack("<I16sII", 0, MARK, len(header), 28 + len(body) + 4)
    return (begin if first is None else first) + body + b"\0\0\0\0"


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.OTHER, "application/octet-stream")


def members(found: Extraction) -> list[Region]:
    return [region for region in found.regions if region.kind is PartKind.MEMBER]


def codes(found: Extraction) -> list[str]:
    return [problem.code for problem in found.problems]


@EVERY
@pytest.mark.parametrize("solid", [True, False])
def test_files_come_out_as_they_went_in(press: Press, solid: bool) -> None:
    """Their names come from the header, which is a member too."""
    files = {"a note.txt": TEXT, "noise.bin": NOISE, "$_7\\inner.txt": b"inner"}
    data = installer(files, press, solid=solid)
    found = survey(data)
    assert found.problems == ()
    made = {region.name: derive(data, region.recipe) for region in members(found)}
    assert {name: made[name.replace("\\", "/")] for name in files} == files
    assert [region.recipe for region in members(found)] == [(f"nsis:{index}",) for index in range(4)]


def test_what_makensis_wrote_is_read_from_the_program_on() -> None:
    """The overlay of an installer is opened, and its header is a member of it."""
    data = (shipped("samples_fixture") / "pe/nsis-installer/nsis-installer.exe").read_bytes()
    found = survey(data)
    region = next(region for region in members(found) if region.name == "[header]")
    assert region.recipe[-1] == "nsis:0"
    assert "hello".encode("utf-16-le") in derive(data, region.recipe)


def test_archives_in_installers_are_opened() -> None:
    """A file of an installer is an object of its own."""
    inner = installer({"deep.txt": TEXT}, press_deflate, solid=False)
    data = installer({"inner.bin": inner}, press_lzma, solid=True)
    last = members(survey(data))[-1]
    assert last.name == "inner.bin/deep.txt"
    assert derive(data, last.recipe) == TEXT


def test_variables_in_names_are_shown_as_such() -> None:
    """A code before a value is no character."""
    data = installer({"\x03\x8001x.dll": TEXT}, press_lzma, solid=True)
    assert members(survey(data))[1].name == "$…01x.dll"


@pytest.mark.parametrize("solid", [True, False])
def test_the_bzip2_of_nsis_is_named(solid: bool) -> None:
    """What nothing here undoes is a problem."""
    found = survey(installer({"a": TEXT}, lambda content: b"\x31\x00" + content, solid=solid))
    assert "unsupported" in codes(found)
    assert members(found) == []


def test_a_bomb_makes_nothing() -> None:
    """A file that makes more than a member may be is named; a solid stream yields the files at its beginning."""
    files = {"a.txt": TEXT, "bomb": bytes(UNPACK_MEMBER_MAX_BYTES), "b.txt": TEXT}
    parted = survey(installer(files | {"bomb": bytes(UNPACK_MEMBER_MAX_BYTES + 1)}, press_lzma, solid=False))
    assert codes(parted) == ["too-large"]
    assert {region.name for region in members(parted)} == {"[header]", "a.txt", "b.txt"}
    solid = installer(files, press_lzma, solid=True)
    assert {region.name for region in members(survey(solid))} == {"[header]", "a.txt"}
    with pytest.raises(NotDerivable):
        derive(solid, ("nsis:2",))


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (struct.pack("<I16sII", 0, MARK, 2**31, 100), "too-large"),
        (struct.pack("<I16s", 0, MARK), "truncated"),
        (struct.pack("<I16sII", 0, MARK, 100, 0), "damaged"),
        (struct.pack("<I16sII", 0, MARK, 100, 2**32 - 1), "damaged"),
    ],
)
def test_first_headers_that_lie_are_named(first: bytes, code: str) -> None:
    """Lengths that cannot be end with a reason."""
    assert code in codes(survey(first + (b"\xff" * 40 if len(first) > 20 else b"")))


@EVERY
def test_truncations_are_read(press: Press) -> None:
    """Wherever an installer is cut, every derived part is as long as it says."""
    for solid in (True, False):
        data = installer({"a": TEXT[:100], "b": b"b"}, press, solid=solid)
        for length in range(20, len(data)):
            for region in members(survey(data[:length])):
                assert len(derive(data[:length], region.recipe)) == region.length


@pytest.mark.parametrize(
    ("head", "name"),
    [(b"idska32\x1a", "Inno Setup"), (b"zlb\x1a", "Inno Setup"), (b"ISSetupStream\0", "InstallShield")],
)
def test_installers_that_are_recognised_only_are_named(head: bytes, name: str) -> None:
    """Which program made it is said, and that its files are not opened."""
    found = survey(head + bytes(100))
    assert codes(found) == ["unsupported"]
    assert name in found.problems[0].detail


def test_settings_before_an_archive_are_passed_over() -> None:
    """A self-extracting 7z archive begins with its settings."""
    archive = b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", zlib.crc32(bytes(20))) + bytes(20)
    data = b';!@Install@!UTF-8!\nRunProgram="a.exe"\n;!@InstallEnd@!' + archive
    found = survey(data)
    assert Region(PartKind.OVERLAY, "", len(data) - 32, 32) in found.regions
    assert found.problems == ()


@pytest.mark.parametrize("argument", ["", "9", "-1", "²", "0:1", "999999"])
def test_a_step_that_does_not_apply_makes_nothing(argument: str) -> None:
    """An index that is none makes nothing."""
    for data in (installer({"a": TEXT}, press_lzma, solid=True), b"none", MARK):
        with pytest.raises(NotDerivable):
            derive(data, (f"nsis:{argument}",))
