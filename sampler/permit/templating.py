"""Paths without the people in them: home folders become ``~user`` or ``%USERPROFILE%``, names of people ``~user``.

Known are the homes that the machine names, ``/home/NAME``, ``/Users/NAME``, ``/root``, ``C:\\Users\\NAME`` and
``C:\\Documents and Settings\\NAME``, also further down in a path and on another machine; folders and files named after
people (``/media``, ``/var/mail``, crontabs, ``hsperfdata_NAME``); and ``/run/user/UID``. What all people share
(``/Users/Shared``, ``C:\\Users\\Public``) stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sampler.permit.names import PLACEHOLDER, PROFILE, SECRET, USER, USER_ID, HostNames, replace_names
from sampler.permit.settling import settle

_STARTS: Final = r"(?<![^\s=:,;\"'(<>|&\[{`])"
"""Where a path can begin: at the start of a text, or after one of these."""
_PROFILES: Final = (
    r"(?:Users|Documents and Settings|Dokumente und Einstellungen|DOCUME~1|Usuarios|Utilisateurs|Benutzer)"
)
_SHARED: Final = r"(?!(?:Shared|Public|Default|Default User|All Users)(?:[\\/]|\Z))"
_DOMAIN: Final = r"(?:(?:[\w-]{1,63}\.){1,4}(?:com|org|net|edu|gov|local|lan|corp|intra|internal|example)/+)?"
"""Where accounts come from a directory, its name may stand before theirs: ``/home/corp.example.com/NAME``."""
_TREATED: Final = rf"(?!{PLACEHOLDER})"
_FOLDER_END: Final = r"(?:[/\s]|\Z)"
_PEOPLE_FOLDERS: Final = (
    rf"/media(?!/+(?:cdrom|floppy|usb)\d?{_FOLDER_END})|/var/(?:spool/)?mail"
    rf"|/var/spool/cron(?:/crontabs|/tabs)?(?!/+(?:crontabs|tabs|atjobs|atspool){_FOLDER_END})|/var/cron/tabs"
    r"|/run/sudo/ts|/var/lib/sudo/(?:lectured|ts)|/var/lib/AccountsService/(?:users|icons)"
)
_ACCOUNT_FILE: Final = r"(/var/db/dslocal/nodes/Default/users/+)[^/\s]{1,255}(?=\.plist)"


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How far a name reaches: to the next separator in a path, to the next blank or bracket as well in a text."""

    name: str
    windows_name: str
    end: str


_PATH: Final = _Dialect(name=r"[^/]+", windows_name=r"[^\\/]+", end=r"(?=[\\/]|\Z)")
_TEXT: Final = _Dialect(
    name=r"[^/\s:;,\"'<>|&()\[\]{}`=]+",
    windows_name=r"[^\\/\s:;,\"'<>|&()\[\]{}`=]+",
    end=r"(?![\w.-])",
)

_Rewriting = tuple[re.Pattern[str], str]


def template_path(path: str, host: HostNames) -> str:
    """One path, whole; it may hold any character, newlines and escaped bytes among them. Idempotent."""
    return settle(lambda text: template_path_once(text, host), path, hopeless=SECRET)


def template_path_once(path: str, host: HostNames) -> str:
    """One path; one round, for redaction to settle."""
    return _rewrite(path, _PATH, host)


def template_text(text: str, host: HostNames) -> str:
    """The paths within a text; one round, for redaction to settle."""
    return _rewrite(text, _TEXT, host)


def _rewrite(text: str, dialect: _Dialect, host: HostNames) -> str:
    present = tuple(home for home in host.homes if home[0].rstrip("/\\") in text)
    for pattern, stand_in in (*_known_homes(present, dialect), *_usual_homes(dialect)):
        text = pattern.sub(stand_in, text)
    return replace_names(text, host)


@lru_cache(maxsize=64)
def _known_homes(homes: tuple[tuple[str, str], ...], dialect: _Dialect) -> tuple[_Rewriting, ...]:
    folders = sorted({folder.rstrip("/\\") for folder, _ in homes} - {""}, key=lambda folder: (-len(folder), folder))
    if not folders:
        return ()
    any_of = "|".join(re.escape(folder) for folder in folders)
    below = "|".join(re.escape(folder) for folder in folders if folder.startswith("/")) or r"(?!)"
    return (
        (re.compile(rf"{_STARTS}(?:{any_of}){dialect.end}"), USER),
        (re.compile(rf"(?:{below}){dialect.end}"), f"/{USER}"),
    )


@lru_cache(maxsize=4)
def _usual_homes(dialect: _Dialect) -> tuple[_Rewriting, ...]:
    person, windows_person = f"{_TREATED}{dialect.name}", f"{_SHARED}{_TREATED}{dialect.windows_name}"
    home = rf"(?<!/)/+(?:home|Users|Documents and Settings)/+(?:\./+)*{_DOMAIN}{_SHARED}{person}"
    return tuple(
        (re.compile(pattern, re.IGNORECASE), stand_in)
        for pattern, stand_in in (
            (_ACCOUNT_FILE, rf"\1{USER}"),
            (rf"({_PEOPLE_FOLDERS})/+{person}", rf"\1/{USER}"),
            (rf"(/hsperfdata_){person}", rf"\1{USER}"),
            (rf"[a-z]:[\\/]+{_PROFILES}[\\/]+{windows_person}", PROFILE),
            (rf"(?<!\\)\\+(?:{_PROFILES}|home)\\+{windows_person}", rf"\\{PROFILE}"),
            (rf"(?<!\\)(\\\\(?:\?\\UNC\\)?[^\\/\s]+\\)(?:home|profiles?)\$?\\+{windows_person}", rf"\1{PROFILE}"),
            (_STARTS + home, USER),
            (home, f"/{USER}"),
            (rf"{_STARTS}/root{dialect.end}", USER),
            (r"/(run|tmp)/user/+\d+", rf"/\1/user/{USER_ID}"),
        )
    )
