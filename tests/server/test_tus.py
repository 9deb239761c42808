from __future__ import annotations

import base64
import hashlib

import pytest
from multidict import CIMultiDict

from sampler.queue import Checksum
from sampler.server import tus
from sampler.server.problems import Refused

UUID = "11111111-1111-4111-8111-111111111111"


def _of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


GOOD = f"submission {_of(UUID)},sha256 {_of('a' * 64)}"


def test_metadata_is_pairs_of_keys_and_base64() -> None:
    """Spaces around a pair do not count, a key may stand alone, other clients' keys do no harm."""
    assert tus.metadata(f" {GOOD} ,filename {_of('x.exe')}, is_confidential") == {
        "submission": UUID.encode(),
        "sha256": b"a" * 64,
        "filename": b"x.exe",
        "is_confidential": b"",
    }


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256",
        f"{GOOD},sha256 {_of('a' * 64)}",
        "submission !!!",
        GOOD + "," * 5000,
        f"submission {_of('..')},sha256 {_of('a' * 64)}",
        f"submission {_of(UUID + chr(10))},sha256 {_of('a' * 64)}",
        f"submission {_of(UUID)},sha256 {_of('A' * 64)}",
        f"{GOOD},n\xe4me {_of('x')}",
    ],
)
def test_metadata_that_does_not_name_a_content_is_refused(header: str) -> None:
    """Absent, repeated, undecodable, too long, or not exactly an identifier and a hash."""
    with pytest.raises(Refused) as caught:
        tus.creation({"Upload-Length": "1", "Upload-Metadata": header}, 10)
    assert caught.value.status == 400


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "0x1", " 1", "01", "1" * 20, "\u0661"])
def test_a_length_is_a_plain_number(text: str) -> None:
    """Anything but decimal digits is refused."""
    with pytest.raises(Refused):
        tus.creation({"Upload-Length": text, "Upload-Metadata": GOOD}, 10)


def test_a_creation_is_read() -> None:
    """Both names and the length, up to the ceiling and not beyond."""
    headers = {"Upload-Length": "10", "Upload-Metadata": GOOD}
    assert tus.creation(headers, 10) == tus.Creation(UUID, "a" * 64, 10, GOOD)
    with pytest.raises(Refused) as caught:
        tus.creation(headers, 9)
    assert caught.value.status == 413


@pytest.mark.parametrize("header", ["Upload-Defer-Length", "Upload-Concat"])
def test_extensions_that_are_not_spoken_are_refused(header: str) -> None:
    """Passing them over would make another upload than the client means."""
    with pytest.raises(Refused, match="this server"):
        tus.creation({"Upload-Length": "10", "Upload-Metadata": GOOD, header: "1"}, 10)


@pytest.mark.parametrize("name", ["Tus-Resumable", "Upload-Offset", "Upload-Length", "Upload-Checksum"])
def test_what_is_said_twice_is_refused(name: str) -> None:
    """Of two offsets, lengths or checksums neither is the right one."""
    headers = CIMultiDict({"Tus-Resumable": "1.0.0"})
    tus.check_version(headers)
    headers.add(name, "1.0.0")
    headers.add(name, "1.0.0")
    with pytest.raises(Refused, match="more than once"):
        tus.check_version(headers)


def test_a_checksum_is_read() -> None:
    """Both algorithms that we offer, and none that we do not."""
    assert tus.checksum({}) is None
    for algorithm in tus.ALGORITHMS:
        digest = hashlib.new(algorithm, b"x").digest()
        header = f"{algorithm} {base64.b64encode(digest).decode()}"
        assert tus.checksum({"Upload-Checksum": header}) == Checksum(algorithm, digest)
    for header in ("md5 AAAA", "sha256 !", "", "sha256", "sha1 AAAA", "sha256 AAAA"):
        with pytest.raises(Refused):
            tus.checksum({"Upload-Checksum": header})
