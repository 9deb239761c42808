"""Signatures of programs that the tests sign themselves, sound and wrong in one way each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fuzz.signatures import (
    CODE,
    NOW,
    STAMPING,
    Identity,
    attach,
    counter_signature,
    image_digest,
    indirect_data,
    issue,
    key,
    program,
    sign,
    signature_of,
    tlv,
)
from sampler.describe.authenticode import signature_fields
from sampler.limits import SIGNATURE_CERTIFICATES_MAX_COUNT, SIGNATURES_MAX_COUNT

IMAGE = program()
CONTENT = indirect_data(image_digest(IMAGE))
ROOT = issue("Root", authority=True, usages=())
SIGNER = issue("Signer", ROOT)
STAMPER = issue("Stamper of all", ROOT, usages=(STAMPING,))
COUNTER_SIGNATURE = "1.2.840.113549.1.9.6"
NESTED = "1.3.6.1.4.1.311.2.4.1"

Facts = dict[str, object]


def facts(content: bytes) -> Facts:
    """The facts of a file, with the names' last parts alone."""
    return {field.name.rpartition(".")[2]: field.value for field in signature_fields(content, NOW)}


def verdict(content: bytes) -> tuple[object, object]:
    """Status and validity of a file's signature."""
    found = facts(content)
    return found["status"], found.get("valid")


def test_a_sound_signature() -> None:
    """Who signed, with what, and the chain that the file brings; nothing says that it is trusted."""
    found = facts(attach(IMAGE, sign(SIGNER, CONTENT, certificates=(ROOT,))))
    assert (found["exists"], found["valid"], found["status"]) == (True, True, "good")
    assert (found["subject_name"], found["issuer"], found["chain"]) == ("Signer", "Root", ("Signer", "Root"))
    assert found["digest_algorithm"] == "sha256"
    assert found["digest_sha256"] == image_digest(IMAGE).hex()
    assert found["thumbprint_sha256"] == found["chain_thumbprints_sha256"][0]  # type: ignore[index]
    assert found["not_after"] == (NOW + timedelta(days=100)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert not {"trusted", "reason", "timestamp", "others"} & set(found)


@pytest.mark.parametrize("content", [IMAGE, IMAGE[:300], b"MZ", b"MZ" + b"\xff" * 200])
def test_unsigned(content: bytes) -> None:
    """A program without a certificate table is not signed, and that is all there is to say."""
    assert facts(content) == {"exists": False}


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"PK\x03\x04"])
def test_what_is_no_windows_program(content: bytes) -> None:
    """Other files have no such facts at all."""
    assert signature_fields(content, NOW) == ()


@pytest.mark.parametrize("place", [0x02, 600, 64 + 24 + 60])
def test_changed_after_signing(place: int) -> None:
    """A byte that changes anywhere in headers or sections breaks the digest."""
    signed = bytearray(attach(IMAGE, sign(SIGNER, CONTENT)))
    signed[place] ^= 1
    assert verdict(bytes(signed)) == ("bad-digest", False)


def test_bytes_behind_the_table_count() -> None:
    """What is added behind the signature is hashed too; the checksum is not."""
    signed = attach(IMAGE, sign(SIGNER, CONTENT))
    assert verdict(signed + b"more")[0] == "bad-digest"
    assert verdict(signed[:152] + b"\1\2\3\4" + signed[156:]) == ("good", True)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384"])
def test_digests(algorithm: str) -> None:
    """The algorithms that signing tools have used verify."""
    content = indirect_data(image_digest(IMAGE, algorithm), algorithm)
    found = facts(attach(IMAGE, sign(SIGNER, content, algorithm=algorithm)))
    assert (found["status"], found["digest_algorithm"]) == ("good", algorithm)


def test_elliptic_curves() -> None:
    """A key on a curve verifies, and does not verify another's signature."""
    signer = issue("Curved", ROOT, own_key=key("ec"))
    assert verdict(attach(IMAGE, sign(signer, CONTENT, certificates=(ROOT,)))) == ("good", True)
    forged = Identity(signer.certificate, key("ec", 1))
    assert verdict(attach(IMAGE, sign(forged, CONTENT))) == ("bad-signature", False)


def test_signed_by_another() -> None:
    """A certificate beside a signature that its key did not make proves nothing."""
    thief = Identity(SIGNER.certificate, key("rsa", 99))
    found = facts(attach(IMAGE, sign(thief, CONTENT, certificates=(ROOT,))))
    assert (found["status"], found["valid"]) == ("bad-signature", False)
    assert found["reason"] == "Signer did not make the signature"


def test_another_content_was_signed() -> None:
    """Exchanging what is signed for a digest that fits is seen."""
    other = indirect_data(b"\0" * 32)
    signed = sign(SIGNER, other).replace(b"\0" * 32, image_digest(IMAGE))
    assert verdict(attach(IMAGE, signed)) == ("bad-signature", False)


def test_expired() -> None:
    """A certificate that is over is said to be, though the signature is sound; a stamp from before saves it."""
    old = issue("Expired one", ROOT, since=NOW - timedelta(days=90), until=NOW - timedelta(days=1))
    assert verdict(attach(IMAGE, sign(old, CONTENT, certificates=(ROOT,)))) == ("not-valid-then", True)
    then = NOW - timedelta(days=2)
    signed = sign(old, CONTENT, certificates=(ROOT,), stamped_by=STAMPER, stamped=then)
    found = facts(attach(IMAGE, signed))
    assert (found["status"], found["timestamp"]) == ("good", "2026-11-22T12:00:00Z")
    assert found["timestamp_authority"] == "Stamper of all"


def test_not_yet_valid() -> None:
    """A certificate of the future is not good now."""
    future = issue("Future one", ROOT, since=NOW + timedelta(days=1))
    assert verdict(attach(IMAGE, sign(future, CONTENT))) == ("not-valid-then", True)


def test_counter_signatures() -> None:
    """The older kind of time stamp is read, and one over another signature does not count."""
    made = signature_of(SIGNER, CONTENT)
    for stamped, expected in ((made, "good"), (made[::-1], "bad-timestamp")):
        value = counter_signature(STAMPER, stamped, NOW)
        signed = sign(SIGNER, CONTENT, certificates=(ROOT, STAMPER), unsigned=((COUNTER_SIGNATURE, value),))
        assert verdict(attach(IMAGE, signed)) == (expected, True)


@pytest.mark.parametrize(
    "stamper",
    [
        issue("No stamper", ROOT, usages=(CODE,)),
        issue("Of no use", ROOT, usages=()),
        Identity(STAMPER.certificate, key("rsa", 99)),
        issue("Stamper in the past", ROOT, usages=(STAMPING,), until=NOW - timedelta(days=1)),
    ],
    ids=["for-code", "for-nothing", "forged", "over"],
)
def test_stamps_that_do_not_hold(stamper: Identity) -> None:
    """A stamp by who may not, did not, or could no longer stamp leaves the signature valid, and is named."""
    signed = sign(SIGNER, CONTENT, certificates=(ROOT,), stamped_by=stamper)
    found = facts(attach(IMAGE, signed))
    assert (found["status"], found["valid"]) == ("bad-timestamp", True)
    assert "timestamp" not in found


def test_an_unreadable_stamp() -> None:
    """What should be a stamp and is not costs the stamp alone."""
    signed = sign(SIGNER, CONTENT, unsigned=((COUNTER_SIGNATURE, b"\x30\0"),))
    assert verdict(attach(IMAGE, signed)) == ("bad-timestamp", True)


def test_chains() -> None:
    """An issuer that is there by name but did not sign, or may not issue, breaks the chain; a missing one ends it."""
    false_root = issue("Root", authority=True, usages=(), own_key=key("rsa", 98))
    no_authority = issue("Root", usages=())
    assert verdict(attach(IMAGE, sign(SIGNER, CONTENT, certificates=(false_root,)))) == ("bad-chain", True)
    assert verdict(attach(IMAGE, sign(SIGNER, CONTENT, certificates=(no_authority,)))) == ("bad-chain", True)
    found = facts(attach(IMAGE, sign(SIGNER, CONTENT)))
    assert (found["status"], found["chain"]) == ("good", ("Signer",))


def test_certificates_that_issued_each_other() -> None:
    """A crowd of certificates of one name is tried a few times, not in every order."""
    crowd = [issue("Root", authority=True, usages=(), own_key=key("rsa", 97)) for _ in range(60)]
    assert verdict(attach(IMAGE, sign(SIGNER, CONTENT, certificates=crowd)))[0] == "bad-chain"
    assert verdict(attach(IMAGE, sign(SIGNER, CONTENT, certificates=(*crowd, ROOT))))[0] == "bad-chain"


def test_not_for_signing_code() -> None:
    """A certificate for something else is named."""
    server = issue("Server", ROOT, usages=(STAMPING,))
    assert verdict(attach(IMAGE, sign(server, CONTENT, certificates=(ROOT,)))) == ("not-for-code", True)


def test_several_signatures() -> None:
    """The first speaks for the file; one inside it and one beside it are named with what became of them."""
    inner = sign(issue("Second", ROOT), CONTENT)
    wrong = sign(issue("Third", ROOT), indirect_data(b"\0" * 32))
    found = facts(attach(IMAGE, sign(SIGNER, CONTENT, unsigned=((NESTED, inner),)), wrong))
    assert (found["status"], found["subject_name"]) == ("good", "Signer")
    assert found["others"] == ("bad-digest sha256 Third", "good sha256 Second")


def test_signatures_inside_each_other() -> None:
    """However deep they are nested, only so many are looked at."""
    signed = sign(SIGNER, CONTENT)
    for _ in range(SIGNATURES_MAX_COUNT + 3):
        signed = sign(SIGNER, CONTENT, unsigned=((NESTED, signed),))
    assert len(facts(attach(IMAGE, signed))["others"]) == SIGNATURES_MAX_COUNT - 1  # type: ignore[arg-type]


@pytest.mark.parametrize("without", ["1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"])
def test_a_missing_digest(without: str) -> None:
    """A signer who signed no digest, or not what kind of content it is of, signed nothing."""
    assert verdict(attach(IMAGE, sign(SIGNER, CONTENT, without=without))) == ("malformed", False)


def test_signed_data_of_another_kind() -> None:
    """A signature over plain data is none of a program."""
    signed = sign(SIGNER, CONTENT, content_type="1.2.840.113549.1.7.1")
    assert verdict(attach(IMAGE, signed)) == ("malformed", False)


def test_the_signer_s_certificate_is_missing() -> None:
    """Without it nothing can be told: neither valid nor not."""
    signed = sign(SIGNER, CONTENT, certificates=(ROOT,), brings_own=False)
    found = facts(attach(IMAGE, signed))
    assert (found["status"], found.get("valid")) == ("no-certificate", None)
    assert "subject_name" not in found


def test_every_truncation() -> None:
    """A signature cut off anywhere is malformed, and nothing is raised."""
    signed = sign(SIGNER, CONTENT, certificates=(ROOT,))
    for length in range(0, len(signed), 7):
        assert verdict(attach(IMAGE, signed[:length]))[0] == "malformed"


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x80" * 2000,
        b"\x30\x88" + b"\xff" * 8,
        tlv(0x30, tlv(0x06, b"\xff" * 4000)),
        b"\x3f" + b"\xff" * 4000,
        tlv(0x30, tlv(0x06, bytes.fromhex("2a864886f70d010702")), tlv(0xA0, tlv(0x30, tlv(0x02, b"\x7f" * 60_000)))),
    ],
)
def test_absurd_lengths(hostile: bytes) -> None:
    """Lengths beyond everything, tags and numbers without end: malformed, at once."""
    assert verdict(attach(IMAGE, hostile)) == ("malformed", False)


@pytest.mark.parametrize("length", [0, 7, 8, 1 << 20, 0xFFFFFFFF])
def test_a_table_that_lies(length: int) -> None:
    """An entry that is shorter than its own head or longer than the table is not read."""
    content = attach(IMAGE, sign(SIGNER, CONTENT), length=length)
    assert verdict(content) == ("malformed", False)


def test_too_many_certificates() -> None:
    """More certificates than a signature ever has are not read."""
    crowd = [ROOT] * SIGNATURE_CERTIFICATES_MAX_COUNT
    found = facts(attach(IMAGE, sign(SIGNER, CONTENT, certificates=crowd)))
    assert found["status"] == "malformed"
    assert "65 certificates" in str(found["reason"])


def test_keys_too_large_to_verify(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key above the ceiling is not verified, and said so: neither valid nor not."""
    monkeypatch.setattr("sampler.describe.authenticode_keys.RSA_MAX_BITS", 1024)
    assert verdict(attach(IMAGE, sign(SIGNER, CONTENT))) == ("unsupported", None)


def test_hostile_names() -> None:
    """Names come out printable."""
    name = str(facts(attach(IMAGE, sign(issue("Micro\u202esoft\x1b"), CONTENT)))["subject_name"])
    assert name == r"Micro\u202esoft\x1b"


def test_any_buffer_gives_the_same() -> None:
    """Whatever holds the object, the facts are the same."""
    content = attach(IMAGE, sign(SIGNER, CONTENT))
    assert signature_fields(memoryview(content), NOW) == signature_fields(content, NOW)
