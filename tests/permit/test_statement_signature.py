from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import ConsentError
from sampler.permit import StatementSignature, parse_signature

SOUND = str(StatementSignature("0123456789abcdef", b"\7" * 64)).encode()


@given(st.binary(min_size=64, max_size=64))
def test_a_signature_is_read_as_it_was_written(signature: bytes) -> None:
    """What is put beside a statement comes back."""
    made = StatementSignature("0123456789abcdef", signature)
    assert parse_signature(str(made).encode()) == made


@pytest.mark.parametrize(
    "data",
    [
        b"",
        SOUND[:-10],
        SOUND + SOUND,
        SOUND.replace(b"v1", b"v2"),
        SOUND.replace(b"key 0123456789abcdef", b"key 0123"),
        SOUND.replace(b"==", b"AA"),
        b"\xff" * 200,
    ],
)
def test_what_is_no_signature_is_refused(data: bytes) -> None:
    """A cut, doubled, later or otherwise strange file is an error of ours."""
    with pytest.raises(ConsentError, match="not a signature of a statement"):
        parse_signature(data)
