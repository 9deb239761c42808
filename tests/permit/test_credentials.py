from __future__ import annotations

import pytest

from sampler.permit.credentials import names_secret, redact_secrets


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kennwort: hunter2", "Kennwort: ~secret"),
        ("密码：hunter2", "密码：~secret"),
        ("пароль=hunter2", "пароль=~secret"),
        ("password is hunter2", "password is ~secret"),
        ("password expired", "password expired"),
        ("password: false", "password: false"),
        ("password_required: true", "password_required: true"),
        ("max_tokens=100", "max_tokens=100"),
        ("token=100", "token=~secret"),
        ("bypass: yes", "bypass: yes"),
        ("compass: north", "compass: north"),
        ("dbpass: north", "dbpass: ~secret"),
        ("token-bucket==1.0", "token-bucket==1.0"),
        ("password == 'x y'", "password == ~secret"),
        ("<password>x y</password>", "<password>~secret</password>"),
        ('key="Password" value="x y"', 'key="Password" value=~secret'),
        ("cookie: yes", "cookie: yes"),
        ("Cookie: a=1; b=2", "Cookie: ~secret"),
        ("Authorization: Digest a=1, b=2", "Authorization: Digest ~secret"),
        ("run --api-key abc --x", "run --api-key ~secret --x"),
        ("ConvertTo-SecureString 'x y' -Force", "ConvertTo-SecureString ~secret -Force"),
    ],
)
def test_secrets_behind_a_word(text: str, expected: str) -> None:
    """A word for a secret announces one, in many languages and notations, unless the value cannot be one."""
    assert redact_secrets(text) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("--password", "x", True),
        ("/p:Password", "x", True),
        ("-Ddb.pass", "x", True),
        ("--password", "none", False),
        ("--max-tokens", "5", False),
        ("--author", "x", False),
        ("--token-file", "x", False),
    ],
)
def test_names_of_secrets(name: str, value: str, *, expected: bool) -> None:
    """An option or a variable says by its name whether its value is a secret."""
    assert names_secret(name, value) is expected
