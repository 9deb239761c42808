from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sampler.describe.text import hostile_text, rfc3339


def test_escapes_what_cannot_be_printed() -> None:
    """Control characters, text direction, NULs and bad UTF-8 are escaped; letters and blanks of any script stay."""
    assert hostile_text(b"a\nb\x1b[31m\0") == r"a\nb\x1b[31m\x00"
    assert hostile_text("invoice\u202efdp.exe") == r"invoice\u202efdp.exe"
    assert hostile_text(b"caf\xe9") == r"caf\xe9"
    assert hostile_text("報告\u3000書") == "報告\u3000書"


@given(raw=st.one_of(st.binary(max_size=2000), st.text(max_size=2000)), ceiling=st.integers(1, 300))
def test_any_text_is_bounded_and_fit_for_json(raw: bytes | str, ceiling: int) -> None:
    """Whatever it was, it is within the ceiling, can be encoded, and holds no line end or escape."""
    text = hostile_text(raw, ceiling)
    assert len(text) <= ceiling
    text.encode("utf-8")
    assert not any(character < " " for character in text)


def test_times_are_utc_to_the_second() -> None:
    """Fractions are cut off, also before 1970; a time that no calendar has is none."""
    assert rfc3339(0) == "1970-01-01T00:00:00Z"
    assert rfc3339(1_600_000_000.999) == "2020-09-13T12:26:40Z"
    assert rfc3339(-0.5) == "1969-12-31T23:59:59Z"
    assert rfc3339(-62_135_596_800) == "0001-01-01T00:00:00Z"
    assert rfc3339(1 << 62) is None
    assert rfc3339(float("nan")) is None
    assert rfc3339(float("inf")) is None
