"""The forms in which a content is handed out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final

from sampler.limits import COPY_CHUNK_BYTES
from sampler.neutered.cart import packed, unpacked
from sampler.neutered.zips import PASSWORD, unzipped, zipped

__all__ = ["PASSWORD", "Form", "file_name", "plain", "wrapped"]


class Form(StrEnum):
    """One of them; ``CART`` where nobody says which."""

    CART = "cart"
    """Compressed and under a public key: the format that the field exchanges samples in."""
    ZIP = "zip"
    """A zip file under AES with the password ``infected``."""
    ZIPCRYPTO = "zipcrypto"
    """The same by the traditional encryption, for tools that know no other; small contents only."""
    RAW = "raw"
    """The bytes as they are; for who has the right to them."""

    @property
    def media_type(self) -> str:
        """Of the answer that carries it. None of them makes a program start anything."""
        return "application/zip" if self in (Form.ZIP, Form.ZIPCRYPTO) else "application/octet-stream"


def file_name(sha256: str, form: Form) -> str:
    """What a file of this content in this form is called: by its hash, with an ending that nothing executes."""
    return f"{sha256}.{_ENDINGS[form]}"


def wrapped(pieces: Iterable[bytes], sha256: str, form: Form) -> Iterator[bytes]:
    """The content in this form, in pieces; blocking. Some pieces may be empty."""
    return _WRAPS[form](pieces, file_name(sha256, Form.RAW))


def plain(path: Path, form: Form) -> Iterator[bytes]:
    """The content that a file of this form holds, in pieces; blocking.

    Raises:
        ContentMismatch: it is no whole file of this form.
        OSError: it cannot be read.
    """
    if form in (Form.ZIP, Form.ZIPCRYPTO):
        yield from unzipped(path)
        return
    with path.open("rb") as file:
        if form is Form.CART:
            yield from unpacked(file)
        else:
            while data := file.read(COPY_CHUNK_BYTES):
                yield data


def _as_it_is(pieces: Iterable[bytes], _: str) -> Iterator[bytes]:
    return iter(pieces)


_ENDINGS: Final = {Form.CART: "cart", Form.ZIP: "zip", Form.ZIPCRYPTO: "zip", Form.RAW: "sample"}
_WRAPS: Final[dict[Form, Callable[[Iterable[bytes], str], Iterator[bytes]]]] = {
    Form.CART: packed,
    Form.ZIP: zipped,
    Form.ZIPCRYPTO: partial(zipped, legacy=True),
    Form.RAW: _as_it_is,
}
