"""Builders of tiny programs and of snapshots whose every fact a test chooses."""

from __future__ import annotations

import importlib.util
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sampler.model import FileStat, Snapshot

SIGNED_WHEEL = (
    "msvc-runtime==14.44.35112 --hash=sha256:aba7fbe71897d25ed53fbb7f391e9f50289378a8a9ae218ba18530c663448391"
)


def build_pe(
    *, flags: int = 0x22, subsystem: int = 3, sections: int = 1, magic: int = 0x20B, raw_bytes: int = 512
) -> bytes:
    """The least that is a Portable Executable: headers and one section of 512 bytes, said to have ``raw_bytes``."""
    optional = struct.pack("<H66xH42x", magic, subsystem)
    header = struct.pack("<4sHH12xHH", b"PE\0\0", 0x8664, sections, len(optional), flags)
    rows = struct.pack("<8sIIII16x", b".text", 512, 0x1000, raw_bytes, 512)
    return (struct.pack("<2s58xI", b"MZ", 64) + header + optional + rows).ljust(512, b"\0") + b"\x90" * 512


def build_elf(
    *, kind: int = 2, segments: tuple[int, ...] = (1,), bits: int = 64, order: str = "<", names: bytes = b"\0.text\0"
) -> bytes:
    """An ELF header, a segment table of the given types, section names and a section table of one row."""
    wide = bits == 64
    header_bytes, row_bytes, section_bytes = (64, 56, 64) if wide else (52, 32, 40)
    body = b"".join(struct.pack(order + "I", segment).ljust(row_bytes, b"\0") for segment in segments)
    names_at = header_bytes + len(body)
    place = struct.pack(order + ("16xQQ" if wide else "8xII"), names_at, len(names))
    section = (struct.pack(order + "II", 0, 3) + place).ljust(section_bytes, b"\0")
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + b"\0" * 9
    header = struct.pack(
        order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"), kind, 62, 1, 0, header_bytes, names_at + len(names), 0,
        header_bytes, row_bytes, len(segments), section_bytes, 1, 0,
    )  # fmt: skip
    return ident + header + body + names + section


@pytest.fixture(scope="session")
def pe() -> Callable[..., bytes]:
    """Builds a PE."""
    return build_pe


@pytest.fixture(scope="session")
def elf() -> Callable[..., bytes]:
    """Builds an ELF file."""
    return build_elf


@pytest.fixture(scope="session")
def launchers() -> list[Path]:
    """The Windows launchers that pip ships: real programs of three architectures."""
    spec = importlib.util.find_spec("pip")
    assert spec is not None
    assert spec.origin is not None
    found = sorted((Path(spec.origin).parent / "_vendor" / "distlib").glob("*.exe"))
    assert len(found) >= 6, "pip ships no launchers any more"
    return found


@pytest.fixture(scope="session")
def snapshot() -> Callable[..., Snapshot]:
    """Builds a snapshot of no bytes: ``path``, ``size``, and any fact of ``FileStat`` by its name."""

    def build(path: bytes | None = b"/srv/data/report.tar.gz", size: int = 12, **facts: object) -> Snapshot:
        values: dict[str, object] = {
            "mode": 0o100640, "uid": 0, "gid": 0, "size": size, "mtime_ns": 0, "ctime_ns": 0, "atime_ns": 0,
            "device": 1, "inode": 2, "attributes": (),
        }  # fmt: skip
        stat = FileStat(**{**values, **facts})  # type: ignore[arg-type]  # a test names them
        return Snapshot(descriptor=-1, size=size, sha256="0" * 64, stat=stat, path=path)

    return build


@pytest.fixture(scope="session")
def signed_programs() -> list[tuple[str, bytes]]:
    """Name and content of the signed libraries in a package of Microsoft's runtime; fetched once, then kept."""
    folder = Path(__file__).parents[2] / ".bench" / "downloads" / "signed"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / "wanted.txt"
    wanted.write_text(SIGNED_WHEEL)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps"]
    which = ["--only-binary", ":all:", "--platform", "win_amd64", "--python-version", "3.11", "--require-hashes"]
    if not list(folder.glob("*.whl")):
        subprocess.run([*pip, *which, "--requirement", wanted], cwd=folder, check=True, timeout=100)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".dll") and "/Scripts/" not in name)
        return [(name, archive.read(name)) for name in names]
