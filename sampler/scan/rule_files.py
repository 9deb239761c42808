"""Finding and reading rule files. A rule folder is trusted for what its rules say, not for where its links lead.

Rules come from folders, from single files, and from packs: zip files that are read as a folder, never unpacked.
"""

from __future__ import annotations

import io
import lzma
import os
import posixpath
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Final, Protocol

from sampler.errors import RulesError
from sampler.limits import KIB, RULE_FILE_MAX_BYTES, RULE_FILES_MAX_COUNT, RULE_PACK_MAX_BYTES

_ENDINGS: Final = (".yar", ".yara")
_PACK_ENDING: Final = ".zip"
_MORE_BYTES: Final = 64 * KIB
_UNPACKING_ERRORS: Final = (
    OSError, EOFError, RuntimeError, ValueError, NotImplementedError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """Something wrong with one rule file; the other files' rules still run."""

    file: str
    """Relative to its rule folder, as the namespace of its rules."""
    line: int
    """From 1; 0 where it concerns the file as a whole."""
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class RuleFileError(Exception):
    """A rule file cannot be used; ``str()`` says why, ``line`` where (0: the file as a whole)."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class RuleRoot(Protocol):
    """A folder or a pack; what its files include comes from it as well."""

    @property
    def name(self) -> str:
        """What keeps its namespaces apart from those of others."""
        ...

    def names(self) -> Iterator[str]:
        """The rule files, as paths from the root; characters that are no text are escaped as in ``os.fsdecode``.

        A folder whose files cannot be listed is one of them, for reading it says so.
        """
        ...

    def read(self, name: str) -> str:
        """The source text of one file.

        Raises:
            RuleFileError: it leads out of the root, is no regular file, cannot be read, is too large, or is not text.
        """
        ...


@dataclass(frozen=True, slots=True)
class FolderRoot:
    """All ``*.yar`` and ``*.yara`` files below a folder, or one file of it; linked folders are not entered."""

    folder: Path
    """Links resolved."""
    only: str | None = None

    @property
    def name(self) -> str:
        """The folder's own name."""
        return printable(self.folder.name)

    def names(self) -> Iterator[str]:
        """As ``RuleRoot.names``."""
        if self.only is not None:
            yield self.only
            return
        unlisted: list[OSError] = []
        for place, _, names in os.walk(self.folder, onerror=unlisted.append, followlinks=False):
            yield from (os.path.relpath(os.path.join(place, name), self.folder) for name in names if _is_rules(name))
        yield from (os.path.relpath(error.filename, self.folder) for error in unlisted)

    def read(self, name: str) -> str:
        """As ``RuleRoot.read``."""
        real = os.path.realpath(os.path.join(self.folder, name))
        if not real.startswith(os.path.join(self.folder, "")):
            raise RuleFileError("it leads out of its rule folder")
        try:
            data = _read_regular(real)
        except OSError as error:
            raise RuleFileError(f"it cannot be read: {error.strerror}") from error
        return _text(data)


class PackRoot:
    """The rule files in a zip file, which is read once: what changes in it later changes nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._pack: zipfile.ZipFile | None = None

    @property
    def name(self) -> str:
        """The pack's name without its ending."""
        return printable(self._path.stem)

    def names(self) -> Iterator[str]:
        """As ``RuleRoot.names``.

        Raises:
            RulesError: it is no zip file, or has more than ``RULE_PACK_MAX_BYTES``.
        """
        try:
            with self._path.open("rb") as file:
                content = file.read(RULE_PACK_MAX_BYTES + 1)
            if len(content) > RULE_PACK_MAX_BYTES:
                raise RulesError(f"{self._path}: a pack of rules has at most {RULE_PACK_MAX_BYTES} bytes")
            self._pack = zipfile.ZipFile(io.BytesIO(content))
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise RulesError(f"{self._path}: it cannot be read as a pack of rules (zip): {error}") from error
        self._members = {info.filename: info for info in self._pack.infolist()}
        yield from filter(_is_rules, self._members)

    def read(self, name: str) -> str:
        """As ``RuleRoot.read``."""
        info = self._members.get(name) or self._members.get(posixpath.normpath(name))
        if self._pack is None or info is None:
            raise RuleFileError("it is not in the pack")
        try:
            with self._pack.open(info) as member:
                data = member.read(RULE_FILE_MAX_BYTES + 1)
        except _UNPACKING_ERRORS as error:
            raise RuleFileError(f"it cannot be unpacked: {error}") from error
        return _text(_not_too_long(data))


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One rule file that was found; not read yet."""

    root: RuleRoot
    name: str
    """Its path from the root."""
    namespace: str
    """The same in printable form, prefixed with the root's name where several roots are given."""

    def read(self) -> str:
        """Its source text; ``RuleFileError`` if there is none."""
        return self.root.read(self.name)


def find_rule_files(places: Sequence[Path]) -> tuple[RuleFile, ...]:
    """All rule files in folders and packs, and those named themselves, in the order of their namespaces.

    Raises:
        RulesError: a place is missing, or is none of these, or there are more than ``RULE_FILES_MAX_COUNT`` files.
    """
    roots = [_root(place) for place in places]
    found: list[RuleFile] = []
    for root, prefix in zip(roots, _prefixes(roots), strict=True):
        for name in root.names():
            found.append(RuleFile(root, name, prefix + printable(name)))
            if len(found) > RULE_FILES_MAX_COUNT:
                raise RulesError(f"{root.name}: more than {RULE_FILES_MAX_COUNT} rule files; give fewer folders")
    return tuple(sorted(found, key=lambda file: file.namespace))


def printable(name: str) -> str:
    """A path as text that YARA and UTF-8 can carry; bytes that are not UTF-8 are written as escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _root(place: Path) -> RuleRoot:
    if place.is_dir():
        return FolderRoot(place.resolve())
    if not place.is_file():
        raise RulesError(f"{place}: there is no such rule folder, rule file or pack; create it or name another one")
    if place.suffix == _PACK_ENDING:
        return PackRoot(place)
    return FolderRoot(place.parent.resolve(), place.name)


def _prefixes(roots: Sequence[RuleRoot]) -> list[str]:
    """What keeps namespaces of several roots apart: their names, numbered where two have the same."""
    if len(roots) == 1:
        return [""]
    prefixes: list[str] = []
    for root in roots:
        numbered = (f"{root.name}~{number}/" for number in count(2))
        prefixes.append(next(prefix for prefix in chain([f"{root.name}/"], numbered) if prefix not in prefixes))
    return prefixes


def _is_rules(name: str) -> bool:
    return name.endswith(_ENDINGS)


def _read_regular(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise RuleFileError("it is not a regular file")
        return _not_too_long(_read(descriptor, status.st_size))
    finally:
        os.close(descriptor)


def _read(descriptor: int, size: int) -> bytes:
    """All of a file that is said to have ``size`` bytes, or more of it than a rule file may have.

    A buffer that could take the largest rule file takes longer to make than most rule files take to read.
    """
    data = os.read(descriptor, min(size, RULE_FILE_MAX_BYTES) + 1)
    while len(data) <= RULE_FILE_MAX_BYTES and (more := os.read(descriptor, _MORE_BYTES)):
        data += more
    return data


def _not_too_long(data: bytes) -> bytes:
    if len(data) > RULE_FILE_MAX_BYTES:
        raise RuleFileError(f"it has more than {RULE_FILE_MAX_BYTES} bytes")
    return data


def _text(data: bytes) -> str:
    if (nul := data.find(b"\0")) >= 0:
        raise RuleFileError("it has a NUL byte and is no rule file", data.count(b"\n", 0, nul) + 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RuleFileError(f"byte {data[error.start]:#04x} is not UTF-8; save the file as UTF-8", line) from error
