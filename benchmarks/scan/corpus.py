"""Fetches the corpus: packages of Debian and PyPI by their ordinary clients, unpacked into one folder.

``python -m benchmarks.scan.corpus [FOLDER]``. What is there already is not fetched again; an interrupted run goes on
where it stopped. The manifest lies beside the folder as ``FOLDER.manifest``.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.scan.manifest import Manifest
from benchmarks.scan.packages import DEBIAN, KEPT_AS_ARCHIVE_MAX_BYTES, WHEELS, Wheel
from benchmarks.scan.unpacking import UnpackError, tidy, unpack_deb, unpack_wheel

BENCH: Final = Path(".bench")
FETCH_SECONDS: Final = 900.0
"""One package."""
FILES_MIN_COUNT: Final = 3_000
BYTES_MIN: Final = 1_000_000_000
PYTHON: Final = "3.11"


class CorpusError(Exception):
    """The corpus cannot be had; ``str()`` says what to do."""


def main() -> None:
    """Fetch, and say what there is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=BENCH / "corpus")
    folder: Path = parser.parse_args().folder.absolute()
    try:
        print(fetch(folder))
    except (CorpusError, UnpackError) as error:
        sys.exit(f"corpus: {error}")


def manifest_of(folder: Path, kept_in: Path) -> Manifest:
    """The manifest of a corpus, or of any other folder; hashed anew when it is not what lies there."""
    file = kept_in / f"{folder.name}.manifest"
    if file.exists() and (kept := Manifest.load(file, folder)).is_what_lies_there():
        return kept
    made = Manifest.of(folder)
    made.save(file)
    return made


def fetch(folder: Path) -> Manifest:
    """Fetch and unpack what is not there yet.

    Raises:
        CorpusError: a client is missing or fails, or what came is less than the bench needs.
        UnpackError: a package is not what it should be.
    """
    downloads = folder.with_name("downloads")
    downloads.mkdir(parents=True, exist_ok=True)
    for name in DEBIAN:
        _add(folder / "debian" / name, partial(_fetch_deb, name, downloads), unpack_deb)
    for wheel in WHEELS:
        _add(folder / "pypi" / wheel.folder, partial(_fetch_wheel, wheel, downloads), unpack_wheel)
    manifest = manifest_of(folder, folder.parent)
    if len(manifest.entries) < FILES_MIN_COUNT or manifest.byte_count < BYTES_MIN:
        raise CorpusError(f"{folder} has {manifest}; at least {FILES_MIN_COUNT} files and {BYTES_MIN} bytes are needed")
    return manifest


def _add(target: Path, get: Callable[[], Path], unpack: Callable[[Path, Path], None]) -> None:
    """Fetch and unpack one package; its folder appears only when it is whole."""
    if target.exists():
        return
    package = get()
    making = target.with_name(f".making-{target.name}")
    shutil.rmtree(making, ignore_errors=True)
    unpack(package, making)
    if package.stat().st_size <= KEPT_AS_ARCHIVE_MAX_BYTES:
        shutil.copyfile(package, making / package.name)
    tidy(making)
    making.rename(target)
    print(f"{target.parent.name}/{target.name}", file=sys.stderr)


def _fetch_deb(name: str, downloads: Path) -> Path:
    return _fetched(downloads, f"{name}_*.deb", ["apt-get", "--quiet", "download", name], "apt-get update")


def _fetch_wheel(wheel: Wheel, downloads: Path) -> Path:
    """One wheel; each platform has a folder of its own, so that a file found is the one asked for."""
    place = downloads / wheel.folder
    place.mkdir(exist_ok=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps"]
    which = ["--only-binary", ":all:", "--platform", wheel.platform, "--python-version", PYTHON]
    return _fetched(place, "*.whl", [*pip, *which, f"{wheel.name}=={wheel.version}"], "pip's index settings")


def _fetched(folder: Path, pattern: str, command: Sequence[str], look_at: str) -> Path:
    if not (found := sorted(folder.glob(pattern))):
        run(command, folder, FETCH_SECONDS, look_at)
        found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise CorpusError(f"{folder}/{pattern}: {len(found)} files where one is wanted; remove the wrong ones")
    return found[0]


def run(command: Sequence[str], folder: Path, seconds: float, look_at: str) -> None:
    """Run a client in ``folder``.

    Raises:
        CorpusError: it is missing, fails or does not end; ``look_at`` is what to try.
    """
    shown = " ".join(command)
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=seconds)
    except FileNotFoundError as error:
        raise CorpusError(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise CorpusError(f"`{shown}` did not end within {seconds:g} s") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()[-500:]
        raise CorpusError(f"`{shown}` failed; look at {look_at}: {said}") from error


if __name__ == "__main__":
    main()
