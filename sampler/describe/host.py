"""The machine's operating system and architecture (ECS ``host.os.*``); never its name or addresses."""

from __future__ import annotations

import os
import platform

from sampler.describe.text import hostile_text
from sampler.model import Field


def host_fields() -> tuple[Field, ...]:
    """What os-release(5) and uname(2) say; what they do not say is left out."""
    kernel = os.uname()
    release = _os_release()
    identifier = release.get("ID", "")
    pairs = (
        ("host.os.family", (release.get("ID_LIKE", "").split() or [identifier])[0]),
        ("host.os.name", release.get("NAME", kernel.sysname)),
        ("host.os.version", release.get("VERSION_ID", "")),
        ("host.os.kernel", kernel.release),
        ("host.os.platform", identifier or kernel.sysname.lower()),
        ("host.architecture", kernel.machine),
    )
    return tuple(Field(name, hostile_text(value)) for name, value in pairs if value)


def _os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except (OSError, UnicodeDecodeError):
        return {}
