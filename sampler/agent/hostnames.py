"""What tells who owns this machine: accounts of people, home folders, the machine's names; and the pseudonym key."""

from __future__ import annotations

import os
import pwd
import secrets
import socket
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from sampler.errors import SettingsError
from sampler.limits import HOST_NAMES_MAX_COUNT
from sampler.permit import HostNames
from sampler.runtime.durable import write_durably

KEY_FILE: Final = "pseudonym.key"
_KEY_BYTES: Final = 32
_FIRST_PERSON: Final = 1000
_NOBODY: Final = frozenset({65533, 65534})
_NO_HOMES: Final = frozenset({"", "/", "/nonexistent", "/var/empty", "/dev/null", "/home"})
_ANY_MACHINE: Final = frozenset({"", "localhost", "localhost.localdomain"})


def host_names(folder: Path, *, homes: Path = Path("/home")) -> HostNames:
    """The names of this machine and its people; the key is made in ``folder`` on first use.

    Beside the password database, which a directory service may keep from being listed, the folders in ``homes`` that
    belong to people count.

    Raises:
        SettingsError: the key cannot be read or made, or is damaged.
    """
    people = list(islice(_people(pwd.getpwall()), HOST_NAMES_MAX_COUNT))
    found = list(islice(_folders(homes), HOST_NAMES_MAX_COUNT))
    return HostNames(
        homes=tuple(sorted({*_homes(people), *((str(homes / name), name) for name in found)})),
        users=frozenset({*_names(people), *found}),
        host_names=_machine_names(socket.gethostname()),
        pseudonym_key=_key(folder / KEY_FILE),
    )


def _people(accounts: Iterable[pwd.struct_passwd]) -> Iterator[pwd.struct_passwd]:
    for account in accounts:
        if _is_person(account.pw_uid):
            yield account


def _homes(people: Iterable[pwd.struct_passwd]) -> Iterator[tuple[str, str]]:
    for account in people:
        if account.pw_dir.rstrip("/") not in _NO_HOMES:
            yield account.pw_dir, account.pw_name


def _names(people: Iterable[pwd.struct_passwd]) -> Iterator[str]:
    """Log-in names, and full names of more than one word; a single word may be any word."""
    for account in people:
        full = account.pw_gecos.partition(",")[0].strip()
        yield from (name for name in (account.pw_name, full if " " in full else "") if name)


def _folders(homes: Path) -> Iterator[str]:
    try:
        with os.scandir(homes) as entries:
            yield from (entry.name for entry in entries if _is_somebodys(entry))
    except OSError:
        return  # no such folder, or not ours to list: the password database alone then


def _is_somebodys(entry: os.DirEntry[str]) -> bool:
    status = entry.stat(follow_symlinks=False)
    return stat.S_ISDIR(status.st_mode) and _is_person(status.st_uid)


def _is_person(uid: int) -> bool:
    return uid >= _FIRST_PERSON and uid not in _NOBODY


def _machine_names(name: str) -> frozenset[str]:
    return frozenset({name, name.partition(".")[0]}) - _ANY_MACHINE


def _key(path: Path) -> bytes:
    try:
        if not path.exists():
            write_durably(path, secrets.token_bytes(_KEY_BYTES), mode=0o600)
        with path.open("rb") as file:
            mode, key = os.fstat(file.fileno()).st_mode, file.read(_KEY_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{path}: the key of pseudonyms cannot be read or made: {error}") from error
    if len(key) != _KEY_BYTES or stat.S_IMODE(mode) & 0o077:
        raise SettingsError(
            f"{path}: is to hold {_KEY_BYTES} bytes that only its owner can read; remove it and a new one is made, "
            "with which names get other pseudonyms"
        )
    return key
