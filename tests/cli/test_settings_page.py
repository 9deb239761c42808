"""docs/settings.md and the settings themselves say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sampler.agent.settings import AgentSettings
from sampler.server import QueueSettings
from sampler.worker import ClientSettings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def documented(role: str) -> dict[str, str]:
    section = re.search(rf"^## {role}\.toml\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert section is not None
    rows = re.findall(r"^\| `([^`]+)` \| (?:`([^`]*)`|(required)) \|", section[1], re.MULTILINE)
    return {key: default or required for key, default, required in rows}


def real(kind: type[msgspec.Struct], prefix: str = "") -> Iterator[tuple[str, str]]:
    for field in msgspec.structs.fields(kind):
        name = f"{prefix}{field.encode_name}"
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from real(field.type, f"{name}.")
        else:
            yield name, "required" if field.required else json.dumps(msgspec.to_builtins(default_of(field)))


def default_of(field: msgspec.structs.FieldInfo) -> object:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


@pytest.mark.parametrize(
    ("role", "kind"), [("agent", AgentSettings), ("queue", QueueSettings), ("client", ClientSettings)]
)
def test_every_setting_is_documented_with_its_default(role: str, kind: type[msgspec.Struct]) -> None:
    """Each key and default of a role stands on the page, and nothing else does."""
    assert documented(role) == dict(real(kind))
