"""The names that tell who owns a machine, and finding them in a text.

A name of six characters or more is found anywhere, with the letters around it (``backupjsmith`` becomes ``~user``); a
shorter one where no letter touches it (``ben`` in ``/srv/ben2`` and ``benPhotos``, not in ``bench``). Scripts that set
no blanks between words (Han, kana, Hangul, Thai …) have no such borders: a name in them is found anywhere. Neither case
nor the form of an accent counts. What stands in a name's place begins with a tilde, needs no escaping in a path, a URL
or a shell, and is never taken for a name.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from sampler.permit.spellings import spelled, spellings

USER: Final = "~user"
USER_ID: Final = "~uid"
HOST: Final = "~host"
SECRET: Final = "~secret"  # noqa: S105  # what stands in a secret's place
MAIL: Final = "~mail"
ADDRESS: Final = "~address"
CARD: Final = "~card"
ID: Final = "~id"
PROFILE: Final = "%USERPROFILE%"

_ANYWHERE_MIN_CHARACTERS: Final = 6
_KEY_MIN_BYTES: Final = 16
_PERIOD_SECONDS: Final = 30 * 24 * 3600

_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f"
_IS_UNSPACED: Final = re.compile(f"[{_UNSPACED}]")
_LETTER: Final = rf"(?-i:[^\W\d_{_UNSPACED}])"
"""Has no case to ignore: folding such wide ranges would take as long as all else."""
_BEHIND: Final = r"(?<=\\x[0-9a-f]{2})|(?<=\\udc[0-9a-f]{2})|(?<=%[0-9a-f]{2})|(?<=^-[a-z])|(?<=[^\w]-[a-z])"
"""Behind an escaped byte or an option of one letter a name begins, even though a letter comes before it."""
_HUMP: Final = r"(?-i:(?<=[a-z])(?=[A-Z]))"
"""Where a word begins inside a word: ``photosOfMark``."""
PLACEHOLDER: Final = rf"~(?:user|uid|host|secret|mail|address|card|id)(?!{_LETTER})|{PROFILE}"


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
    """What pseudonyms are made with; never leaves the machine."""

    def __post_init__(self) -> None:
        if len(self.pseudonym_key) < _KEY_MIN_BYTES:
            raise ValueError(
                f"a pseudonym key of {len(self.pseudonym_key)} bytes, at least {_KEY_MIN_BYTES} are needed"
            )
        if not all(self.users) or not all(self.host_names):
            raise ValueError("an empty name cannot be looked for")

    def at(self, now: datetime) -> HostNames:
        """The same names with the key of the period of 30 days that ``now`` falls in.

        A name has one pseudonym within a period and another in each other one, and nobody without the machine's own key
        can tell which belong together. Derived as HKDF-Expand does (RFC 5869, section 2.3), the period being the info.
        """
        period = int(now.timestamp()) // _PERIOD_SECONDS
        info = b"sampler pseudonyms" + period.to_bytes(8, "big", signed=True) + b"\x01"
        return replace(self, pseudonym_key=hmac.digest(self.pseudonym_key, info, hashlib.sha256))


def replace_names(text: str, host: HostNames) -> str:
    """``text`` with the names of people and of the machine replaced by ``~user`` and ``~host``."""
    folded = text.casefold()
    users, host_names = _among(host.users, folded), _among(host.host_names, folded)
    return _pattern(users, host_names).sub(_stand_in, text) if users or host_names else text


def _among(names: frozenset[str], folded: str) -> frozenset[str]:
    """Those of the names that occur at all: a pattern of thousands would be slow to search for."""
    return frozenset(
        name for name, words in spelled(names) if any(all(word in folded for word in way) for way in words)
    )


def _stand_in(match: re.Match[str]) -> str:
    kind = match.lastgroup
    return match[0] if kind == "placeholder" else (USER if kind == "user" else HOST)


@lru_cache(maxsize=64)
def _pattern(users: frozenset[str], host_names: frozenset[str]) -> re.Pattern[str]:
    alternatives = [f"(?P<placeholder>{PLACEHOLDER})"]
    for group, names in (("host", host_names), ("user", users)):
        if names:
            alternatives.append(f"(?P<{group}>{_any_of(names)})")
    return re.compile("|".join(alternatives), re.IGNORECASE)


def _any_of(names: Iterable[str]) -> str:
    """A pattern for any of the names; it reads each character of a text at most once a name."""
    ways = {way for name in names for way in spellings(name)}
    ordered = sorted(ways, key=lambda way: (-len(way), way))
    anywhere = [_spaced(way) for way in ordered if len(way) >= _ANYWHERE_MIN_CHARACTERS]
    words = [_as_word(way) for way in ordered if len(way) < _ANYWHERE_MIN_CHARACTERS]
    grown = [rf"(?<!{_LETTER}){_LETTER}*?(?:{'|'.join(anywhere)}){_LETTER}*"] if anywhere else []
    return "|".join([*grown, *words])


def _spaced(name: str) -> str:
    """A name of several words in either order, with what may stand between words in a file's name or a URL."""
    words = [re.escape(word) for word in name.split()]
    if len(words) == 1:
        return words[0]
    gap = r"(?:[\s._+-]|%20){1,2}"
    return rf"{gap.join(words)}|{words[-1]},?{gap}{gap.join(words[:-1])}"


def _as_word(name: str) -> str:
    return "".join(_word_parts(name))


def _word_parts(name: str) -> Iterator[str]:
    if _has_border(name[0]):
        yield f"(?:(?<!{_LETTER})|{_BEHIND}|{_HUMP})"
    yield f"(?:{_spaced(name)})"
    if _has_border(name[-1]):
        yield f"(?:(?!{_LETTER})|{_HUMP})"


def _has_border(character: str) -> bool:
    return character.isalpha() and not _IS_UNSPACED.match(character)
