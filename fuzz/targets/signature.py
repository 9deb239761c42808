"""The signature of whatever begins like a PE, and of certificate tables made of any bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fuzz import signatures
from fuzz.judging import examination_of, judge
from fuzz.target import Target
from sampler.describe.authenticode import signature_fields
from sampler.limits import KIB

_PROGRAM: Final = signatures.program()


def one_input(data: bytes) -> None:
    """Never an exception; fields that a child may name, of the bytes as a file and as a signature in a sound one."""
    for content in (b"MZ" + data[2:], signatures.attach(_PROGRAM, data)):
        judge(examination_of(fields=signature_fields(content, signatures.NOW)), len(content))


def _seeds() -> Iterator[bytes]:
    root = signatures.issue("Root", authority=True, usages=())
    signer = signatures.issue("Signer", root)
    stamper = signatures.issue("Stamper of all", root, usages=(signatures.STAMPING,))
    content = signatures.indirect_data(signatures.image_digest(_PROGRAM))
    plain = signatures.sign(signer, content, certificates=(root,))
    stamp = signatures.counter_signature(stamper, signatures.signature_of(signer, content), signatures.NOW)
    yield plain
    yield signatures.sign(signer, content, certificates=(root,), stamped_by=stamper)
    yield signatures.sign(signer, content, certificates=(root, stamper), unsigned=(("1.2.840.113549.1.9.6", stamp),))
    yield signatures.sign(signer, content, unsigned=(("1.3.6.1.4.1.311.2.4.1", plain),))
    yield signatures.attach(_PROGRAM, plain)


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"\x30\x82", b"\x30\x80", b"\x31\x82", b"\xa0\x82", b"\xa1\x82", b"\x02\x01\x01", b"\x04\x20", b"\x05\0",
        b"\x30\x84\xff\xff\xff\xff", b"\x06\x03\x55\x1d\x25", b"\x06\x03\x55\x1d\x13", b"\x0b\x06\x09\x60\x86\x48",
    ),
    max_bytes=16 * KIB,
)  # fmt: skip
