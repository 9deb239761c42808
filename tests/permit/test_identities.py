from __future__ import annotations

import pytest

from sampler.permit.identities import redact_identities, redact_security_identifiers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DE89370400440532013000", "~id"),
        ("DE89 3704 0044 0532 0130 00 DANN", "~id DANN"),
        ("DE88370400440532013000", "DE88370400440532013000"),
        ("DE8937040044053201300", "DE8937040044053201300"),
        ("11010519491231002X", "~id"),
        ("110105194912310021", "110105194912310021"),
        ("11010519491331002X", "11010519491331002X"),
        ("219-09-9999", "~id"),
        ("666-09-9999", "666-09-9999"),
        ("900-09-9999", "900-09-9999"),
        ("219-00-9999", "219-00-9999"),
        ("219-09-0000", "219-09-0000"),
        ("ssn 219099999", "ssn ~id"),
        ("219099999", "219099999"),
        ("Steuer-ID 86095742719", "Steuer-ID ~id"),
        ("Steuer-ID 86095742718", "Steuer-ID 86095742718"),
        ("86095742719", "86095742719"),
        ("1 85 05 78 006 084 91", "~id"),
        ("1 85 05 78 006 084 92", "1 85 05 78 006 084 92"),
        ("2 85 05 2A 006 084 " + f"{97 - 2850519006084 % 97:02}", "~id"),
        ("DNI 12345678Z", "DNI ~id"),
        ("DNI 12345678A", "DNI 12345678A"),
        ("12345678Z", "12345678Z"),
        ("NIE X1234567L", "NIE ~id"),
        ("NINO AB123456C", "NINO ~id"),
        ("AB123456C", "AB123456C"),
    ],
)
def test_numbers_are_told_by_check_digits_or_a_word(text: str, expected: str) -> None:
    """Sound numbers go; unsound ones, and those of a common form without a word before them, stay."""
    assert redact_identities(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("S-1-5-21-1-2-3-1001", "~id"),
        ("S-1-12-1-1-2-3-4", "~id"),
        ("S-1-5-18", "S-1-5-18"),
        ("S-1-5-32-544", "S-1-5-32-544"),
        ("XS-1-5-21-1-2-3-1001", "XS-1-5-21-1-2-3-1001"),
    ],
)
def test_identifiers_of_windows(text: str, expected: str) -> None:
    """Those of a machine, a domain or a person go; those that every Windows has stay."""
    assert redact_security_identifiers(text) == expected
