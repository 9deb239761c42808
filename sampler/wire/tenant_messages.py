"""Tenants: whose a device, a token, a submission and a task are. Names, and what is told of one."""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

from msgspec import Meta

DEFAULT_TENANT: Final = "default"
"""Whose everything is at a queue that has one tenant only, and whose everything was before there were any."""
ALL_TENANTS: Final = "*"
"""In a token's place for a tenant: its holder works for all of them. No tenant can have this name."""

_SHAPE: Final = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)

TenantName: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}$(?!\n)", description="tenant")]


def is_tenant_name(text: str) -> bool:
    """Whether a tenant can have this name: 1 to 32 of small letters, digits and hyphens."""
    return _SHAPE.fullmatch(text) is not None
