"""The owner's consent on disk: ``consent.json``, and beside it the two files of each statement that was ever accepted.

Statements are named by their digest and stay, so that what was sent under an older one can still be explained. The
consent is written last: it never stands without its statement. Whatever is damaged counts as absent.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from sampler.errors import ConsentError
from sampler.limits import CONSENT_MAX_BYTES, STATEMENT_MAX_BYTES
from sampler.model import Scope, StatementRef
from sampler.permit import (
    Consent,
    Statement,
    decode_consent,
    encode_consent,
    parse_statement,
    shipped_names,
    shipped_statement,
)
from sampler.runtime.durable import write_durably

T = TypeVar("T")

_READABLE_BY_ALL = 0o644
_parsed = lru_cache(maxsize=8)(parse_statement)
"""Files are read each time, and what the same bytes say is remembered: parsing them took longer than all of permit."""


class ConsentStore:
    """Reads and writes the consent of one machine in ``folder``, which exists. Blocking."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> Consent | None:
        """The consent as it stands; ``None``: none was ever given. One without scopes was withdrawn.

        Raises:
            ConsentError: it is damaged, or others can write it; it counts as absent.
        """
        return self._sound(self._load)

    def accept(
        self,
        statement: Statement,
        scopes: frozenset[Scope],
        by: str,
        now: datetime,
        *,
        expires: datetime | None = None,
    ) -> Consent:
        """Note that ``by`` accepted these scopes of the statement, in place of any consent before.

        Raises:
            ConsentError: there is no such scope in the statement, none at all was named, or it cannot be written.
        """
        if not scopes or not scopes <= statement.scopes:
            known = ", ".join(sorted(statement.scopes))
            raise ConsentError(
                f"statement {statement.id} can be accepted in these scopes, at least one of them: {known}"
            )
        try:
            consent = Consent(statement.ref, scopes, by, now, expires)
        except ValueError as error:
            raise ConsentError(f"not accepted: {error}") from error
        self._write(self._named(statement.digest, "toml"), statement.data)
        self._write(self._named(statement.digest, "md"), statement.text.encode())
        self._write(self._consent, encode_consent(consent))
        return consent

    def withdraw(self, scopes: frozenset[Scope] | None, by: str, now: datetime) -> Consent | None:
        """Take these scopes back, or all of them; the consent that is left, ``None`` if none was given.

        Raises:
            ConsentError: the consent is damaged (it counts as absent already) or cannot be written.
        """
        consent = self.load()
        if consent is None:
            return None
        left = consent.without(scopes, by, now)
        self._write(self._consent, encode_consent(left))
        return left

    def statement(self) -> Statement:
        """The statement that the consent is for; while there is no consent, the narrowest that ships.

        Raises:
            ConsentError: consent or statement is damaged; the consent counts as absent.
        """
        consent = self.load()
        if consent is None:
            return shipped_statement(shipped_names()[0])
        return self._sound(lambda: self._accepted(consent.statement))

    def statement_of(self, digest: str) -> Statement:
        """A statement that was accepted at some time, by its digest.

        Raises:
            ConsentError: it is not here, or damaged.
        """
        statement = _parsed(
            self._read(self._named(digest, "toml"), STATEMENT_MAX_BYTES),
            self._read(self._named(digest, "md"), STATEMENT_MAX_BYTES),
        )
        if statement.digest != digest:
            raise ConsentError(f"{self._folder}: the files of statement {digest[:16]} are not those that were accepted")
        return statement

    def _load(self) -> Consent | None:
        if not os.path.lexists(self._consent):
            return None
        return decode_consent(self._read(self._consent, CONSENT_MAX_BYTES))

    def _accepted(self, ref: StatementRef) -> Statement:
        statement = self.statement_of(ref.digest)
        if statement.ref != ref:
            raise ConsentError(f"the statement is {statement.id} version {statement.version}, another was accepted")
        return statement

    @property
    def _consent(self) -> Path:
        return self._folder / "consent.json"

    def _named(self, digest: str, ending: str) -> Path:
        return self._folder / f"statement-{digest}.{ending}"

    def _sound(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except ConsentError as error:
            raise ConsentError(
                f"{self._consent}: damaged, so it counts as absent and nothing leaves this machine: {error}; "
                "accept anew with: sampler consent accept"
            ) from error

    def _write(self, path: Path, data: bytes) -> None:
        try:
            write_durably(path, data, mode=_READABLE_BY_ALL)
        except OSError as error:
            raise ConsentError(f"{path}: cannot be written: {error}; what stood before still stands") from error

    def _read(self, path: Path, ceiling: int) -> bytes:
        """A file's bytes, at most one more than ``ceiling``, if nobody but root and this account can write it."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode) or not _only_ours(status):
                    raise ConsentError(f"{path}: others than root and this account can write it")
                return file.read(ceiling + 1)
        except OSError as error:
            raise ConsentError(f"{path}: cannot be read: {error}") from error


def _only_ours(status: os.stat_result) -> bool:
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
