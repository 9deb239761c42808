"""Mail: headers, boundaries, encodings and uuencoded files, as scanner and as children see them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fuzz.documents import judge_document
from fuzz.seeds import SAMPLE_MAX_BYTES, samples
from fuzz.target import Target
from sampler.extract.mail import looks_like_mail

MAGIC: Final = b"From: a@example.invalid\nSubject: a\n"


def one_input(data: bytes) -> None:
    """Never an exception; recipes that make what they say."""
    judge_document(data if looks_like_mail(data) else MAGIC + data)


def _seeds() -> Iterator[bytes]:
    yield from (sample for sample in samples() if looks_like_mail(sample))


TARGET: Final = Target(
    one_input,
    _seeds,
    tokens=(
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\n", b"--a--\n", b"--fixture\n",
        b"Content-Type: message/rfc822\n\n",
        b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: quoted-printable\n", b"uuencode",
        b"begin 644 a\n", b"\nend\n", b"filename*0*=utf-8''%41", b"filename=\"=?utf-8?B?QQ==?=\"", b"; name=",
        b"multipart/digest", b"From a\n", b"\n\nFrom b\n", b"\r\n\r\n", b"=\n", b"=41",
    ),
    max_bytes=SAMPLE_MAX_BYTES,
)  # fmt: skip
