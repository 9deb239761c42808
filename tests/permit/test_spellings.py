from __future__ import annotations

import unicodedata
from typing import Literal

import pytest

from sampler.permit import HostNames
from sampler.permit.names import replace_names
from sampler.permit.spellings import spellings


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_both_forms_of_an_accent_are_found(form: Literal["NFC", "NFD"]) -> None:
    """A name is found however its accents are encoded, on either side."""
    host = HostNames(users=frozenset({unicodedata.normalize(form, "jörg")}), pseudonym_key=b"k" * 32)
    for text in (unicodedata.normalize("NFC", "/srv/jörg/x"), unicodedata.normalize("NFD", "/srv/jörg/x")):
        assert replace_names(text, host) == "/srv/~user/x"


@pytest.mark.parametrize("written", ["JÖRG WEISS", "weiß_jörg", "Weiß, Jörg", "J%C3%B6rg%20Wei%C3%9F", "jörg.weiß"])
def test_a_full_name_in_every_order_and_dress(written: str) -> None:
    """First name last, points for blanks, capitals and URLs' escapes hide nobody."""
    host = HostNames(users=frozenset({"Jörg Weiß"}), pseudonym_key=b"k" * 32)
    assert replace_names(f"/srv/{written}/x", host) == "/srv/~user/x"


def test_a_plain_name_has_one_spelling() -> None:
    """A lower-case name of plain letters is written in one way only."""
    assert spellings("ben") == ("ben",)
