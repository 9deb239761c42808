"""Messages to bytes and back."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.wire.codec import DecodeError, decode, encode
from sampler.wire.messages import ContentMessage, Manifest, ObjectMessage, StatementMessage

SHA = "ab" * 32


def manifest(**fields: object) -> Manifest:
    return Manifest(
        id="0e7f3c52-9d4b-4a53-8a55-1f0f6f6f3a11",
        created=datetime(2026, 11, 24, tzinfo=UTC),
        object=ObjectMessage(sha256=SHA, size=3),
        statement=StatementMessage(id="extended", version=1, digest=SHA),
        fields=dict(fields),  # type: ignore[arg-type]  # the values are field values
        contents=[ContentMessage(sha256=SHA, size=3)],
    )


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,9}(\.[a-z0-9_]{1,9}){0,3}", fullmatch=True), st.text()))
def test_a_manifest_survives_the_wire(fields: dict[str, str]) -> None:
    """Decoding what was encoded gives the same manifest."""
    message = manifest(**fields)
    assert decode(encode(message), Manifest) == message


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: text[:-1], "truncated"),
        (lambda text: b"\xff" + text, "malformed"),
        (lambda text: text.replace(b'"size":3', b'"size":-3'), ">= 0"),
        (lambda text: text.replace(b'"size":3', b'"size":"3"'), "Expected `int`"),
        (lambda text: text.replace(SHA.encode(), SHA.upper().encode()), "matching regex"),
        (lambda text: text.replace(SHA.encode(), SHA.encode() + b"\\n"), "matching regex"),
        (lambda text: text.replace(b'3a11"', b'3a11\\n"'), "matching regex"),
        (lambda text: text.replace(b'"object"', b'"objects"'), "unknown field `objects`"),
        (lambda text: b"[" * 100_000, "Expected `object`, got `array`"),
        (lambda text: b"", "truncated"),
    ],
)
def test_what_is_no_manifest_is_refused_with_its_place(change: object, complaint: str) -> None:
    """Every fault of a manifest is a DecodeError that says what is wrong."""
    with pytest.raises(DecodeError, match=f"(?i){complaint}"):
        decode(change(encode(manifest())), Manifest)  # type: ignore[operator]


def test_first_decodings_on_many_threads_at_once_do_not_end_the_process() -> None:
    """A fresh process lives whose threads all decode their first messages together."""
    program = """
import sys, threading
from sampler.wire import messages
from sampler.wire.codec import DecodeError, decode
sys.setswitchinterval(1e-6)
kinds = [kind for kind in vars(messages).values() if isinstance(kind, type) and issubclass(kind, messages.Message)]
start = threading.Barrier(8)

def work(turn):
    start.wait()
    for kind in kinds[turn:] + kinds[:turn]:
        try:
            decode(b"[]", kind)
        except DecodeError:
            pass

threads = [threading.Thread(target=work, args=(turn,)) for turn in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
    codes = [subprocess.run([sys.executable, "-c", program], check=False).returncode for _ in range(3)]
    assert codes == [0, 0, 0]
