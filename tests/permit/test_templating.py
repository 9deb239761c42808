from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.permit import HostNames
from sampler.permit.templating import template_path

HOST = HostNames(
    homes=(("/home/alice", "alice"), ("/srv/people/ben stone", "ben"), ("C:\\Profiles\\jsmith", "jsmith")),
    users=frozenset({"alice", "ben", "jsmith"}),
    host_names=frozenset({"orchid7"}),
    pseudonym_key=b"k" * 32,
)
_pieces = st.sampled_from(
    [
        "/",
        "//",
        "\\",
        "home",
        "Users",
        "root",
        "alice",
        "ben",
        "jsmith",
        "orchid7",
        "media",
        "var",
        "mail",
        "run",
        "user",
        "1000",
        "C:",
        "Documents and Settings",
        "~user",
        "%USERPROFILE%",
        "Public",
        "srv",
        "people",
        "ben stone",
        "\n",
        " ",
        "=",
        "\udcff",
        ".",
        "tmp",
        "x",
    ]
)
paths = st.lists(_pieces | st.text(max_size=3), max_size=12).map("".join)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/alice/x", "~user/x"),
        ("/home/nobody-we-know/x", "~user/x"),
        ("/home/with\nnewline/x", "~user/x"),
        ("/home/al\udcffice/x", "~user/x"),
        ("/Users/Some One/x", "~user/x"),
        ("/Users/Shared/x", "/Users/Shared/x"),
        ("/root", "~user"),
        ("/root/.ssh", "~user/.ssh"),
        ("/rooted", "/rooted"),
        ("/srv/people/ben stone/x", "~user/x"),
        ("/mnt/disk/home/bob/x", "/mnt/disk/~user/x"),
        ("/mnt/srv/people/ben stone/x", "/mnt/~user/x"),
        ("/run/user/1000/x", "/run/user/~uid/x"),
        ("/media/bob/STICK", "/media/~user/STICK"),
        ("/run/media/bob/STICK", "/run/media/~user/STICK"),
        ("/var/mail/bob", "/var/mail/~user"),
        ("/var/spool/cron/crontabs/bob", "/var/spool/cron/crontabs/~user"),
        ("/tmp/alice-xyz", "/tmp/~user-xyz"),
        (r"C:\Users\Bob B\x.exe", r"%USERPROFILE%\x.exe"),
        ("C:/Users/bob/x.exe", "%USERPROFILE%/x.exe"),
        (r"c:\documents and settings\bob\x", r"%USERPROFILE%\x"),
        (r"\\?\C:\Users\bob\x", r"\\?\%USERPROFILE%\x"),
        (r"\Device\HarddiskVolume3\Users\bob\x", r"\Device\HarddiskVolume3\%USERPROFILE%\x"),
        (r"C:\Users\Public\x", r"C:\Users\Public\x"),
        (r"C:\Profiles\jsmith\x", r"~user\x"),
        ("/usr/bin/ls", "/usr/bin/ls"),
        ("", ""),
    ],
)
def test_homes_and_names_become_templates(path: str, expected: str) -> None:
    """Known and usual homes of three systems, folders named after people, and names anywhere else."""
    assert template_path(path, HOST) == expected


@given(paths)
def test_templating_twice_is_templating_once(path: str) -> None:
    """A templated path is left alone, whatever it was made of."""
    once = template_path(path, HOST)
    assert template_path(once, HOST) == once


@given(paths)
def test_no_name_is_left_as_a_word(path: str) -> None:
    """No person's and no machine's name stands anywhere in a templated path."""
    words = template_path(f"/{path}/alice/", HOST).replace("/", " / ").split(" / ")
    assert not {"alice", "ben", "jsmith", "orchid7"} & set(words)
    assert "jsmith" not in template_path(path, HOST)


@pytest.mark.parametrize("piece", ["\\", "/", "/home", "\\Users", "/media/", "C:\\", " ", "a=/home/", "~user"])
def test_long_paths_take_no_longer_than_their_length(piece: str) -> None:
    """A path of a hostile peer cannot make the agent think for minutes: the test's own time-out is the limit."""
    text = piece * (32_000 // len(piece))
    assert template_path(template_path(text, HOST), HOST) == template_path(text, HOST)
