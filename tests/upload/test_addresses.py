"""The addresses of one queue."""

from __future__ import annotations

import pytest

from sampler.errors import SettingsError
from sampler.upload.addresses import Addresses

A, B, C = "https://a:8443", "https://b:8443/queue", "https://c"


def test_the_next_one_follows_one_that_does_not_answer() -> None:
    """In order, and after the last comes the first."""
    addresses = Addresses(A, B + "/", C)
    seen = []
    for moment in range(4):
        seen.append(addresses.at(moment))
        addresses.failed(seen[-1] + "/v1/submissions", moment)
    assert seen == [A, B, C, A]


def test_several_requests_that_fail_together_move_on_once() -> None:
    """What is told of an address that is not used any more changes nothing."""
    addresses = Addresses(A, B)
    for _ in range(3):
        addresses.failed(A, 1.0)
    assert addresses.at(1.0) == B


def test_the_first_one_is_preferred() -> None:
    """After a while it is tried again, though another one answers."""
    addresses = Addresses(A, B)
    addresses.failed(A, 10.0)
    assert [addresses.at(moment) for moment in (10.0, 309.0, 310.0)] == [B, B, A]


def test_one_address_stays() -> None:
    """There is nowhere else to go."""
    addresses = Addresses(A)
    addresses.failed(A, 0.0)
    assert addresses.at(0.0) == A


def test_what_one_address_gave_is_had_at_another() -> None:
    """An upload that one began goes on at the next; a URL from elsewhere is nobody's."""
    addresses = Addresses(A, C)
    addresses.failed(A, 0.0)
    assert addresses.here(f"{A}/v1/uploads/1?x=2", 0.0) == f"{C}/v1/uploads/1?x=2"
    assert addresses.here("https://elsewhere:8443/v1/uploads/1", 0.0) is None
    assert addresses.here("https://[", 0.0) is None


@pytest.mark.parametrize("urls", [(), (A, "http://b"), ("https://u@a",), ("https://a?x",), (A,) * 17])
def test_what_are_no_addresses(urls: tuple[str, ...]) -> None:
    """None, too many, and whatever is not an https:// URL of a host."""
    with pytest.raises(SettingsError):
        Addresses(*urls)
