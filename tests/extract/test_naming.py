from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sampler.extract.naming import printable, shortened


def test_escapes_what_cannot_be_printed() -> None:
    """NULs around a name go, control characters, text direction and bad UTF-8 are escaped, letters stay."""
    assert printable(b"\0.text\0\0") == ".text"
    assert printable(b"a\x1b[31m\r\n") == r"a\x1b[31m\r\n"
    assert printable(b"\xff\xfe") == r"\xff\xfe"
    assert printable("exe\u202efdp.txt") == r"exe\u202efdp.txt"
    assert printable("資源") == "資源"


@given(raw=st.one_of(st.binary(max_size=3000), st.text(max_size=3000)), ceiling=st.integers(1, 300))
def test_any_name_is_printable_and_bounded(raw: bytes | str, ceiling: int) -> None:
    """Whatever a name holds, its text is printable, within the ceiling, and fit for UTF-8."""
    text = printable(raw, ceiling)
    assert len(text) <= ceiling
    assert text.isprintable()
    assert text.encode("utf-8").decode("utf-8") == text


def test_shortening_shows_that_something_is_missing() -> None:
    """A text of the ceiling's length stays; one longer ends in an ellipsis at that length."""
    assert shortened("abcd", 4) == "abcd"
    assert shortened("abcde", 4) == "abc…"
