"""Signatures that Microsoft made, on the libraries of a package that is fetched."""

from __future__ import annotations

from fuzz.signatures import NOW
from sampler.describe.authenticode import signature_fields
from sampler.describe.authenticode_pe import signature_place


def test_signed_libraries_hold(signed_programs: list[tuple[str, bytes]]) -> None:
    """Ten libraries, each signed twice and stamped: signers, chain and time are those that other tools show."""
    assert len(signed_programs) >= 10
    for name, content in signed_programs:
        found = {field.name.rpartition(".")[2]: field.value for field in signature_fields(content, NOW)}
        assert (found["status"], found["valid"]) == ("good", True), name
        assert found["subject_name"] == "Microsoft Windows Software Compatibility Publisher"
        assert found["issuer"] == "Microsoft Windows Third Party Component CA 2013"
        assert found["others"] == ("good sha256 Microsoft Corporation",)
        assert str(found["timestamp"]).startswith("2025-06-")
        assert found["timestamp_authority"] == "Microsoft Time-Stamp Service"


def test_the_digest_is_the_one_of_osslsigncode(signed_programs: list[tuple[str, bytes]]) -> None:
    """The digest of one of them, as osslsigncode 2.9 calculates it."""
    (content,) = [content for name, content in signed_programs if name.endswith("/vcomp140.dll")]
    found = {field.name: field.value for field in signature_fields(content, NOW)}
    expected = "f680f13d80863f0dc36cc8beed1fc245acd6df6fc0bf28be9282b03b2e92e695"
    assert found["file.code_signature.digest_sha256"] == expected


def test_any_change_is_seen(signed_programs: list[tuple[str, bytes]]) -> None:
    """One changed byte in the last section, or one behind the signature, and the digest is another."""
    name, content = signed_programs[0]
    place = signature_place(content)
    assert place is not None
    changed = content[: place.table - 1] + bytes([content[place.table - 1] ^ 1]) + content[place.table :]
    for other in (changed, content + b"\0"):
        found = {field.name: field.value for field in signature_fields(other, NOW)}
        assert found["file.code_signature.status"] == "bad-digest", name
