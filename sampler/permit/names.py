"""The names that tell who owns a machine, and finding them in a text.

A name of six characters or more is found anywhere, with the letters around it (``backupjsmith`` becomes ``~user``); a
shorter one where no letter touches it (``ben`` in ``/srv/ben2`` and not in ``bench``). Case does not count. What stands
in a name's place begins with a tilde, needs no escaping in a path, a URL or a shell, and is never taken for a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

USER: Final = "~user"
USER_ID: Final = "~uid"
HOST: Final = "~host"
SECRET: Final = "~secret"  # noqa: S105  # what stands in a secret's place
MAIL: Final = "~mail"
ADDRESS: Final = "~address"
PROFILE: Final = "%USERPROFILE%"

_ANYWHERE_MIN_CHARACTERS: Final = 6
_KEY_MIN_BYTES: Final = 16

_LETTER: Final = r"[^\W\d_]"
_BEHIND: Final = r"(?<=\\x[0-9a-f]{2})|(?<=\\udc[0-9a-f]{2})|(?<=%[0-9a-f]{2})|(?<=^-[a-z])|(?<=[^\w]-[a-z])"
"""Behind an escaped byte or an option of one letter a name begins, even though a letter comes before it."""
_PLACEHOLDER: Final = rf"~(?:user|uid|host|secret|mail|address)(?!{_LETTER})|{PROFILE}"


@dataclass(frozen=True, slots=True)
class HostNames:
    """What must not be read out of anything that leaves this machine."""

    homes: tuple[tuple[str, str], ...] = ()
    """Home folders and whose they are."""
    users: frozenset[str] = frozenset()
    """Names of the people who have an account, log-in and full."""
    host_names: frozenset[str] = frozenset()
    """Names of the machine itself, short and full."""
    pseudonym_key: bytes = field(kw_only=True, repr=False)
    """Never leaves the machine."""

    def __post_init__(self) -> None:
        if len(self.pseudonym_key) < _KEY_MIN_BYTES:
            raise ValueError(
                f"a pseudonym key of {len(self.pseudonym_key)} bytes, at least {_KEY_MIN_BYTES} are needed"
            )
        if not all(self.users) or not all(self.host_names):
            raise ValueError("an empty name cannot be looked for")


def replace_names(text: str, host: HostNames) -> str:
    """``text`` with the names of people and of the machine replaced by ``~user`` and ``~host``."""
    folded = text.casefold()
    users, host_names = _among(host.users, folded), _among(host.host_names, folded)
    return _pattern(users, host_names).sub(_stand_in, text) if users or host_names else text


def _among(names: frozenset[str], folded: str) -> frozenset[str]:
    """Those of the names that occur at all: a pattern of thousands would be slow to search for."""
    return frozenset(name for name in names if name.casefold() in folded)


def _stand_in(match: re.Match[str]) -> str:
    kind = match.lastgroup
    return match[0] if kind == "placeholder" else (USER if kind == "user" else HOST)


@lru_cache(maxsize=64)
def _pattern(users: frozenset[str], host_names: frozenset[str]) -> re.Pattern[str]:
    alternatives = [f"(?P<placeholder>{_PLACEHOLDER})"]
    for group, names in (("host", host_names), ("user", users)):
        if names:
            alternatives.append(f"(?P<{group}>{_any_of(names)})")
    return re.compile("|".join(alternatives), re.IGNORECASE)


def _any_of(names: frozenset[str]) -> str:
    """A pattern for any of the names; it reads each character of a text at most once a name."""
    ordered = sorted(names, key=lambda name: (-len(name), name))
    anywhere = [re.escape(name) for name in ordered if len(name) >= _ANYWHERE_MIN_CHARACTERS]
    words = [_as_word(name) for name in ordered if len(name) < _ANYWHERE_MIN_CHARACTERS]
    grown = [rf"(?<!{_LETTER}){_LETTER}*?(?:{'|'.join(anywhere)}){_LETTER}*"] if anywhere else []
    return "|".join([*grown, *words])


def _as_word(name: str) -> str:
    before = f"(?:(?<!{_LETTER})|{_BEHIND})" if name[0].isalpha() else ""
    after = f"(?!{_LETTER})" if name[-1].isalpha() else ""
    return f"{before}{re.escape(name)}{after}"
