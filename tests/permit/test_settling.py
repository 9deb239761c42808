from __future__ import annotations

from sampler.permit.settling import settle


def test_what_is_left_alone_is_the_result() -> None:
    """A rewriting is applied until it changes nothing more."""
    assert settle(lambda text: text.replace("aa", "a"), "aaaaaaaa", hopeless="!") == "a"


def test_what_never_rests_is_given_up() -> None:
    """A rewriting that always changes something gives the value that says nothing."""
    assert settle(lambda text: text + "a", "a", hopeless="~secret") == "~secret"
