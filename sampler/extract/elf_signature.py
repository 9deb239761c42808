"""The signature that the kernel's build appends to a module (Linux, ``Documentation/admin-guide/module-signing``).

Behind the module lie the signature, twelve bytes of ``struct module_signature`` and a mark. Nothing is verified here:
whether a signature is one of a trusted key, only the key tells. Never raises.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sampler.extract.bounded import BoundedView
from sampler.limits import KIB

MARK: Final = b"~Module signature appended~\n"
SIGNATURE_MAX_BYTES: Final = 64 * KIB
_TRAILER: Final = struct.Struct(">5B3xI")
"""algo, hash, id_type, signer_len, key_id_len, sig_len."""
_KINDS: Final = {0: "pgp", 1: "x509", 2: "pkcs7"}
_HASHES: Final = {0: "md4", 1: "md5", 2: "sha1", 3: "ripemd160", 4: "sha256", 5: "sha384", 6: "sha512", 7: "sha224"}
"""``enum pkey_hash_algo`` of the older forms."""
_DIGESTS: Final = {
    "2b0e03021a": "sha1", "608648016503040201": "sha256", "608648016503040202": "sha384",
    "608648016503040203": "sha512", "608648016503040208": "sha3-256", "608648016503040209": "sha3-384",
    "60864801650304020a": "sha3-512",
}  # fmt: skip
"""Object identifiers, as DER has them."""

_SEQUENCE: Final = 0x30
_SET: Final = 0x31
_CONTENT: Final = 0xA0
_VALUES_MAX_COUNT: Final = 64


@dataclass(frozen=True, slots=True)
class ModuleSignature:
    """What stands behind a module, and what it says of itself."""

    offset: int
    length: int
    """Bytes, with trailer and mark."""
    kind: str
    """``pkcs7``; ``pgp`` and ``x509`` before Linux 4.3."""
    digest: str = ""
    """``sha512``; the identifier in hex when it is none that we know."""
    signer_sha256: str = ""
    """SHA-256 over what names the signer's key: issuer and serial number, or the key identifier."""


def read_module_signature(view: BoundedView) -> ModuleSignature | None:
    """The signature at the end of the file, or ``None`` when there is none or its lengths lie."""
    end = len(view) - len(MARK)
    if end < _TRAILER.size or view[end : end + len(MARK)] != MARK:
        return None
    _, digest, kind, signer, key, length = _TRAILER.unpack(view[end - _TRAILER.size : end])
    start = end - _TRAILER.size - signer - key - length
    if start < 0 or length > SIGNATURE_MAX_BYTES:
        return None
    whole, name = len(view) - start, _KINDS.get(kind, str(kind))
    if name == "pkcs7":
        return _with_pkcs7(view[start : start + length], ModuleSignature(start, whole, name))
    identity = view[start : start + signer + key]
    return ModuleSignature(start, whole, name, _HASHES.get(digest, str(digest)), _sha256(identity))


def _with_pkcs7(data: bytes, found: ModuleSignature) -> ModuleSignature:
    """The first signer of a CMS ``SignedData`` (RFC 5652, sections 3, 5.1 and 5.3)."""
    content = _content(_content(data, _SEQUENCE), _CONTENT)
    signers = [value for tag, value in _values(_content(content, _SEQUENCE)) if tag == _SET]
    fields = list(_values(_content(signers[-1], _SEQUENCE))) if signers else []
    if len(fields) < 3:
        return found
    algorithm = next((value.hex() for _, value in _values(fields[2][1])), "")
    return ModuleSignature(
        found.offset, found.length, found.kind, _DIGESTS.get(algorithm, algorithm[:64]), _sha256(fields[1][1])
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest() if data else ""


def _content(data: bytes, wanted: int) -> bytes:
    """The content of the first value with this tag."""
    return next((value for tag, value in _values(data) if tag == wanted), b"")


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of the values of a DER sequence (X.690, section 8.1); ends where one does not fit."""
    offset = 0
    for _ in range(_VALUES_MAX_COUNT):
        if offset + 2 > len(data):
            return
        tag, length = data[offset], data[offset + 1]
        offset += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[offset : offset + size], "big")
            offset += size
        if length > len(data) - offset:
            return
        yield tag, data[offset : offset + length]
        offset += length
