"""Ownership by rpm, over headers that are made here; ``tests/storage/test_rpm_records.py`` has the database."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.describe import DebianOwnership, Digests, RpmOwnership, ownership_here
from sampler.describe.rpm_header import ARCH, BASENAMES, NAME, RpmHeader
from sampler.model import Field, value_of

INT32, STRING, STRINGS = 4, 6, 8


def header(values: Mapping[int, str | tuple[str, ...] | tuple[int, ...]]) -> bytes:
    """As rpm writes one: big-endian, integers aligned to four bytes."""
    index, store = b"", b""
    for tag, value in values.items():
        items = value if isinstance(value, tuple) else (value,)
        if isinstance(items[0], int):
            kind, data = INT32, struct.pack(f">{len(items)}I", *items)
            store += bytes(-len(store) % 4)
        else:
            kind = STRING if isinstance(value, str) else STRINGS
            data = b"".join(str(item).encode() + b"\0" for item in items)
        index += struct.pack(">IIII", tag, kind, len(store), len(items))
        store += data
    return struct.pack(">II", len(values), len(store)) + index + store


def package(arch: str, contents: Mapping[str, bytes], *, algorithm: int | None = 8, epoch: int | None = None) -> bytes:
    folders = tuple(dict.fromkeys(path.rpartition("/")[0] + "/" for path in contents))
    digest = hashlib.sha256 if algorithm == 8 else hashlib.md5
    values: dict[int, str | tuple[str, ...] | tuple[int, ...]] = {
        1000: "coreutils", 1001: "9.1", 1002: "3.fc40", 1022: arch,
        1035: tuple(digest(content).hexdigest() if content else "" for content in contents.values()),
        1116: tuple(folders.index(path.rpartition("/")[0] + "/") for path in contents),
        1117: tuple(path.rpartition("/")[2] for path in contents),
        1118: folders,
    }  # fmt: skip
    if algorithm is not None:
        values[5011] = (algorithm,)
    if epoch is not None:
        values[1003] = (epoch,)
    return header(values)


class Records:
    """What a database answers: every package with a file of that name, in whatever folder."""

    def __init__(self, *blobs: bytes) -> None:
        self.blobs = blobs

    def present(self) -> bool:
        return True

    def installed(self, folder: bytes, basename: bytes) -> list[tuple[bytes, int]]:
        places = ((blob, place) for blob in self.blobs for place in range(8))
        return [(blob, place) for blob, place in places if RpmHeader(blob).text(BASENAMES, place) == basename]


def of(content: bytes) -> Digests:
    return Digests(hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest())


def trust(fields: tuple[Field, ...]) -> object:
    return value_of(fields, "sampler.file.trust")


CONTENTS = {"/usr/bin/ls": b"ls", "/usr/bin/cat": b"cat", "/usr/share/doc/ls": b"text", "/usr/bin/ghost": b""}


@pytest.mark.parametrize("algorithm", [8, 1, None])
def test_a_packages_file_is_known(algorithm: int | None, tmp_path: Path) -> None:
    """Package, version with epoch and release, and whether the file still is as the package brought it."""
    ownership = RpmOwnership(Records(package("x86_64", CONTENTS, algorithm=algorithm, epoch=2)), str(tmp_path))
    assert ownership.fields(b"/usr/bin/ls", of(b"ls")) == (
        Field("package.name", "coreutils"),
        Field("package.version", "2:9.1-3.fc40"),
        Field("package.architecture", "x86_64"),
        Field("package.type", "rpm"),
        Field("sampler.file.trust", "packaged-unmodified"),
    )
    assert trust(ownership.fields(b"/usr/bin/cat", of(b"ls"))) == "packaged-modified"
    assert trust(ownership.fields(b"/usr/share/doc/ls", of(b"text"))) == "packaged-unmodified"
    assert trust(ownership.fields(b"/usr/bin/ghost", of(b"anything"))) == "unknown"


@pytest.mark.parametrize("path", [b"/bin/cat", b"/usr/share/doc/cat", b"/usr/bin/tac", b"/cat"])
def test_a_name_in_another_folder_is_another_file(path: bytes, tmp_path: Path) -> None:
    """Only the path that the package names is its file."""
    ownership = RpmOwnership(Records(package("x86_64", CONTENTS)), str(tmp_path))
    assert ownership.fields(path, of(b"cat")) == (Field("sampler.file.trust", "unpackaged"),)


def test_packages_of_a_merged_system_may_name_either_folder(tmp_path: Path) -> None:
    """Where ``/bin`` is a link, a package's ``/bin/ls`` is the file ``/usr/bin/ls``."""
    (tmp_path / "bin").symlink_to("usr/bin")
    ownership = RpmOwnership(Records(package("noarch", {"/bin/ls": b"ls"})), str(tmp_path))
    assert trust(ownership.fields(b"/usr/bin/ls", of(b"ls"))) == "packaged-unmodified"


def test_of_several_owners_the_one_whose_file_it_is(tmp_path: Path) -> None:
    """Packages of two architectures share paths; the file is one's."""
    records = Records(package("i686", {"/usr/bin/ls": b"32"}), package("x86_64", {"/usr/bin/ls": b"64"}))
    fields = RpmOwnership(records, str(tmp_path)).fields(b"/usr/bin/ls", of(b"64"))
    assert (value_of(fields, "package.architecture"), trust(fields)) == ("x86_64", "packaged-unmodified")


@pytest.mark.parametrize("path", [b"usr/bin/ls", b"/usr/../usr/bin/ls", b"/usr//bin/ls", b"/" + b"a" * 5000])
def test_of_a_path_that_is_not_plain_nothing_is_known(path: bytes, tmp_path: Path) -> None:
    """A path that could be another's is not looked up."""
    assert trust(RpmOwnership(Records(), str(tmp_path)).fields(path, of(b""))) == "unknown"


def test_an_algorithm_that_is_not_known_proves_nothing(tmp_path: Path) -> None:
    """SHA-512 (10) is not computed here."""
    ownership = RpmOwnership(Records(package("noarch", {"/a/b": b"c"}, algorithm=10)), str(tmp_path))
    assert trust(ownership.fields(b"/a/b", of(b"c"))) == "unknown"


def test_dpkg_is_asked_where_it_has_records(tmp_path: Path) -> None:
    """A Debian machine on which somebody made an rpm database stays one of Debian's."""
    assert isinstance(ownership_here(Records(), str(tmp_path)), RpmOwnership)
    (tmp_path / "var/lib/dpkg/info").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text("")
    assert isinstance(ownership_here(Records(), str(tmp_path)), DebianOwnership)


@given(st.binary(max_size=200), st.integers(0, 300), st.integers(0, 255), st.integers(0, 1 << 32))
def test_damaged_headers_say_nothing_wrong(noise: bytes, place: int, value: int, index: int) -> None:
    """Whatever a damaged header holds, asking it never raises, and never reads beyond it."""
    damaged = bytearray(package("noarch", CONTENTS))
    damaged[place % len(damaged)] = value
    for blob in (noise, bytes(damaged), struct.pack(">II", 1 << 30, 1 << 30) + noise):
        read = RpmHeader(blob)
        for tag in (NAME, ARCH, BASENAMES, 1116):
            text, number = read.text(tag, index), read.number(tag, index)
            assert text is None or text in blob
            assert number is None or struct.pack(">I", number) in blob
