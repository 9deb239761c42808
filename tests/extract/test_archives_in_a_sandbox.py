"""Archives and disks read where nothing can be loaded any more, as in a sandboxed child."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import py7zr
import pycdlib
import pyzipper
import zstandard

from sampler.runtime.places import shipped

PROGRAM = """
import sys
from pathlib import Path
from sampler.extract import derive, find_regions
from sampler.extract.formats import FORMATS
from sampler.model import ContentKind
contents = [Path(name).read_bytes() for name in sys.argv[1:]]
for known in FORMATS:
    find_regions(known.warm, ContentKind.OTHER, "x/y")
loaded = set(sys.modules)
sys.meta_path.clear()
for content in contents:
    found = find_regions(content, ContentKind.ARCHIVE, "x/y")
    assert all(len(derive(content, region.recipe)) == region.length for region in found.regions if region.recipe)
    sys.stdout.write(str(sum(region.kind == "member" for region in found.regions)) + "\\n")
assert set(sys.modules) == loaded, set(sys.modules) - loaded
"""
TEXT = b"a harmless line\n" * 30
FAMILIES = ("zip", "rar", "tar", "gzip", "bzip2", "xz", "zstd", "seven", "disk", "pe/nsis-installer", "pe/nsis-solid")


def zipped(method: int, name: str = "a.txt") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as writer:
        writer.writestr(name, TEXT)
    return made.getvalue()


def zipped_with_password() -> bytes:
    made = io.BytesIO()
    with pyzipper.AESZipFile(made, "w", compression=zipfile.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as writer:
        writer.setpassword(b"infected")
        writer.writestr("a.txt", TEXT)
    return made.getvalue()


def sevened(**options: Any) -> bytes:
    made = io.BytesIO()
    with py7zr.SevenZipFile(made, "w", **options) as writer:
        writer.writestr(TEXT, "a.txt")
    return made.getvalue()


def taped() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as writer:
        info = tarfile.TarInfo("ü" * 200)
        info.size = len(TEXT)
        writer.addfile(info, io.BytesIO(TEXT))
    return made.getvalue()


def imaged() -> bytes:
    iso: Any = pycdlib.PyCdlib()
    iso.new(joliet=3)
    iso.add_fp(io.BytesIO(TEXT), len(TEXT), "/A.TXT;1", joliet_path="/ü.txt")
    made = io.BytesIO()
    iso.write_fp(made)
    return made.getvalue()


def made_here() -> list[bytes]:
    """One of each format and of each method, each with one member at least."""
    zips = [zipped(zipfile.ZIP_DEFLATED), zipped(zipfile.ZIP_BZIP2), zipped(zipfile.ZIP_LZMA), zipped_with_password()]
    code_page = zipped(zipfile.ZIP_STORED, "e.txt").replace(b"e.txt", b"\x82.txt")
    sevens = [
        sevened(),
        sevened(password="malware", header_encryption=True),
        sevened(filters=[{"id": py7zr.FILTER_X86}, {"id": py7zr.FILTER_LZMA2, "preset": 1}]),
    ]
    streams = [gzip.compress(TEXT), bz2.compress(TEXT), lzma.compress(TEXT), lzma.compress(TEXT, lzma.FORMAT_ALONE)]
    return [*zips, code_page, b"before" + zips[0], *sevens, *streams, zstandard.compress(TEXT), taped(), imaged()]


def test_archives_load_nothing_while_they_are_read(tmp_path: Path) -> None:
    """Every format and method is read, and its derived bytes are made, without one import."""
    paths = []
    for number, content in enumerate(made_here()):
        path = tmp_path / str(number)
        path.write_bytes(content)
        paths.append(path)
    samples = [shipped("samples_fixture") / family for family in FAMILIES]
    paths += [path for folder in samples for path in sorted(folder.rglob("*.*")) if path.suffix != ".json"]
    paths = [path for path in paths if path.is_file()]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *paths], check=True, capture_output=True, timeout=60)
    counts = [int(line) for line in done.stdout.split()]
    assert len(counts) == len(paths)
    assert all(counts[: len(made_here())])
