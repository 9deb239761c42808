from __future__ import annotations

from pathlib import Path

import pytest

from sampler.agent.signed_statements import read_signed, read_unsigned, sign_statement
from sampler.errors import ConsentError
from sampler.identity import PublicKey, SigningKey
from sampler.limits import STATEMENT_MAX_BYTES
from sampler.permit import SIGNATURE_CONTEXT, StatementSignature, digest_input, shipped_statement


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return SigningKey.create(tmp_path / "statements.key")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A statement of one's own: the narrow one that ships, under another name."""
    basic = shipped_statement("basic")
    path = tmp_path / "own.toml"
    path.write_bytes(basic.data.replace(b'id = "basic"', b'id = "own"'))
    path.with_suffix(".md").write_text(basic.text)
    return path


@pytest.fixture
def signed(file: Path, key: SigningKey) -> Path:
    sign_statement(file, key)
    return file


def test_a_signed_statement_is_read_with_its_signer(signed: Path, key: SigningKey, tmp_path: Path) -> None:
    """Where one of the trusted keys signed both files, the statement comes with the name of that key."""
    other = SigningKey.create(tmp_path / "other.key").public
    read = read_signed(signed, [other, key.public])
    assert (read.statement.id, read.key_id) == ("own", key.public.id)


def test_the_signature_is_three_lines_of_text(signed: Path, key: SigningKey) -> None:
    """Everybody can see which key is meant, and read the signature with other tools."""
    first, second, third = signed.with_suffix(".sig").read_text().splitlines()
    assert (first, second, len(third)) == ("sampler statement signature v1", f"key {key.public.id}", 88)


def test_an_unsigned_statement_is_refused(file: Path, key: SigningKey) -> None:
    """It can be read, and not accepted."""
    assert read_unsigned(file).id == "own"
    with pytest.raises(ConsentError, match=r"the statement is unsigned: there is no own\.sig beside it"):
        read_signed(file, [key.public])


def test_without_a_trusted_key_no_statement_is_trusted(signed: Path) -> None:
    """The refusal says where keys are named."""
    with pytest.raises(ConsentError, match=r"consent\.statement_keys"):
        read_signed(signed, [])


def test_a_key_that_is_not_trusted_is_named(signed: Path, key: SigningKey, tmp_path: Path) -> None:
    """Who signed, and who may, stand in the refusal."""
    other = SigningKey.create(tmp_path / "other.key").public
    with pytest.raises(ConsentError, match=f"signed by key {key.public.id}, and only {other.id} are trusted"):
        read_signed(signed, [other])


@pytest.mark.parametrize("ending", [".toml", ".md"])
def test_a_byte_changed_after_signing_is_seen(signed: Path, key: SigningKey, ending: str) -> None:
    """The signature is over both files as they were."""
    path = signed.with_suffix(ending)
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(ConsentError, match=r"the signature is not over own\.toml and its text as they are now"):
        read_signed(signed, [key.public])


def test_a_signature_in_another_context_is_none(signed: Path, key: SigningKey) -> None:
    """What the same key signed as something else, over the same bytes, does not count."""
    read = read_unsigned(signed)
    raw = key.sign(f"{SIGNATURE_CONTEXT}s", digest_input(read.data, read.text.encode()))
    signed.with_suffix(".sig").write_text(str(StatementSignature(key.public.id, raw)))
    with pytest.raises(ConsentError, match="the signature is not over"):
        read_signed(signed, [key.public])


def test_nothing_of_a_statement_is_parsed_before_its_signature_holds(signed: Path, key: SigningKey) -> None:
    """A broken statement under a signature that is not its own is refused for the signature."""
    signed.write_bytes(b"not toml at all = = =")
    with pytest.raises(ConsentError, match="the signature is not over"):
        read_signed(signed, [key.public])


@pytest.mark.parametrize(
    ("ending", "data"),
    [(".sig", b"?"), (".sig", b"x" * 5000), (".toml", b"#" * (STATEMENT_MAX_BYTES + 1)), (".md", None)],
)
def test_files_that_are_damaged_too_long_or_absent(
    signed: Path, key: SigningKey, ending: str, data: bytes | None
) -> None:
    """Each is an error of ours that names the file."""
    path = signed.with_suffix(ending)
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ConsentError):
        read_signed(signed, [key.public])


def test_what_is_not_sound_is_not_signed(file: Path, key: SigningKey) -> None:
    """Whoever signs learns first what no host would accept."""
    file.write_text(file.read_text().replace('"keep"', '"encrypt"', 1))
    with pytest.raises(ConsentError, match=r"own\.toml: statement: unknown treatment 'encrypt'"):
        sign_statement(file, key)
    assert not file.with_suffix(".sig").exists()


def test_a_key_is_told_as_it_stands_in_the_settings(key: SigningKey) -> None:
    """Its public half, as text, is the key again."""
    assert PublicKey.parse(str(key.public)) == key.public
