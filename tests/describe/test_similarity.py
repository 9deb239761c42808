from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.describe import similarity, similarity_fields

HAS = {name: importlib.util.find_spec(name) is not None for name in ("tlsh", "ppdeep")}
TEXT = b"Also called fuzzy hashes, Ctph can match inputs that have homologies."
SSDEEP = "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C"
"""What ssdeep itself says of ``TEXT``."""


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Libraries are looked for anew."""
    similarity._library.cache_clear()
    yield
    similarity._library.cache_clear()


def digests(data: bytes) -> dict[str, object]:
    return {field.name: field.value for field in similarity_fields(data)}


def noise(count: int) -> bytes:
    return random.Random(1).randbytes(count)


def test_digests_are_there_where_their_libraries_are() -> None:
    """Each digest is there exactly if its library is."""
    found = digests(TEXT * 10)
    assert set(found) == {
        name for name, library in (("file.hash.tlsh", "tlsh"), ("file.hash.ssdeep", "ppdeep")) if HAS[library]
    }


def test_ssdeep_is_ssdeep_s() -> None:
    """The digest is the one that the original program gives."""
    assert digests(TEXT).get("file.hash.ssdeep") == (SSDEEP if HAS["ppdeep"] else None)


def test_tlsh_is_alike_for_what_is_alike() -> None:
    """One changed byte leaves most of the digest as it was; other bytes have another one."""
    one, near, far = (
        str(digests(data).get("file.hash.tlsh")) for data in (noise(5000), noise(4999) + b"x", noise(9000)[4000:])
    )
    if not HAS["tlsh"]:
        assert one == near == far == "None"
        return
    assert len(one) == 72
    assert one.startswith("T1")
    distance = [sum(a != b for a, b in zip(one, other, strict=True)) for other in (near, far)]
    assert distance[0] < 10 < distance[1]


@pytest.mark.parametrize("data", [b"", noise(49), b"a" * 5000])
def test_what_has_no_tlsh(data: bytes) -> None:
    """Too few bytes, or bytes that are all alike, have no TLSH."""
    assert "file.hash.tlsh" not in digests(data)


def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """An object of many chunks has the digest of all of its bytes."""
    whole = digests(noise(3000))
    monkeypatch.setattr(similarity, "_CHUNK_BYTES", 7)
    assert digests(noise(3000)) == whole


def test_ceilings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Larger objects have no digest: it is of the whole or absent."""
    monkeypatch.setattr(similarity, "TLSH_MAX_BYTES", 999)
    monkeypatch.setattr(similarity, "SSDEEP_MAX_BYTES", 999)
    assert digests(noise(1000)) == {}
    assert len(digests(noise(999))) == sum(HAS.values())


def test_without_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the libraries there are no digests, and no error."""
    monkeypatch.setitem(sys.modules, "tlsh", None)
    monkeypatch.setitem(sys.modules, "ppdeep", None)
    assert digests(noise(1000)) == {}


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    """No bytes raise, and every digest is short and printable."""
    for value in digests(data).values():
        assert isinstance(value, str)
        assert value.isprintable()
        assert len(value) <= 160
