"""``consent.json``. The first byte of an input says whether the rest is the file, or a body under a sound digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from fuzz.target import Target
from sampler.errors import ConsentError
from sampler.limits import MIB
from sampler.model import Scope, StatementRef
from sampler.permit.consent import Consent, decode_consent, encode_consent

_NOW: Final = datetime(2026, 11, 24, tzinfo=UTC)
_SEALED: Final = b'{"consent":%s,"digest":"%s"}\n'


def one_input(data: bytes) -> None:
    """It is refused by ``ConsentError``, or it is a consent that is read again as it was written."""
    body = data[1:]
    if data[:1] == b"s":
        body = _SEALED % (body, hashlib.sha256(body).hexdigest().encode())
    try:
        consent = decode_consent(body)
    except ConsentError as error:
        assert str(error)
        return
    assert decode_consent(encode_consent(consent)) == consent
    left = consent.without(None, "root", _NOW)
    assert not left.scopes
    assert decode_consent(encode_consent(left)) == left


def _seeds() -> Iterator[bytes]:
    ref = StatementRef("extended", 1, "0" * 64)
    scopes = frozenset({Scope.METADATA, Scope.PARTS})
    for consent in (
        Consent(ref, scopes, "root", _NOW, _NOW),
        Consent(ref, scopes, "root", _NOW).without(None, "b", _NOW),
    ):
        data = encode_consent(consent)
        yield b"r" + data
        yield b"s" + data.removeprefix(b'{"consent":').rpartition(b',"digest"')[0]


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b'"statement":', b'"scopes":', b'"withdrawn":', b'"by":', b'"at":', b'"expires":', b'"metadata"', b"null",
        b'"2026-11-24T00:00:00"', b'"9999-12-31T23:59:59-23:59"', b'"0001-01-01T00:00:00+23:59"', b"[[[[", b"\\ud800",
        b"99999999999999999999", b'"digest":',
    ),
    memory_max_bytes=64 * MIB,
)  # fmt: skip
