from __future__ import annotations

import pytest

from sampler.permit.machines import redact_machines, redact_share_path, without_machine


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("db01.corp.local:5432", "~host:5432"),
        ("nas.lan, x", "~host, x"),
        ("vm-7.c.p.internal", "~host"),
        ("jdk.internal.misc", "jdk.internal.misc"),
        ("com.apple.internal", "com.apple.internal"),
        ("settings.local.json", "settings.local.json"),
        ("HOSTNAME=web-01", "HOSTNAME=~host"),
        ('"host": "web-01"', '"host": "~host"'),
        ("host=files.example.org", "host=files.example.org"),
        ("host=10.0.0.1", "host=~address"),
        ("hosts: files dns", "hosts: files dns"),
        (r"\\fs\share", r"\\~host\share"),
        (r"\\?\UNC\fs\share", r"\\?\UNC\~host\share"),
        (r"\\?\C:\x", r"\\?\C:\x"),
        (r"\\.\pipe\x", r"\\.\pipe\x"),
        (r"\\wsl$\Debian\x", r"\\wsl$\Debian\x"),
        (r"C:\a\\b\c", r"C:\a\\b\c"),
    ],
)
def test_machines_within_a_text(text: str, expected: str) -> None:
    """Names of a private network go by ending, by the word before them and as servers of shares; packages stay."""
    assert redact_machines(text) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (r"\\fs", r"\\~host"),
        (r"\\10.0.0.1\x", r"\\~address\x"),
        ("//fs/share/x", "//~host/share/x"),
        ("//files.example.org/share", "//files.example.org/share"),
        ("//usr/bin", "//usr/bin"),
        ("/net/nas/x", "/net/~host/x"),
        ("/net", "/net"),
    ],
)
def test_a_whole_path_on_another_machine(path: str, expected: str) -> None:
    """The machine's name goes in each way to write such a path; a local path with two slashes stays."""
    assert redact_share_path(path) == expected


@pytest.mark.parametrize("name", ["localhost", "files.example.org", "8.8.8.8", "443", "~host", "a b", ""])
def test_what_is_no_private_machine_stays(name: str) -> None:
    """Public names and addresses, numbers and what is no name are left."""
    assert without_machine(name) == name
