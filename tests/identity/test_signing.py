"""Ed25519 keys and what they sign."""

from __future__ import annotations

from pathlib import Path

import pytest

from sampler.errors import IdentityError
from sampler.identity import PublicKey, SigningKey


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return SigningKey.create(tmp_path / "sign.key")


def test_a_signature_is_good_for_its_document_in_its_context(key: SigningKey) -> None:
    """And for nothing else, however context and document are divided."""
    signature = key.sign("receipt", b"document")
    assert key.public.has_signed("receipt", b"document", signature)
    for context, document in (("recall", b"document"), ("receipt", b"documen"), ("receipt 8 d", b"ocument")):
        assert not key.public.has_signed(context, document, signature)


@pytest.mark.parametrize("signature", [b"", b"\0" * 64, b"\0" * 65])
def test_what_is_no_signature(key: SigningKey, signature: bytes) -> None:
    """Whatever its length, it is refused and raises nothing."""
    assert not key.public.has_signed("receipt", b"document", signature)


def test_another_key(key: SigningKey, tmp_path: Path) -> None:
    """One key does not sign for another."""
    other = SigningKey.create(tmp_path / "other.key")
    assert not key.public.has_signed("a", b"b", other.sign("a", b"b"))
    assert key.public.id != other.public.id


def test_kept_keys(key: SigningKey, tmp_path: Path) -> None:
    """A key comes back from its file, which its owner alone can read and which is never overwritten."""
    path = tmp_path / "sign.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert SigningKey.load(path).public == key.public
    with pytest.raises(IdentityError, match="already"):
        SigningKey.create(path)


def test_public_keys_as_text(key: SigningKey) -> None:
    """What is written is read again."""
    assert PublicKey.parse(f" {key.public}\n") == key.public


@pytest.mark.parametrize("text", ["", "abc", "ü", "A" * 44, "AAAA"])
def test_what_is_no_public_key(text: str) -> None:
    """It is named, and what would be one."""
    with pytest.raises(IdentityError, match="not a public key"):
        PublicKey.parse(text)
