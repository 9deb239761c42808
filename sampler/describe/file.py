"""What the file system knows of an object (ECS ``file.*``). Names are hostile: escaped and bounded."""

from __future__ import annotations

import grp
import posixpath
import pwd
from collections.abc import Iterator
from typing import Final

from sampler.describe.text import hostile_text, rfc3339
from sampler.limits import FIELD_VALUE_MAX_CHARACTERS
from sampler.model import Field, FieldValue, FileStat, Snapshot

SYSTEM_UID_END: Final = 1000
"""People's user identifiers begin here (login.defs, ``UID_MIN``)."""
_DYNAMIC_UIDS: Final = range(61184, 65536)
"""Of systemd's dynamic users, and of nobody (systemd, "Users, Groups, UIDs and GIDs")."""
_EXTENSION_MAX_CHARACTERS: Final = 64
_NANOSECONDS: Final = 1_000_000_000


def file_fields(snapshot: Snapshot) -> tuple[Field, ...]:
    """Name, place, size, mode, times and owner of the file that a snapshot was taken of.

    An object without a path has no names, and bytes that were sent have neither mode, times nor owner. Times are RFC
    3339, UTC, to the second; identifiers are decimal text.
    """
    facts = _facts(snapshot.stat) if snapshot.is_file else ()
    pairs = (*_names(snapshot.path), ("file.size", snapshot.size), *facts)
    return tuple(Field(name, value) for name, value in pairs if value not in (None, ""))


def owner_class(uid: int) -> str:
    """``root``, ``system`` for an account of the operating system, or ``person``."""
    if uid == 0:
        return "root"
    return "system" if uid < SYSTEM_UID_END or uid in _DYNAMIC_UIDS else "person"


def owner_of(snapshot: Snapshot) -> str:
    """The class of a snapshot's owner; empty where there was no file."""
    return owner_class(snapshot.stat.uid) if snapshot.is_file else ""


def _names(path: bytes | None) -> Iterator[tuple[str, FieldValue]]:
    if not path:
        return
    folder, name = posixpath.split(path)
    yield "file.path", hostile_text(path, FIELD_VALUE_MAX_CHARACTERS)
    yield "file.directory", hostile_text(folder, FIELD_VALUE_MAX_CHARACTERS)
    yield "file.name", hostile_text(name)
    extension = posixpath.splitext(name)[1][1:]
    yield "file.extension", hostile_text(extension, _EXTENSION_MAX_CHARACTERS)


def _facts(stat: FileStat) -> Iterator[tuple[str, FieldValue]]:
    yield "file.mode", f"{stat.mode & 0o7777:04o}"
    for name, nanoseconds in (("mtime", stat.mtime_ns), ("ctime", stat.ctime_ns), ("accessed", stat.atime_ns)):
        yield f"file.{name}", rfc3339(nanoseconds // _NANOSECONDS) or ""
    yield "file.uid", str(stat.uid)
    yield "file.gid", str(stat.gid)
    yield "file.owner", user_name(stat.uid)
    yield "file.group", _group_name(stat.gid)


def user_name(uid: int) -> str:
    """The account's name; empty where this machine has none."""
    try:
        return hostile_text(pwd.getpwuid(uid).pw_name)
    except (KeyError, OverflowError):
        return ""


def _group_name(gid: int) -> str:
    try:
        return hostile_text(grp.getgrgid(gid).gr_name)
    except (KeyError, OverflowError):
        return ""
