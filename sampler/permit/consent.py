"""What the owner agreed to, and its coding to bytes that show damage.

The document holds the consent and the SHA-256 of the consent's own bytes. That shows a disk's or an editor's slip, not
the hand of root, who could write another one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from sampler.errors import ConsentError
from sampler.limits import CONSENT_MAX_BYTES, TEXT_MAX_CHARACTERS
from sampler.model import Scope, StatementRef


@dataclass(frozen=True, slots=True)
class Consent:
    """Which scopes of which statement were accepted, by whom and when. No scopes: all of it was withdrawn."""

    statement: StatementRef
    scopes: frozenset[Scope]
    """What stands now."""
    by: str
    """The administrator who accepted."""
    at: datetime
    """UTC."""
    expires: datetime | None = None
    """UTC; ``None``: it stands until it is withdrawn."""
    withdrawn: frozenset[Scope] = frozenset()
    """What was accepted once and taken back."""
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.by) <= TEXT_MAX_CHARACTERS:
            raise ValueError(f"a consent names who gave it, in 1 to {TEXT_MAX_CHARACTERS} characters")
        for moment in (self.at, self.expires, self.withdrawn_at):
            if moment is not None and moment.tzinfo is None:
                raise ValueError("a consent's times have a time zone")
        if self.scopes & self.withdrawn:
            raise ValueError("a scope cannot both stand and be withdrawn")

    def stands(self, now: datetime) -> bool:
        """Whether anything at all may leave under it."""
        return bool(self.scopes) and (self.expires is None or now < self.expires)

    def without(self, scopes: frozenset[Scope] | None, by: str, now: datetime) -> Consent:
        """The consent after these scopes, or all of them, were withdrawn."""
        gone = self.scopes if scopes is None else self.scopes & scopes
        if not gone:
            return self
        left, taken = self.scopes - gone, self.withdrawn | gone
        return replace(self, scopes=left, withdrawn=taken, withdrawn_by=by, withdrawn_at=now)


def consent_to_plain(consent: Consent) -> dict[str, Any]:
    """The consent as a JSON object, for the record of who did what."""
    plain: dict[str, Any] = msgspec.to_builtins(consent, order="sorted")
    return plain


def consent_from_plain(plain: Any) -> Consent:
    """The consent that such an object holds.

    Raises:
        ConsentError: it holds none.
    """
    try:
        return msgspec.convert(plain, Consent)
    except msgspec.ValidationError as error:
        raise ConsentError(f"not a consent: {error}") from error


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``consent.json``."""

    consent: msgspec.Raw
    digest: str


_document_decoder = msgspec.json.Decoder(_Document)
_consent_decoder = msgspec.json.Decoder(Consent)


def encode_consent(consent: Consent) -> bytes:
    """JSON with its own digest; decoding gives an equal consent."""
    body = msgspec.json.encode(consent, order="sorted")
    return msgspec.json.encode(_Document(msgspec.Raw(body), hashlib.sha256(body).hexdigest())) + b"\n"


def decode_consent(data: bytes) -> Consent:
    """The consent that was encoded.

    Raises:
        ConsentError: it is damaged, too long, or was changed by hand.
    """
    if len(data) > CONSENT_MAX_BYTES:
        raise ConsentError(f"more than {CONSENT_MAX_BYTES} bytes")
    try:
        document = _document_decoder.decode(data)
        if hashlib.sha256(document.consent).hexdigest() != document.digest:
            raise ConsentError("it is not as it was written: its digest does not match")
        return _consent_decoder.decode(document.consent)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConsentError(f"not a consent: {error}") from error
