from __future__ import annotations

import pytest

from sampler.permit.accounts import names_nobody


@pytest.mark.parametrize(
    ("account", "expected"),
    [("root", True), ("Administrator", True), ("1000:1000", True), ('"none"', True), ("bob", False)],
)
def test_accounts_that_tell_nobody_apart(account: str, *, expected: bool) -> None:
    """Accounts of every machine, numbers and words for none are nobody's name."""
    assert names_nobody(account) is expected
