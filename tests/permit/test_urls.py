from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.permit import HostNames
from sampler.permit.urls import redact_url

HOST = HostNames(users=frozenset({"alice", "jsmith"}), host_names=frozenset({"orchid7"}), pseudonym_key=b"k" * 32)
_pieces = st.sampled_from(
    [
        "http",
        "https",
        "ftp",
        "://",
        ":",
        "/",
        "//",
        "@",
        "u:p",
        "evil.example.com",
        "alice",
        "jsmith",
        "orchid7",
        "[::1]",
        "10.0.0.1",
        "?q=jsmith",
        "#jsmith",
        "%6asmith",
        "%256asmith",
        ";",
        "8443",
        "\\",
        " ",
        "\t",
        ".",
        "localhost",
        "~user",
    ]
)
urls = st.lists(_pieces | st.text(max_size=2), max_size=9).map("".join)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://u:p@evil.example.com:8443/a/b?x=1#y", "https://evil.example.com:8443/a/b"),
        ("HTTP://Evil.example.com", "http://evil.example.com"),
        ("https://evil.example.com/a;jsessionid=1", "https://evil.example.com/a"),
        ("https://evil.example.com/a%2Falice%2fb", "https://evil.example.com/a/~user/b"),
        ("https://evil.example.com/%256a%2573mith", "https://evil.example.com/~user"),
        ("https://jsmith.example.com/x", "https://~user.example.com/x"),
        ("https://[2606:4700::1111]/x", "https://[2606:4700::1111]/x"),
        ("https://8.8.8.8/x", "https://8.8.8.8/x"),
    ],
)
def test_public_urls_keep_scheme_host_port_and_path(url: str, expected: str) -> None:
    """User info, query, fragment, parameters and names go, also encoded ones."""
    assert redact_url(url, HOST) == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.0.0.1/",
        "http://[::1]/",
        "http://[fe80::1]/",
        "http://[::ffff:192.168.0.1]/",
        "http://localhost/",
        "http://intranet/",
        "http://nas.local/",
        "http://x.corp/",
        "http://orchid7.example.com/",
        "file:///home/alice/x",
        "data:text/plain,alice",
        "about:internet",
        "alice",
        "http://",
        "http:///x",
        "http://a:99999/",
        "http://[::1",
        "http://a b.example.com/",
        "mailto:bob@example.com",
        "",
    ],
)
def test_private_and_unreadable_urls_are_dropped(url: str) -> None:
    """A private network in any spelling, this machine, other schemes and what is no URL: nothing of them leaves."""
    assert redact_url(url, HOST) is None


@given(urls)
def test_redacting_twice_is_redacting_once(url: str) -> None:
    """A redacted URL is left alone."""
    once = redact_url(url, HOST)
    assert once is None or redact_url(once, HOST) == once


@given(urls)
def test_nothing_of_a_person_is_left(url: str) -> None:
    """No name, query, fragment or user info is in a redacted URL, whatever it was made of."""
    once = redact_url(url, HOST)
    assert once is None or not [gone for gone in ("jsmith", "orchid7", "?", "#", "u:p@", "10.0.0.1") if gone in once]
