"""Makes the samples anew: ``python samples_fixture/make.py [--generated] [--into FOLDER]``.

Without ``--generated`` it first downloads the pinned packages that samples are taken from, checks each taken file's
SHA-256, and builds the installer if ``makensis`` is installed. The rest is generated, the same bytes every time.
``expected.json`` and ``SOURCES.md`` are written by people; ``tests/fixtures`` compares them with the samples.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

from makers import archives, binaries, disks, documents, links, packages, pe_samples, texts

_HERE = Path(__file__).parent
_LAUNCHER = "pe/cli-64/cli-64.exe"
_INSTALLERS = {
    "installer.nsi": "pe/nsis-installer/nsis-installer.exe",
    "installer_solid.nsi": "pe/nsis-solid/nsis-solid.exe",
}


def generated(launcher: bytes) -> dict[str, bytes]:
    """Every sample that needs no download but the launcher, which has been taken before."""
    families = (archives, binaries, disks, documents, links, texts)
    made = pe_samples.samples(launcher)
    for family in families:
        made.update(family.samples())
    return made


def build_installers() -> dict[str, bytes]:
    """The installers, if ``makensis`` (NSIS 3.08 of Debian 12) is there; their bytes depend on that version."""
    compiler = shutil.which("makensis")
    if compiler is None:
        return {}
    made: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, sample in _INSTALLERS.items():
            script = shutil.copy(_HERE / "makers" / name, folder)
            command = [compiler, "-V1", script]
            subprocess.run(command, check=True, timeout=60, env={"SOURCE_DATE_EPOCH": "0"})  # noqa: S603
            made[sample] = (Path(folder) / Path(sample).name).read_bytes()
    return made


def write(samples: dict[str, bytes], folder: Path) -> None:
    """Put each sample at its path under ``folder``."""
    for name, data in sorted(samples.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def main() -> None:
    """Parse the command line and write the samples."""
    parser = argparse.ArgumentParser(description="Make the samples anew.")
    parser.add_argument("--generated", action="store_true", help="only what needs neither downloads nor makensis")
    parser.add_argument("--into", type=Path, default=_HERE, help="the folder to write to")
    arguments = parser.parse_args()
    if not arguments.generated:
        write(packages.fetch() | build_installers(), arguments.into)
    write(generated((_HERE / _LAUNCHER).read_bytes()), arguments.into)


if __name__ == "__main__":
    main()
