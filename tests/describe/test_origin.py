from __future__ import annotations

from collections.abc import Callable

import pytest

from sampler.describe import origin_fields
from sampler.limits import URL_MAX_CHARACTERS
from sampler.model import Snapshot

Build = Callable[..., Snapshot]

ATTRIBUTES = (
    ("user.xdg.origin.url", b"https://example.org/file.exe"),
    ("user.xdg.referrer.url", b"https://example.org/page\0"),
)


def facts(snapshot: Snapshot, origin_url: str | None = None) -> dict[str, object]:
    return {field.name: field.value for field in origin_fields(snapshot, origin_url)}


def test_reads_the_attributes(snapshot: Build) -> None:
    """Where a browser left both addresses, both are facts."""
    assert facts(snapshot(attributes=ATTRIBUTES)) == {
        "file.origin_url": "https://example.org/file.exe",
        "file.origin_referrer_url": "https://example.org/page",
    }


def test_the_caller_s_word_comes_first(snapshot: Build) -> None:
    """An address that the caller gives replaces the attribute's, unless it is none."""
    assert facts(snapshot(attributes=ATTRIBUTES), "ftp://other.example/x")["file.origin_url"] == "ftp://other.example/x"
    assert facts(snapshot(attributes=ATTRIBUTES), "no url")["file.origin_url"] == "https://example.org/file.exe"
    assert facts(snapshot()) == {}


@pytest.mark.parametrize(
    "hostile",
    [b"", b"no address", b"https://a\nSet-Cookie: x", b"https://a b", b"\x1b]0;x\x07", b"https://\xff", b"http://x\0y",
     b"https://" + b"a" * URL_MAX_CHARACTERS, "https://exe\u202efdp".encode()],
)  # fmt: skip
def test_what_is_no_address_is_left_out(snapshot: Build, hostile: bytes) -> None:
    """Blanks, control characters, text direction, bad UTF-8 and excess length make it no address."""
    assert facts(snapshot(attributes=(("user.xdg.origin.url", hostile),))) == {}


def test_the_longest_address_is_kept(snapshot: Build) -> None:
    """An address of the ceiling's length is whole."""
    url = "https://example.org/".ljust(URL_MAX_CHARACTERS, "a")
    assert facts(snapshot(), url) == {"file.origin_url": url}
