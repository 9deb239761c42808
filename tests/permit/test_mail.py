from __future__ import annotations

import pytest

from sampler.permit.mail import redact_mail


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bob@example.org", "~mail"),
        ("o'neil@example.org", "~mail"),
        ("'bob@example.org'", "'~mail'"),
        ("bob%40example.org", "~mail"),
        ("иван@пример.рф", "~mail"),
        ("lodash@4.17.21", "lodash@4.17.21"),
        ("net@v0.17.0", "net@v0.17.0"),
        ("getty@tty1.service", "getty@tty1.service"),
        ("icon@2x.png", "icon@2x.png"),
        ("a@b", "a@b"),
        ("bob@example.org.txt", "~mail"),
        ("bob@1and1.com", "~mail"),
        ("bob@163.com", "~mail"),
    ],
)
def test_addresses_go_and_versions_stay(text: str, expected: str) -> None:
    """A mail address has a domain that the Internet could have; versions, units and pictures have none."""
    assert redact_mail(text) == expected
