from __future__ import annotations

import pytest

from sampler.permit import options


@pytest.mark.parametrize(
    ("option", "value", "program", "expected"),
    [
        ("-u", "bob:pw", "curl", True),
        ("-u", "1000:1000", "docker", False),
        ("-u", "bob", "curl", False),
        ("--proxy", "http://proxy.example.org", "curl", False),
        ("-x", "http://u:p@proxy.example.org", "curl", True),
        ("-x", "a:b", "bash", False),
        ("-p", "hunter2", "unknown", True),
        ("-p", "2222", "ssh", False),
        ("-P", "hunter2", "unzip", True),
        ("-P", "2222", "scp", False),
        ("--password", "hunter2", "ssh", True),
        ("password", "hunter2", "x", False),
    ],
)
def test_secrets_that_an_option_announces(option: str, value: str, program: str, *, expected: bool) -> None:
    """Whether a secret follows depends on the option, on whose it is, and on what stands there."""
    assert options.announces_secret(option, value, program, logs_in=False) is expected


@pytest.mark.parametrize(
    ("argument", "program", "expected"),
    [
        ("-ppw", "mysql", "-p"),
        ("-p", "mysql", None),
        ("-print", "find", None),
        ("-hppw", "rar", "-hp"),
        ("-ub:p", "curl", "-u"),
    ],
)
def test_secrets_glued_to_their_option(argument: str, program: str, expected: str | None) -> None:
    """A glued secret is told by its program; an option alone carries none."""
    assert options.glued_secret(argument, program) == expected
