"""Statements that do not ship with Sampler: three files beside each other, accepted only if a trusted key signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sampler.errors import ConsentError
from sampler.identity import PublicKey, SigningKey
from sampler.limits import STATEMENT_MAX_BYTES
from sampler.permit import (
    SIGNATURE_CONTEXT,
    Statement,
    StatementSignature,
    digest_input,
    parse_signature,
    parse_statement,
)
from sampler.runtime.durable import write_durably

_SIGNATURE_MAX_BYTES: Final = 1024
_READABLE_BY_ALL: Final = 0o644


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement, and who vouches for it."""

    statement: Statement
    key_id: str


def read_unsigned(path: Path) -> Statement:
    """The statement of ``NAME.toml`` and ``NAME.md``, whoever wrote it.

    Raises:
        ConsentError: a file cannot be read, or the statement is not sound.
    """
    data, text = (_read(path.with_suffix(ending), STATEMENT_MAX_BYTES) for ending in (".toml", ".md"))
    return _of(path, data, text)


def read_signed(path: Path, keys: Sequence[PublicKey]) -> SignedStatement:
    """The statement of ``NAME.toml``, ``NAME.md`` and ``NAME.sig``.

    The checks, in their order:

    1. some key is trusted at all;
    2. there is a signature, of the right form;
    3. it names a trusted key;
    4. that key signed these very two files;
    5. the statement is sound; nothing of it is parsed before.

    Raises:
        ConsentError: the first check that fails, by name.
    """
    # 1. trusted keys
    if not keys:
        raise ConsentError(
            f"{path}: no key is trusted for statements; name one in the settings: consent.statement_keys"
        )
    # 2. a signature
    file = path.with_suffix(".sig")
    if not file.exists():
        raise ConsentError(f"{path}: the statement is unsigned: there is no {file.name} beside it")
    signature = parse_signature(_read(file, _SIGNATURE_MAX_BYTES))
    # 3. of a trusted key
    key = next((key for key in keys if key.id == signature.key_id), None)
    if key is None:
        known = ", ".join(key.id for key in keys)
        raise ConsentError(f"{file}: signed by key {signature.key_id}, and only {known} are trusted for statements")
    # 4. over these files
    data, text = (_read(path.with_suffix(ending), STATEMENT_MAX_BYTES) for ending in (".toml", ".md"))
    if not key.has_signed(SIGNATURE_CONTEXT, digest_input(data, text), signature.signature):
        raise ConsentError(f"{file}: the signature is not over {path.name} and its text as they are now")
    # 5. sound
    return SignedStatement(_of(path, data, text), key.id)


def sign_statement(path: Path, key: SigningKey) -> Path:
    """Sign a statement that is sound; the file of the signature, beside it.

    Raises:
        ConsentError: it is not sound, or the signature cannot be written.
    """
    statement = read_unsigned(path)
    signed = key.sign(SIGNATURE_CONTEXT, digest_input(statement.data, statement.text.encode("utf-8")))
    file = path.with_suffix(".sig")
    try:
        write_durably(file, str(StatementSignature(key.public.id, signed)).encode("ascii"), mode=_READABLE_BY_ALL)
    except OSError as error:
        raise ConsentError(f"{file}: cannot be written: {error}") from error
    return file


def _of(path: Path, data: bytes, text: bytes) -> Statement:
    try:
        return parse_statement(data, text)
    except ConsentError as error:
        raise ConsentError(f"{path}: {error}") from error


def _read(path: Path, ceiling: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(ceiling + 1)
    except OSError as error:
        raise ConsentError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > ceiling:
        raise ConsentError(f"{path}: more than {ceiling} bytes")
    return data
