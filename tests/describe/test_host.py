from __future__ import annotations

import os
import platform

import pytest

from sampler.describe import host_fields

ALLOWED = {
    "host.os.family", "host.os.name", "host.os.version", "host.os.kernel", "host.os.platform", "host.architecture",
}  # fmt: skip


def facts() -> dict[str, object]:
    return {field.name: field.value for field in host_fields()}


def test_tells_system_and_architecture_and_no_name() -> None:
    """Kernel and architecture are those of uname(2), and no field but the six listed ones exists."""
    found = facts()
    assert found["host.os.kernel"] == os.uname().release
    assert found["host.architecture"] == os.uname().machine
    assert set(found) <= ALLOWED


def test_reads_os_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """The family is the first of the systems it is like; without one it is the system itself."""
    release = {"ID": "ubuntu", "ID_LIKE": "debian x", "NAME": "Ubuntu\x1b", "VERSION_ID": "24.04"}
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    found = facts()
    assert found["host.os.family"] == "debian"
    assert found["host.os.platform"] == "ubuntu"
    assert found["host.os.name"] == r"Ubuntu\x1b"
    assert found["host.os.version"] == "24.04"
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "debian"})
    assert facts()["host.os.family"] == "debian"


def test_does_without_os_release(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without os-release(5) is named by its kernel."""

    def absent() -> dict[str, str]:
        raise OSError("no os-release")

    monkeypatch.setattr(platform, "freedesktop_os_release", absent)
    found = facts()
    assert found["host.os.name"] == os.uname().sysname
    assert "host.os.version" not in found
