from __future__ import annotations

import re

from sampler.permit.scanning import replace_confirmed


def test_what_begins_inside_a_wrong_proposal_is_found() -> None:
    """A proposal that is refused does not swallow the one that begins within it."""
    pattern = re.compile(r"\d{3}")
    assert replace_confirmed(pattern, "a1234b", lambda match: match[0] == "234", "~") == "a1~b"


def test_confirmed_ones_do_not_overlap() -> None:
    """What was replaced is not looked at again."""
    assert replace_confirmed(re.compile("aa"), "aaaa", lambda match: True, "~") == "~~"
