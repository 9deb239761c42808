from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.describe import QUICK_TYPE_BYTES, quick_type
from sampler.describe.signatures import BINARY


@pytest.mark.parametrize(
    ("head", "mime_type"),
    [
        (b"", "application/x-empty"),
        (b"Dear all,\nit rained.\n", "text/plain"),
        (b"gr\xfc\xdfe\n", "text/plain"),
        (b"\xff\xfeh\0i\0", "text/plain"),
        (b"\0" * 16, "application/octet-stream"),
        (b"MZ is a brand\n" * 20, "text/plain"),
        (b"MZ\x90" + bytes(61), "application/x-dosexec"),
        (b"#!/usr/bin/env -S python3.11 -u\n", "text/x-script.python"),
        (b"#! /bin/sh -e\n", "text/x-shellscript"),
        (b"#!/opt/unheard/of\n", "text/plain"),
        (b"\xef\xbb\xbf\n <!DOCTYPE HTML>", "text/html"),
    ],
)
def test_types(head: bytes, mime_type: str) -> None:
    """The first bytes and the first line tell."""
    assert quick_type(head, len(head)) == mime_type


@given(st.sampled_from([magic for magic, _ in BINARY]) | st.just(b""), st.binary(max_size=80))
def test_any_head_has_a_type(magic: bytes, rest: bytes) -> None:
    """No head, cut or mangled, raises."""
    head = magic + rest
    assert "/" in quick_type(head[:QUICK_TYPE_BYTES], len(head))
