"""Package ownership, over records that are made here and over those of the machine that runs the tests."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from sampler.describe import DebianOwnership, Digests, Trust
from sampler.describe.dpkg import RECORD_MAX_BYTES, DpkgIndex, Stamp, read_index, read_stamp
from sampler.model import Field, value_of

LS = b"the program ls"
CONFIGURATION = b"a = 1\n"
STATUS = """Package: coreutils
Status: install ok installed
Architecture: amd64
Version: 9.1-1
Conffiles:
 /etc/ls.conf {configuration}
 /etc/old.conf 0123456789abcdef0123456789abcdef obsolete
 /etc/new.conf newconffile
Description: tools
 with a line that says Version: 7

Package: libc6
Multi-Arch: same
Architecture: amd64
Version: 2.36-9

Package: libc6
Multi-Arch: same
Architecture: i386
Version: 2.36-9

Package: wrapper
Architecture: all
Version: 1
"""


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def of(content: bytes) -> Digests:
    return Digests(md5(content), hashlib.sha256(content).hexdigest())


def put(root: Path, lists: Mapping[str, list[str]], sums: Mapping[str, dict[str, bytes]]) -> None:
    info = root / "var/lib/dpkg/info"
    for stem, paths in lists.items():
        (info / f"{stem}.list").write_text("".join(f"{path}\n" for path in ("/.", *paths)))
    for stem, contents in sums.items():
        (info / f"{stem}.md5sums").write_text("".join(f"{md5(data)}  {path}\n" for path, data in contents.items()))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A merged system with four packages, two of one library, and diversions by a package and by an administrator."""
    (tmp_path / "var/lib/dpkg/info").mkdir(parents=True)
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/lib").mkdir()
    for name in ("bin", "lib"):
        (tmp_path / name).symlink_to(f"usr/{name}")
    put(
        tmp_path,
        {
            "coreutils": ["/bin/ls", "/usr/bin/env", "/usr/bin/cat", "/etc/ls.conf", "/etc/new.conf", "/usr/bin/tac"],
            "libc6:amd64": ["/lib/x86_64-linux-gnu/libc.so.6", "/usr/share/doc/libc6/copyright"],
            "libc6:i386": ["/lib/i386-linux-gnu/libc.so.6", "/usr/share/doc/libc6/copyright"],
            "wrapper": ["/usr/bin/env"],
            "gone": ["/usr/bin/gone"],
        },
        {
            "coreutils": {"bin/ls": LS, "usr/bin/env": b"env", "usr/bin/cat": b"cat"},
            "libc6:amd64": {"lib/x86_64-linux-gnu/libc.so.6": b"64", "usr/share/doc/libc6/copyright": b"free"},
            "libc6:i386": {"lib/i386-linux-gnu/libc.so.6": b"32", "usr/share/doc/libc6/copyright": b"free"},
            "wrapper": {"usr/bin/env": b"wrapped"},
        },
    )
    folder = tmp_path / "var/lib/dpkg"
    (folder / "status").write_text(STATUS.format(configuration=md5(CONFIGURATION)))
    (folder / "diversions").write_text(
        "/usr/bin/env\n/usr/bin/env.real\nwrapper\n/usr/bin/cat\n/usr/bin/cat.distrib\n:\n"
    )
    return tmp_path


@pytest.fixture
def ownership(root: Path) -> DebianOwnership:
    """Over those packages."""
    return DebianOwnership(str(root))


def trust(fields: tuple[Field, ...]) -> Trust:
    return Trust(str(value_of(fields, "sampler.file.trust")))


def name(fields: tuple[Field, ...]) -> str | None:
    value = value_of(fields, "package.name")
    return None if value is None else str(value)


def test_a_file_as_its_package_brought_it(ownership: DebianOwnership) -> None:
    """It has the package's name, version and architecture, and is unmodified."""
    assert ownership.fields(b"/usr/bin/ls", of(LS)) == (
        Field("package.name", "coreutils"),
        Field("package.version", "9.1-1"),
        Field("package.architecture", "amd64"),
        Field("package.type", "deb"),
        Field("sampler.file.trust", "packaged-unmodified"),
    )


def test_another_digest_is_a_modification(ownership: DebianOwnership) -> None:
    """A file at a package's path with other bytes is the package's and modified; upper case is the same digest."""
    assert trust(ownership.fields(b"/usr/bin/ls", of(b"trojan"))) is Trust.MODIFIED
    assert trust(ownership.fields(b"/usr/bin/ls", Digests(md5=md5(LS).upper()))) is Trust.UNMODIFIED


def test_merged_folders_are_one(ownership: DebianOwnership) -> None:
    """On a merged system /bin and /usr/bin name the same file, whichever of them the package names."""
    for path in (b"/bin/ls", b"/usr/bin/ls"):
        assert trust(ownership.fields(path, of(LS))) is Trust.UNMODIFIED
    assert trust(ownership.fields(b"/usr/lib/i386-linux-gnu/libc.so.6", of(b"32"))) is Trust.UNMODIFIED


def test_folders_that_are_not_merged_are_two(root: Path) -> None:
    """Where /bin is a folder of its own, /usr/bin/ls is another file than /bin/ls."""
    (root / "bin").unlink()
    (root / "bin").mkdir()
    ownership = DebianOwnership(str(root))
    assert trust(ownership.fields(b"/bin/ls", of(LS))) is Trust.UNMODIFIED
    assert trust(ownership.fields(b"/usr/bin/ls", of(LS))) is Trust.UNPACKAGED


def test_a_diverted_file_is_known_where_it_lies(ownership: DebianOwnership) -> None:
    """The path is the diverting package's, and the diverted file's package is found at the place it was moved to."""
    wrapped = ownership.fields(b"/usr/bin/env", of(b"wrapped"))
    assert (name(wrapped), trust(wrapped)) == ("wrapper", Trust.UNMODIFIED)
    assert trust(ownership.fields(b"/usr/bin/env", of(b"env"))) is Trust.MODIFIED
    moved = ownership.fields(b"/usr/bin/env.real", of(b"env"))
    assert (name(moved), trust(moved)) == ("coreutils", Trust.UNMODIFIED)


def test_what_an_administrator_diverts_leaves_a_path_of_nobody(ownership: DebianOwnership) -> None:
    """A local diversion moves the package's file away; what stands in its place is in no package."""
    assert trust(ownership.fields(b"/usr/bin/cat", of(b"cat"))) is Trust.UNPACKAGED
    assert name(ownership.fields(b"/usr/bin/cat.distrib", of(b"cat"))) == "coreutils"


def test_configuration_is_known_by_its_own_digests(ownership: DebianOwnership) -> None:
    """dpkg keeps the digest of a configuration file in its status, and of some files keeps none."""
    assert trust(ownership.fields(b"/etc/ls.conf", of(CONFIGURATION))) is Trust.UNMODIFIED
    assert trust(ownership.fields(b"/etc/ls.conf", of(b"a = 2\n"))) is Trust.MODIFIED
    unknown = ownership.fields(b"/etc/new.conf", of(b"x"))
    assert (name(unknown), trust(unknown)) == ("coreutils", Trust.UNKNOWN)
    assert trust(ownership.fields(b"/usr/bin/tac", of(b"tac"))) is Trust.UNKNOWN


def test_each_architecture_has_its_own_files(ownership: DebianOwnership) -> None:
    """Two architectures of a library are two packages; a file that both have is one of theirs."""
    path = b"/lib/i386-linux-gnu/libc.so.6"
    assert value_of(ownership.fields(path, of(b"32")), "package.architecture") == "i386"
    assert trust(ownership.fields(b"/usr/share/doc/libc6/copyright", of(b"free"))) is Trust.UNMODIFIED


@pytest.mark.parametrize(
    "path", [b"", b"usr/bin/ls", b"/usr/bin/../bin/ls", b"/usr//bin/ls", b"/usr/bin/./ls", b"/usr/bin/ls/", b"/a\nb"]
)
def test_of_a_path_that_is_not_plain_nothing_is_known(ownership: DebianOwnership, path: bytes) -> None:
    """A path may name another file than its text says, and no file of a package has a line break in its name."""
    assert ownership.fields(path, of(LS)) == (Field("sampler.file.trust", "unknown"),)


def test_without_a_digest_trust_is_unknown(ownership: DebianOwnership) -> None:
    """The package is named all the same."""
    fields = ownership.fields(b"/usr/bin/ls", Digests())
    assert (name(fields), trust(fields)) == ("coreutils", Trust.UNKNOWN)


def test_a_list_without_a_status_is_no_package(ownership: DebianOwnership) -> None:
    """What dpkg does not call installed owns nothing."""
    assert trust(ownership.fields(b"/usr/bin/gone", of(b""))) is Trust.UNPACKAGED


def test_without_records_everything_is_unknown(tmp_path: Path) -> None:
    """A system without dpkg says nothing about any file."""
    assert DebianOwnership(str(tmp_path)).fields(b"/usr/bin/ls", of(LS)) == (Field("sampler.file.trust", "unknown"),)


def test_records_are_read_anew_when_they_change(root: Path, ownership: DebianOwnership) -> None:
    """A package that is installed later is known at once, and one that is removed no more."""
    assert trust(ownership.fields(b"/usr/bin/new", of(b"new"))) is Trust.UNPACKAGED
    put(root, {"wrapper": ["/usr/bin/new"]}, {"wrapper": {"usr/bin/new": b"new"}})
    later = time.time_ns() + 10_000_000_000
    os.utime(root / "var/lib/dpkg/info", ns=(later, later))
    assert trust(ownership.fields(b"/usr/bin/new", of(b"new"))) is Trust.UNMODIFIED
    (root / "var/lib/dpkg/info/wrapper.list").unlink()
    assert trust(ownership.fields(b"/usr/bin/new", of(b"new"))) is Trust.UNPACKAGED


def test_records_that_did_not_change_are_read_once(root: Path, ownership: DebianOwnership) -> None:
    """Later questions are answered from memory: a list that appears without a trace in the stamps is not seen."""
    assert ownership.fields(b"/usr/bin/ls", of(LS))
    stamp = (root / "var/lib/dpkg/info").stat().st_mtime_ns
    put(root, {"wrapper": ["/usr/bin/new"]}, {"wrapper": {"usr/bin/new": b"new"}})
    os.utime(root / "var/lib/dpkg/info", ns=(stamp, stamp))
    assert trust(ownership.fields(b"/usr/bin/new", of(b"new"))) is Trust.UNPACKAGED


def test_damaged_records_raise_nothing(root: Path) -> None:
    """Bytes that are no records, folders in place of files and absent files cost answers and nothing else."""
    folder = root / "var/lib/dpkg"
    (folder / "status").write_bytes(b"\xff\xfePackage: \xff\nVersion\n\nConffiles:\n x\n\n" * 3)
    (folder / "diversions").write_bytes(b"/usr/bin/ls\n")
    (folder / "info/coreutils.md5sums").unlink()
    (folder / "info/coreutils.list").unlink()
    (folder / "info/coreutils.list").mkdir()
    assert trust(DebianOwnership(str(root)).fields(b"/usr/bin/ls", of(LS))) is Trust.UNPACKAGED
    (folder / "diversions").unlink()
    assert trust(DebianOwnership(str(root)).fields(b"/usr/bin/env.real", of(b"env"))) is Trust.UNPACKAGED


def test_a_digest_that_is_cut_off_is_none(root: Path) -> None:
    """A line of a digest list that does not begin with a whole digest says nothing."""
    (root / "var/lib/dpkg/info/coreutils.md5sums").write_bytes(b"x" + md5(LS).encode() + b"  bin/ls\n")
    assert trust(DebianOwnership(str(root)).fields(b"/bin/ls", of(LS))) is Trust.UNKNOWN


@pytest.mark.usefixtures("ends_in_moments")
def test_many_packages_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """1,500 packages with 150 paths each are read for the first question and kept in less than two megabytes."""
    reads = []

    def read(root: str, stamp: Stamp) -> DpkgIndex:
        reads.append(root)
        return read_index(root, stamp)

    monkeypatch.setattr("sampler.describe.ownership.read_index", read)
    (tmp_path / "var/lib/dpkg/info").mkdir(parents=True)
    names = [f"package{number}" for number in range(1500)]
    paths = {name: [f"/usr/share/{name}/file-{number:04}.dat" for number in range(150)] for name in names}
    put(tmp_path, paths, {name: {path[1:]: b"x" for path in paths[name]} for name in names[:1]})
    status = "".join(f"Package: {name}\nArchitecture: all\nVersion: 1\n\n" for name in names)
    (tmp_path / "var/lib/dpkg/status").write_text(status)
    ownership = DebianOwnership(str(tmp_path))
    assert trust(ownership.fields(b"/usr/share/package0/file-0007.dat", of(b"x"))) is Trust.UNMODIFIED
    for number in range(100):
        path = f"/usr/share/package0/file-{number:04}.dat".encode()
        assert trust(ownership.fields(path, of(b"x"))) is Trust.UNMODIFIED
    assert reads == [str(tmp_path)]
    index = read_index(str(tmp_path), read_stamp(str(tmp_path)))
    assert index.entries.itemsize * len(index.entries) < 2_000_000 < RECORD_MAX_BYTES


def test_this_machine_is_known_as_dpkg_knows_it() -> None:
    """Of programs of this machine the package that dpkg names is named; without dpkg nothing is known of any.

    Of what lies where a diversion put it, dpkg names the diversion only, so those are left to the tests of diversions.
    """
    diverted = Path("/var/lib/dpkg/diversions")
    moved = set(diverted.read_text().splitlines()) if diverted.exists() else set()
    every = [path for path in sorted(Path("/usr/bin").iterdir()) if path.is_file() and not path.is_symlink()]
    programs = [path for path in every if str(path) not in moved]
    chosen = programs[:: len(programs) // 20 + 1]
    here = DebianOwnership()
    fields = [here.fields(os.fsencode(program), of(program.read_bytes())) for program in chosen]
    if shutil.which("dpkg-query") is None:
        assert {trust(each) for each in fields} == {Trust.UNKNOWN}
        return
    owners = dpkg_says(*chosen, *(Path("/bin", program.name) for program in chosen))
    said = [owners.get(program) or owners.get(Path("/bin", program.name)) for program in chosen]
    assert [name(each) for each in fields] == said
    assert any(said)


def dpkg_says(*paths: Path) -> dict[Path, str]:
    done = subprocess.run(["dpkg-query", "--search", *paths], check=False, capture_output=True, text=True, timeout=60)
    rows = (line.rsplit(": ", 1) for line in done.stdout.splitlines() if not line.startswith("diversion"))
    return {Path(path): owners.partition(",")[0].partition(":")[0] for owners, path in rows}
