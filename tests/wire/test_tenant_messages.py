from __future__ import annotations

import pytest

from sampler.wire.tenant_messages import ALL_TENANTS, DEFAULT_TENANT, is_tenant_name


@pytest.mark.parametrize(
    ("text", "good"),
    [(DEFAULT_TENANT, True), ("a-1", True), ("x" * 32, True), ("x" * 33, False), ("", False), ("A", False),
     ("a\n", False), ("ä", False), (ALL_TENANTS, False)],
)  # fmt: skip
def test_names_of_tenants(text: str, good: bool) -> None:
    """A tenant's name is short, plain, and never the word for all of them."""
    assert is_tenant_name(text) is good
