from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.extract.pdf_syntax import DEPTH_MAX_COUNT, TOKENS_MAX_COUNT, VALUE_MAX_BYTES, Name, Ref, Value, read_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"<< /A 1 /B [2 0 R -3 4.5 (x)] /C << /D /E >> >>", {"A": 1, "B": [Ref(2, 0), -3, b"x"], "C": {"D": "E"}}),
        (b"[true false null % a comment ]\n /N]", [True, False, None, "N"]),
        (rb"(a \(b\) \\ \n\101\53 (nested) \
end)", b"a (b) \\ \nA+ (nested) end"),
        (b"<48 65 6C6c 6>", b"Hell`"),
        (b"/J#61va#53cript", "JavaScript"),
        (b"<< /A 1 2 /B 3 /C >>", {"A": 1, "B": 3}),
        (b"<< /A /A /A 2 >>", {"A": "A"}),
        (b"(never closed", b"never closed"),
        (b"(", b""),
        (b"[[[1]", [[[1]]]),
    ],
)  # fmt: skip
def test_values_are_read_as_they_are_written(text: bytes, value: Value) -> None:
    """Every kind of object of ISO 32000-1, 7.3, well formed or not; the first of equal keys holds."""
    assert read_value(text, 0).value == value


def test_keywords_end_an_object_and_names_are_kept() -> None:
    """What follows ``endobj`` is another object's; names are listed with those that hide behind escapes counted."""
    reading = read_value(b"1 << /#4a#53 /A#20B /OpenAction >> endobj << /Later 1 >>", 0)
    assert reading.values == [1, {"JS": "A B"}]
    assert reading.stop == b"endobj"
    assert reading.names == ["JS", "A B", "OpenAction"]
    assert reading.escaped_names == 1
    assert isinstance(reading.names[0], Name)


@pytest.mark.usefixtures("ends_in_moments")
@pytest.mark.parametrize("hostile", [b"[", b"<<", b"(", b"<", b"/", b" ", b"%", b"1 ", b"(\\", b"[(", b"<</A", b"R "])
def test_hostile_repetition_takes_little_time(hostile: bytes) -> None:
    """However often anything is repeated, reading it ends soon and goes no deeper than it may."""
    text = hostile * (2 * VALUE_MAX_BYTES // len(hostile))
    reading = read_value(text, 0)
    assert reading.end <= VALUE_MAX_BYTES
    assert depth_of(reading.value) <= DEPTH_MAX_COUNT


def depth_of(value: Value) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth_of, inside), default=0) if isinstance(value, dict | list) else 0


def test_only_so_many_tokens() -> None:
    """A list of more numbers than are read is cut."""
    value = read_value(b"[" + b"1 " * (TOKENS_MAX_COUNT + 10) + b"]", 0).value
    assert isinstance(value, list)
    assert len(value) == TOKENS_MAX_COUNT - 1


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_read_to_an_end(data: bytes, offset: int) -> None:
    """No bytes raise, and what was read lies inside of them."""
    assert read_value(data, offset).end <= max(offset, len(data))
