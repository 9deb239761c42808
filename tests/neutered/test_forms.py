from __future__ import annotations

import contextlib
import hashlib
import io
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cart
import pytest
import pyzipper
from hypothesis import given, settings
from hypothesis import strategies as st

from sampler.errors import ContentMismatch
from sampler.neutered import PASSWORD, Form, file_name, plain, wrapped
from sampler.neutered.cart import packed

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
CONTENTS = [b"", EICAR, bytes(3 << 20), hashlib.shake_256(b"seed").digest(300_000)]
WRAPPED = [form for form in Form if form is not Form.RAW]
SHA256 = hashlib.sha256(EICAR).hexdigest()


def _pieces(data: bytes, size: int = 1 << 16) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def _file(tmp_path: Path, data: bytes, form: Form) -> Path:
    path = tmp_path / file_name(hashlib.sha256(data).hexdigest(), form)
    path.write_bytes(b"".join(wrapped(_pieces(data), hashlib.sha256(data).hexdigest(), form)))
    return path


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("data", CONTENTS, ids=["empty", "eicar", "zeros", "random"])
def test_what_is_wrapped_comes_out_again(tmp_path: Path, form: Form, data: bytes) -> None:
    """Every form yields the very bytes, whatever they are, however many."""
    assert b"".join(plain(_file(tmp_path, data, form), form)) == data


@pytest.mark.parametrize("form", WRAPPED)
def test_what_is_wrapped_is_not_what_a_scanner_looks_for(tmp_path: Path, form: Form) -> None:
    """The bytes of the sample are nowhere in the file, and it is no program."""
    file = _file(tmp_path, b"MZ" + EICAR + bytes(1000), form)
    assert EICAR[:16] not in file.read_bytes()
    assert not file.read_bytes().startswith(b"MZ")
    assert file.suffix in {".cart", ".zip"}


def test_the_fields_own_tool_reads_our_cart(tmp_path: Path) -> None:
    """The reference implementation of CaRT unwraps it, name, length and hash in their places."""
    out = io.BytesIO()
    with _file(tmp_path, EICAR, Form.CART).open("rb") as file:
        header, footer = cart.unpack_stream(file, out)
    assert out.getvalue() == EICAR
    assert header == {"name": f"{SHA256}.sample"}
    assert footer == {"length": str(len(EICAR)), "sha256": SHA256}


def test_we_read_the_fields_own_cart(tmp_path: Path) -> None:
    """What the reference implementation wrote, with its own header, footer and key, is unwrapped."""
    path = tmp_path / "x.cart"
    with path.open("wb") as out:
        cart.pack_stream(io.BytesIO(EICAR), out, {"name": "x"}, {"note": "y"}, arc4_key_override=None)
    assert b"".join(plain(path, Form.CART)) == EICAR


def test_the_standard_library_reads_our_old_zip(tmp_path: Path) -> None:
    """A reader that only knows the traditional encryption opens it by the known password, and not without."""
    with zipfile.ZipFile(_file(tmp_path, EICAR, Form.ZIPCRYPTO)) as archive:
        assert archive.read(f"{SHA256}.sample", pwd=PASSWORD.encode()) == EICAR
        with pytest.raises(RuntimeError, match="password"):
            archive.read(f"{SHA256}.sample")


def test_a_zip_is_under_aes_and_its_member_is_private(tmp_path: Path) -> None:
    """The member is called by its hash, is under AES of 256 bits, and becomes a file that nobody can execute."""
    with pyzipper.AESZipFile(_file(tmp_path, EICAR, Form.ZIP)) as archive:
        (member,) = archive.infolist()
    assert (member.filename, member.wz_aes_strength) == (f"{SHA256}.sample", 3)
    assert stat.filemode(member.external_attr >> 16) == "-rw-------"


@pytest.mark.parametrize("form", WRAPPED)
def test_memory_does_not_grow_with_the_content(form: Form) -> None:
    """After each piece what was wrapped of it so far is out: nothing gathers."""
    held = [len(piece) for piece in wrapped((bytes(1 << 16) for _ in range(50)), SHA256, form)]
    assert len(held) > 50
    assert max(held) < 1 << 17


@pytest.mark.parametrize("form", WRAPPED)
def test_a_file_that_is_cut_off_is_noticed(tmp_path: Path, form: Form) -> None:
    """At no length is a part of a file taken for the whole."""
    file = _file(tmp_path, EICAR * 3, form)
    whole = file.read_bytes()
    for length in range(0, len(whole), 7):
        file.write_bytes(whole[:length])
        with pytest.raises(ContentMismatch):
            list(plain(file, form))


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=400), place=st.integers(0), value=st.integers(1, 255))
def test_a_damaged_cart_is_refused_or_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, place: int, value: int
) -> None:
    """One changed byte anywhere never makes other bytes of it that pass."""
    whole = bytearray(b"".join(packed([data], "x")))
    whole[place % len(whole)] ^= value
    path = tmp_path_factory.mktemp("cart") / "x.cart"
    path.write_bytes(whole)
    got = None
    with contextlib.suppress(ContentMismatch):
        got = b"".join(plain(path, Form.CART))
    assert got in (None, data)


@pytest.mark.parametrize("footer", [b"[1]", b"{", b"[" * 60_000, b"1" * 5000])
def test_a_footer_that_is_none_is_refused(tmp_path: Path, footer: bytes) -> None:
    """Whatever stands where the footer should be ends in our own error."""
    from Cryptodome.Cipher import ARC4

    from sampler.neutered.cart import _FOOTER, KEY

    whole = b"".join(packed([EICAR], "x"))
    _, _, at, _ = _FOOTER.unpack(whole[-_FOOTER.size :])
    path = tmp_path / "x.cart"
    path.write_bytes(whole[:at] + ARC4.new(KEY).encrypt(footer) + _FOOTER.pack(b"TRAC", 0, at, len(footer)))
    with pytest.raises(ContentMismatch):
        list(plain(path, Form.CART))
