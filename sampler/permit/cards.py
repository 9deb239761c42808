"""Card numbers in a text: a network's prefix and length, written as cards are, with a sound check digit."""

from __future__ import annotations

import re
from typing import Final

from sampler.permit.names import CARD
from sampler.permit.scanning import replace_confirmed

_NUMBER: Final = re.compile(
    r"(?:(?<![\w.,-])|(?<=[,;(])|(?<=%B))"
    r"(?:\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{4}([ -])\d{6}\2\d{4,5}|\d{14,19})"
    r"(?!\w|[.,-]\d)"
)
_NETWORK: Final = re.compile(
    r"4\d{15}"  # Visa
    r"|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|(?:6011|64[4-9]\d|65\d{2})\d{12}"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|3(?:0[0-5]|095|[689]\d)\d{11}(?:\d\d)?"  # Diners Club
    r"|62\d{14,17}"  # UnionPay
    r"|(?:50(?:18|20|38)|5893|6304|6759|676[1-3])\d{8,15}"  # Maestro
    r"|220[0-4]\d{12}"  # Mir
)
"""Prefixes and lengths (ISO/IEC 7812-1 issuer numbers); Visa's old 13 digits are given up: times have as many."""


def redact_cards(text: str) -> str:
    """``text`` with card numbers replaced by ``~card``."""
    return replace_confirmed(_NUMBER, text, _is_card, CARD)


def _is_card(match: re.Match[str]) -> bool:
    digits = match[0].replace(" ", "").replace("-", "")
    return digits.isascii() and _NETWORK.fullmatch(digits) is not None and _is_sound(digits)


def _is_sound(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B (Luhn)."""
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(value // 10 + value % 10 for value in doubled)) % 10 == 0
