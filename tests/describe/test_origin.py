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
    """The two facts that ECS knows."""
    return {name: value for name, value in every_fact(snapshot, origin_url).items() if name.startswith("file.")}


def every_fact(snapshot: Snapshot, origin_url: str | None = None) -> dict[str, object]:
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


MARK = b"[ZoneTransfer]\r\nZoneId=3\r\nReferrerUrl=https://page.example/\r\nHostUrl=https://mark.example/f.exe\r\n"


@pytest.mark.parametrize("attribute", ["user.Zone.Identifier", "user.DosStream.Zone.Identifier:$DATA"])
def test_the_mark_of_windows(snapshot: Build, attribute: str) -> None:
    """Where only the mark tells an origin, it is the origin; NTFS-3G's and Samba's are the same."""
    assert every_fact(snapshot(attributes=((attribute, MARK + b"\0"),))) == {
        "file.origin_url": "https://mark.example/f.exe",
        "file.origin_referrer_url": "https://page.example/",
        "sampler.file.origin.zone_url": "https://mark.example/f.exe",
        "sampler.file.origin.zone_referrer_url": "https://page.example/",
        "sampler.file.origin.zone_id": 3,
    }


def test_who_contradicts_whom(snapshot: Build) -> None:
    """Where caller, attributes and mark differ, all of them are kept, each under its name."""
    found = every_fact(snapshot(attributes=(*ATTRIBUTES, ("user.Zone.Identifier", MARK))), "https://caller.example/")
    assert found == {
        "file.origin_url": "https://caller.example/",
        "file.origin_referrer_url": "https://example.org/page",
        "sampler.file.origin.caller_url": "https://caller.example/",
        "sampler.file.origin.xdg_url": "https://example.org/file.exe",
        "sampler.file.origin.zone_url": "https://mark.example/f.exe",
        "sampler.file.origin.xdg_referrer_url": "https://example.org/page",
        "sampler.file.origin.zone_referrer_url": "https://page.example/",
        "sampler.file.origin.zone_id": 3,
    }


def test_a_mark_that_does_not_want_to_say(snapshot: Build) -> None:
    """``about:internet`` is no address; the zone stays."""
    mark = b"[ZoneTransfer]\nZoneId=3\nHostUrl=about:internet\n"
    assert every_fact(snapshot(attributes=(("user.Zone.Identifier", mark),))) == {"sampler.file.origin.zone_id": 3}
