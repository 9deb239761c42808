"""Numbers that states, banks and Windows give to people: found by strict form and check digits.

Where a form is ambiguous, a word that announces it must stand shortly before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sampler.permit.names import ID
from sampler.permit.scanning import replace_confirmed

_NEAR_MAX_CHARACTERS: Final = 40
_IBAN_LENGTHS: Final = {
    15: "NO", 16: "BE", 18: "DK FI FO GL NL", 19: "MK SI", 20: "AT BA EE LT LU XK", 21: "CH HR LI LV",
    22: "BG DE GB GE IE ME RS", 23: "AE GI IL", 24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "PT", 26: "IS TR",
    27: "FR GR IT MC SM", 28: "AL AZ CY DO HU LB PL", 29: "BR EG PS QA UA", 30: "JO KW MU", 31: "MT SC",
}  # fmt: skip
_IBAN: Final = "|".join(
    rf"(?:{countries.replace(' ', '|')})\d\d(?:[ ]?[A-Z0-9]){{{length - 4}}}"
    for length, countries in _IBAN_LENGTHS.items()
)
_CHINESE_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_SPANISH_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of number."""

    pattern: re.Pattern[str]
    is_sound: Callable[[str], bool] = lambda number: True
    """Whether the number, without blanks and dashes, has the right check digits."""
    word: re.Pattern[str] | None = None
    """What must stand shortly before it."""

    def confirms(self, match: re.Match[str]) -> bool:
        """Whether what the pattern proposes is such a number."""
        before = match.string[max(0, match.start() - _NEAR_MAX_CHARACTERS) : match.start()]
        if self.word is not None and not self.word.search(before):
            return False
        number = re.sub(r"[ -]", "", match[0])
        return number.isascii() and self.is_sound(number)


def redact_identities(text: str) -> str:
    """``text`` with such numbers replaced by ``~id``."""
    for kind in _KINDS:
        text = replace_confirmed(kind.pattern, text, kind.confirms, ID)
    return text


def redact_security_identifiers(text: str) -> str:
    """``text`` without Windows' identifiers of machines, domains and people ([MS-DTYP], section 2.4.2)."""
    return _SECURITY_IDENTIFIER.sub(ID, text)


def _is_iban(number: str) -> bool:
    """ISO 13616: modulo 97, country and check digits moved to the end."""
    return int("".join(str(int(character, 36)) for character in number[4:] + number[:4])) % 97 == 1


def _is_german_tax_id(number: str) -> bool:
    """ISO 7064, MOD 11,10; two or three of the first ten digits are the same."""
    product = 10
    for digit in number[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(number[10]) and len(set(number[:10])) in (8, 9)


def _is_chinese_id(number: str) -> bool:
    """GB 11643: ISO 7064, MOD 11-2."""
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _CHINESE_WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == number[17].upper()


def _is_french_number(number: str) -> bool:
    """The key of the NIR: 97 less the number modulo 97; Corsica's letters count as 19 and 18."""
    digits = number[:13].upper().replace("2A", "19").replace("2B", "18")
    return 97 - int(digits) % 97 == int(number[13:])


def _is_spanish_number(number: str) -> bool:
    digits = number[:-1].upper().translate(str.maketrans("XYZ", "012"))
    return _SPANISH_LETTERS[int(digits) % 23] == number[-1].upper()


def _is_american_number(number: str) -> bool:
    """What the Social Security Administration gives out: no 000, 666 or 9.. area, no 00 group, no 0000 serial."""
    area, group, serial = number[:3], number[3:5], number[5:]
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def _bordered(form: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.-])(?:{form})(?![\w]|[.-]\w)")


def _words(*words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W\d_])(?:{'|'.join(words)})", re.IGNORECASE)


_SECURITY_IDENTIFIER: Final = re.compile(r"(?<![\w-])S-1-(?:5-21(?:-\d{1,10}){3,4}|12-1(?:-\d{1,10}){4})(?![\w-])")
_SOCIAL: Final = _words("ssn", "social[ _-]?sec")
_KINDS: Final = (
    _Kind(_bordered(_IBAN), _is_iban),
    _Kind(_bordered(r"[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"), _is_chinese_id),
    _Kind(
        _bordered(r"[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d"),
        _is_french_number,
    ),
    _Kind(_bordered(r"\d{3}-\d\d-\d{4}"), _is_american_number),
    _Kind(_bordered(r"\d{9}"), _is_american_number, _SOCIAL),
    _Kind(
        _bordered(r"[1-9]\d ?\d{3} ?\d{3} ?\d{3}"),
        _is_german_tax_id,
        _words("steuer", "id-?nr", "identifikationsn", "tin\\b", "tax"),
    ),
    _Kind(_bordered(r"\d{8}-?[A-Za-z]"), _is_spanish_number, _words("dni\\b", "nif\\b", "documento")),
    _Kind(_bordered(r"[XYZxyz]-?\d{7}-?[A-Za-z]"), _is_spanish_number, _words("nie\\b", "extranjer")),
    _Kind(
        _bordered(r"[A-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D]"),
        word=_words("nino\\b", "national ins", "ni n"),
    ),
)
