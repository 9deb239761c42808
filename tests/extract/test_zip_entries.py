"""ZIP files as zipfile reads them, and as nobody should write them."""

from __future__ import annotations

import ensurepip
import io
import random
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
import pyzipper

import sampler
from sampler.errors import NotDerivable
from sampler.extract.compressed_streams import NotUnpacked
from sampler.extract.zip_directory import ENTRIES_MAX_COUNT
from sampler.extract.zip_entries import entries, read_zip, unpack, unpack_noting, unpack_step
from sampler.limits import MIB

TEXT = b"a harmless line\n" * 500


def archive(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A sound archive, as zipfile writes it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as writer:
        for name, content in members:
            writer.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, method)
    return made.getvalue()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Real archives: the wheels that Python brings, where it does, and one of this project's own files."""
    own = tmp_path_factory.mktemp("wheels") / "own.whl"
    with zipfile.ZipFile(own, "w", zipfile.ZIP_DEFLATED) as writer:
        for path in sorted(Path(sampler.__file__).parent.rglob("*.py")):
            writer.write(path)
    return [own, *sorted((Path(ensurepip.__file__).parent / "_bundled").glob("*.whl"))]


def encrypted_old(name: str, content: bytes, password: bytes) -> bytes:
    """One stored member under the old encryption, written with zipfile's own decrypter run backwards."""
    crc = zlib.crc32(content)
    plain = bytes(11) + bytes([crc >> 24]) + content
    packed = bytearray()
    keys = [0x12345678, 0x23456789, 0x34567890]
    table = [zlib.crc32(bytes([value]), 0xFFFFFFFF) ^ 0xFFFFFFFF for value in range(256)]

    def stir(byte: int) -> None:
        keys[0] = (keys[0] >> 8) ^ table[(keys[0] ^ byte) & 0xFF]
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = (keys[2] >> 8) ^ table[(keys[2] ^ (keys[1] >> 24)) & 0xFF]

    for byte in password:
        stir(byte)
    for byte in plain:
        mask = keys[2] | 2
        packed.append(byte ^ ((mask * (mask ^ 1)) >> 8 & 0xFF))
        stir(byte)
    data = bytearray(archive((name, b"\0" * len(packed)), method=zipfile.ZIP_STORED))
    central = data.rfind(b"PK\x01\x02")
    start = 30 + len(name)
    data[start : start + len(packed)] = packed
    for at, flags_at in ((14, 6), (central + 16, central + 8)):
        struct.pack_into("<III", data, at, crc, len(packed), len(content))
        struct.pack_into("<H", data, flags_at, 1)
    return bytes(data)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_are_those_of_zipfile(method: int) -> None:
    """Names, sizes, checksums and bytes are what zipfile says, whatever the method."""
    noise = random.Random(7).randbytes(70_000)
    data = archive(("a.txt", TEXT), ("folder/", b""), ("b/ü.bin", noise), ("empty", b""), method=method)
    with zipfile.ZipFile(io.BytesIO(data)) as reader:
        told = [(info.filename, info.file_size, info.compress_size, info.CRC) for info in reader.infolist()]
        contents = [reader.read(info) for info in reader.infolist()]
    found = entries(data)
    assert [(entry.name, entry.size, entry.packed_size, entry.crc) for entry in found] == told
    assert [unpack(data, entry, MIB) for entry in found] == contents
    assert read_zip(data).faults == ()


def test_wheels_are_read_as_zipfile_reads_them(wheels: list[Path]) -> None:
    """On real archives nothing differs from zipfile, and nothing is wrong."""
    for path in wheels:
        data = path.read_bytes()
        with zipfile.ZipFile(path) as reader:
            infos = reader.infolist()
            archive_read = read_zip(data)
            assert [entry.raw_name.decode() for entry in archive_read.entries] == [info.filename for info in infos]
            assert archive_read.faults == ()
            for entry, info in zip(archive_read.entries, infos, strict=True):
                made = unpack_noting(data, entry, 32 * MIB)
                assert made.fault is None
                assert made.content == reader.read(info)


def test_members_without_a_directory_are_found_by_their_own_headers() -> None:
    """A cut archive has the members that are whole, and the one that is cut as far as it goes."""
    data = archive(("a.txt", TEXT), ("b.txt", TEXT))
    cut = data[: data.index(b"PK\x01\x02") - 5]
    found = read_zip(cut)
    assert [fault.code for fault in found.faults] == ["no-directory"]
    first, second = (unpack_noting(cut, entry, MIB) for entry in found.entries)
    assert (first.content, first.fault) == (TEXT, None)
    assert second.fault is not None
    assert second.fault.code == "truncated"
    assert TEXT.startswith(second.content)


def test_a_stream_without_sizes_is_found_without_a_directory() -> None:
    """Sizes that stand behind a member are found by the mark of what comes next."""
    made = io.BytesIO()

    class Pipe(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, block: object) -> int:
            assert isinstance(block, bytes | bytearray | memoryview)
            return made.write(block)

    with zipfile.ZipFile(Pipe(), "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("a.txt", TEXT)
        writer.writestr("b.txt", TEXT)
    data = made.getvalue()
    cut = data[: data.index(b"PK\x01\x02")]
    assert [unpack(cut, entry, MIB) for entry in entries(cut)] == [TEXT, TEXT]
    assert [unpack(data, entry, MIB) for entry in entries(data)] == [TEXT, TEXT]


def test_what_stands_before_and_behind_moves_the_offsets() -> None:
    """An archive inside something else is read as it would be alone."""
    data = b"before" * 9 + archive(("a.txt", TEXT)) + b"behind"
    found = read_zip(data)
    assert (found.start, found.end, found.faults) == (54, len(data) - 6, ())
    assert unpack(data, found.entries[0], MIB) == TEXT


def test_wide_archives() -> None:
    """ZIP64 sizes, offsets and end records are followed."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as writer, writer.open("a.txt", "w", force_zip64=True) as member:
        member.write(TEXT)
    plain = made.getvalue()
    at, end = plain.index(b"PK\x01\x02"), plain.index(b"PK\x05\x06")
    entry = bytearray(plain[at:end])
    struct.pack_into("<II", entry, 20, 0xFFFFFFFF, 0xFFFFFFFF)
    struct.pack_into("<H", entry, 30, 20)
    entry += struct.pack("<HHQQ", 1, 16, len(TEXT), len(TEXT))
    wide = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(entry), at)
    wide += struct.pack("<4sIQI", b"PK\x06\x07", 0, at + len(entry), 1)
    data = (
        plain[:at]
        + bytes(entry)
        + wide
        + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, *(65535,) * 2, *(2**32 - 1,) * 2, 0)
    )
    with zipfile.ZipFile(io.BytesIO(data)) as reader:
        assert reader.read("a.txt") == TEXT
    assert [unpack(data, entry, MIB) for entry in entries(data)] == [TEXT]
    assert read_zip(data).faults == ()


@pytest.mark.parametrize("password", ["infected", "malware"])
def test_the_old_encryption_is_undone(password: str) -> None:
    """With the right password a member is what zipfile makes of it; with another one, or none, it says so."""
    data = encrypted_old("a.exe", TEXT, password.encode())
    with zipfile.ZipFile(io.BytesIO(data)) as reader:
        assert reader.read("a.exe", password.encode()) == TEXT
    entry = entries(data)[0]
    assert entry.is_encrypted
    assert unpack(data, entry, MIB, password) == TEXT
    assert unpack_step(data, f"0:{password}", MIB) == TEXT
    for other in ("other", "x", None):
        with pytest.raises(NotUnpacked) as caught:
            unpack(data, entry, MIB, other)
        assert caught.value.code == "encrypted"


@pytest.mark.parametrize("bits", [128, 192, 256])
@pytest.mark.parametrize(
    "content", [TEXT, b"short", random.Random(3).randbytes(200_000)], ids=["text", "short", "long"]
)
def test_aes_is_undone(bits: int, content: bytes) -> None:
    """Members that pyzipper encrypts come out again."""
    made = io.BytesIO()
    with pyzipper.AESZipFile(made, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as writer:
        writer.setencryption(pyzipper.WZ_AES, nbits=bits)
        writer.setpassword(b"infected")
        writer.writestr("a.bin", content)
    data = made.getvalue()
    entry = entries(data)[0]
    assert unpack(data, entry, MIB, "infected") == content
    for other in ("malware", None):
        with pytest.raises(NotUnpacked) as caught:
            unpack(data, entry, MIB, other)
        assert caught.value.code == "encrypted"


def test_a_wrong_checksum_and_a_wrong_size_are_said_and_cost_nothing() -> None:
    """The member is taken all the same."""
    data = bytearray(archive(("a.txt", TEXT)))
    at = data.index(b"PK\x01\x02")
    data[at + 16] ^= 1
    made = unpack_noting(bytes(data), entries(bytes(data))[0], MIB)
    assert made.content == TEXT
    assert made.fault is not None
    assert made.fault.code == "checksum"
    data[at + 16] ^= 1
    data[at + 24] ^= 1
    made = unpack_noting(bytes(data), entries(bytes(data))[0], MIB)
    assert made.fault is not None
    assert made.fault.code == "size"


def test_more_than_the_ceiling_is_nothing() -> None:
    """A member of exactly the ceiling is unpacked, one of a byte more is not, whatever its header claims."""
    data = archive(("a.txt", TEXT))
    entry = entries(data)[0]
    assert unpack(data, entry, len(TEXT)) == TEXT
    with pytest.raises(NotUnpacked) as caught:
        unpack(data, entry, len(TEXT) - 1)
    assert caught.value.code == "too-large"


def test_headers_that_disagree_are_named() -> None:
    """What the local header says otherwise is a fault of the entry; the directory is believed."""
    data = bytearray(archive(("a.txt", TEXT)))
    data[30:35] = b"b.exe"
    data[8] = 12
    entry = entries(bytes(data))[0]
    assert {fault.code for fault in entry.faults} == {"headers-disagree"}
    assert [fault.detail for fault in entry.faults] == [
        "the name 'b.exe' in the local header",
        "method 12 instead of 8 in the local header",
    ]
    assert unpack(bytes(data), entry, MIB) == TEXT


def test_a_method_that_nobody_has_gives_way_to_the_local_one() -> None:
    """Readers that ignore the directory's method would unpack it, so it is unpacked."""
    data = bytearray(archive(("a.txt", TEXT)))
    data[data.index(b"PK\x01\x02") + 10] = 77
    assert unpack(bytes(data), entries(bytes(data))[0], MIB) == TEXT


def test_members_that_the_directory_hides_are_found() -> None:
    """A member between two others that the directory does not name is an entry behind the named ones."""
    data = archive(("a.txt", TEXT), ("hidden.exe", TEXT), ("c.txt", TEXT))
    at = data.index(b"PK\x01\x02")
    rows = data[at : data.index(b"PK\x05\x06")].split(b"PK\x01\x02")[1:]
    directory = b"".join(b"PK\x01\x02" + row for row in (rows[0], rows[2]))
    hiding = data[:at] + directory + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 2, 2, len(directory), at, 0)
    found = read_zip(hiding)
    assert [entry.name for entry in found.entries] == ["a.txt", "c.txt", "hidden.exe"]
    assert [fault.code for fault in found.faults] == ["hidden-members"]
    assert unpack_step(hiding, "2", MIB) == TEXT


@pytest.mark.parametrize(
    ("names", "codes"),
    [
        (["../x"], ["name-outside"]),
        (["a/../../x"], ["name-outside"]),
        (["..\\x"], ["name-outside"]),
        (["/etc/passwd"], ["name-outside"]),
        (["C:\\x"], ["name-outside"]),
        (["a..b", "...", "a/..b"], []),
        (["same", "same"], ["name-twice"]),
        (["a.txt\0.exe"], ["name-with-nul"]),
    ],
)
def test_hostile_names_are_said(names: list[str], codes: list[str]) -> None:
    """Names that lead out, end early or come twice are faults of the archive."""
    raw = archive(*((name.replace("\0", "Q"), b"x") for name in dict.fromkeys(names)), method=0).replace(b"Q", b"\0")
    if len(names) != len(set(names)):
        raw = archive(("same", b"x"), ("sama", b"x"), method=0).replace(b"sama", b"same")
    assert [fault.code for fault in read_zip(raw).faults] == codes


def test_overlapping_members_are_said() -> None:
    """Several rows of the directory that lead to the same bytes are named once, with their number."""
    data = archive(("a.txt", TEXT))
    at, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    rows = data[at:end] * 50
    bomb = data[:at] + rows + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 50, 50, len(rows), at, 0)
    found = read_zip(bomb)
    assert len(found.entries) == 50
    assert {fault.code for fault in found.faults} == {"overlapping-members", "name-twice"}


def test_only_so_many_members_are_read() -> None:
    """65,535 rows are read as far as the ceiling, and it is said."""
    row = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", *(0,) * 16)
    rows = row * 65_535
    found = read_zip(rows + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 65_535, 65_535, len(rows), 0, 0))
    assert len(found.entries) == ENTRIES_MAX_COUNT
    assert "too-many-members" in {fault.code for fault in found.faults}


def test_every_truncation_is_read() -> None:
    """Wherever an archive is cut, reading ends, and what comes out is the beginning of what was there."""
    data = archive(("a.txt", TEXT), ("b.txt", b"plain"), method=zipfile.ZIP_DEFLATED)
    for length in range(len(data)):
        cut = data[:length]
        for entry in entries(cut):
            try:
                made = unpack(cut, entry, MIB)
            except NotUnpacked:
                continue
            assert TEXT.startswith(made) or b"plain".startswith(made) or length < 80


@pytest.mark.parametrize(
    "argument", ["", "0:", "1", "x", "-1", "²", "0:a b", "0:" + "p" * 50, "9999999", "0:infected:x"]
)
def test_a_step_that_does_not_apply_makes_nothing(argument: str) -> None:
    """An index that is none, or one that leads to no member, makes nothing."""
    with pytest.raises(NotDerivable):
        unpack_step(archive(("a.txt", TEXT)), argument, MIB)


def test_a_step_finds_what_the_survey_named() -> None:
    """Whatever is read to find one member, it is the one that the list of all of them has at that place."""
    data = archive(*((f"{number}.txt", b"%d" % number) for number in range(60)))
    hiding = data.replace(b"7.txtPK\x01\x02", b"7.txtPK\x01\x03")
    for whole in (data, hiding, data[: data.index(b"PK\x01\x02")]):
        for entry in entries(whole):
            assert unpack_step(whole, str(entry.index), MIB) == unpack(whole, entry, MIB)
