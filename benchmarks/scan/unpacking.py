"""Unpacking packages into the corpus: nothing is written outside its folder, and only plain files are left.

Archives come from an index over the network, so they are treated as anyone's: names, sizes and counts are checked.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from sampler.limits import COPY_CHUNK_BYTES, GIB

UNPACKED_MAX_BYTES: Final = 2 * GIB
"""Of one package."""
MEMBERS_MAX_COUNT: Final = 50_000
UNPACK_SECONDS: Final = 300.0


class UnpackError(Exception):
    """A package is not what it should be; ``str()`` says which one and why."""


def unpack_wheel(wheel: Path, folder: Path) -> None:
    """Unpack a wheel (a ZIP file) into ``folder``.

    Raises:
        UnpackError: it is no ZIP file, or a member's name, size or number is not acceptable.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            check_members(wheel, members)
            for member in members:
                _write_member(archive, member, folder)
    except zipfile.BadZipFile as error:
        raise UnpackError(f"{wheel}: not a wheel: {error}") from error


def unpack_deb(package: Path, folder: Path) -> None:
    """Unpack a Debian package's files into ``folder``, by Debian's own program.

    Raises:
        UnpackError: the program is missing, refuses the package, or what it wrote is more than is taken.
    """
    command = ["dpkg-deb", "-x", str(package), str(folder)]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=UNPACK_SECONDS)
    except FileNotFoundError as error:
        raise UnpackError("dpkg-deb is not there; the corpus is fetched on Debian, or on what comes of it") from error
    except subprocess.CalledProcessError as error:
        raise UnpackError(f"{package}: dpkg-deb: {error.stderr.decode(errors='replace').strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise UnpackError(f"{package}: dpkg-deb did not end within {UNPACK_SECONDS:g} s") from error


def check_members(wheel: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive before anything of it is written."""
    if len(members) > MEMBERS_MAX_COUNT:
        raise UnpackError(f"{wheel}: {len(members)} members, at most {MEMBERS_MAX_COUNT} are taken")
    if sum(member.file_size for member in members) > UNPACKED_MAX_BYTES:
        raise UnpackError(f"{wheel}: it would unpack to more than {UNPACKED_MAX_BYTES} bytes")
    for member in members:
        if not is_inside(member.filename):
            raise UnpackError(f"{wheel}: the member {member.filename!r} leads out of its folder")


def is_inside(name: str) -> bool:
    """Whether a member's name stays below the folder it is unpacked into."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and "\\" not in name and "\0" not in name


def tidy(folder: Path) -> None:
    """Leave only plain files that a list of one path a line can name, readable by everybody, each with one name."""
    seen: set[tuple[int, int]] = set()
    for path in list(_everything(folder)):
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            path.chmod(0o755)
        elif not stat.S_ISREG(status.st_mode) or not _can_be_listed(path) or (status.st_dev, status.st_ino) in seen:
            path.unlink()
        else:
            seen.add((status.st_dev, status.st_ino))
            path.chmod(0o644)


def _write_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    path = folder / member.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, path.open("xb") as target:
        shutil.copyfileobj(source, target, COPY_CHUNK_BYTES)


def _everything(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, followlinks=False):
        yield from (Path(place, name) for name in (*folders, *names))


def _can_be_listed(path: Path) -> bool:
    return str(path).isascii() and str(path).isprintable()
