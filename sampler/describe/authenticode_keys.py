"""Whether a signature was made with a key: RSA (RFC 8017, 8.2) and ECDSA (FIPS 186-4, 6), through pycryptodomex.

Keys are numbers out of hostile files, so how large they may be is checked first: the time that a verification takes
grows with the third power of it. What is not verified here is said to be unsupported, never to be wrong.
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

from Cryptodome.Hash import MD5, SHA1, SHA256, SHA384, SHA512
from Cryptodome.PublicKey import ECC, RSA
from Cryptodome.Signature import DSS, pkcs1_15

from sampler.describe.authenticode_values import PublicKey
from sampler.errors import SamplerError
from sampler.limits import RSA_MAX_BITS

DIGESTS: Final[dict[str, ModuleType]] = {
    "md5": MD5, "sha1": SHA1, "sha256": SHA256, "sha384": SHA384, "sha512": SHA512,
}  # fmt: skip
"""By hashlib's names."""
_CURVES: Final = {"1.2.840.10045.3.1.7": "P-256", "1.3.132.0.34": "P-384", "1.3.132.0.35": "P-521"}
_EXPONENT_MAX_BITS: Final = 33
"""65,537 is the common one; CryptoAPI takes no more than 32 bits."""


for _name in _CURVES.values():  # their libraries are loaded on first use, and a sandboxed child can load nothing
    ECC.construct(curve=_name, d=1)


class UnsupportedKey(SamplerError):
    """A key, curve or digest that is not verified here."""


def is_signed_by(key: PublicKey, signature: bytes, message: bytes, digest_name: str) -> bool:
    """Whether ``signature`` over ``message`` was made with the key's other half.

    Raises:
        UnsupportedKey: that cannot be told.
    """
    digests = DIGESTS.get(digest_name)
    if digests is None:
        raise UnsupportedKey(f"signatures by way of {digest_name or 'no digest'} are not verified")
    digest = digests.new(message)
    try:
        if key.kind == "rsa":
            pkcs1_15.new(_rsa(key)).verify(digest, signature)
        else:
            DSS.new(_curve(key), "fips-186-3", encoding="der").verify(digest, signature)
    except ValueError:
        return False
    return True


def _rsa(key: PublicKey) -> RSA.RsaKey:
    modulus, exponent = key.numbers
    if modulus.bit_length() > RSA_MAX_BITS or exponent.bit_length() > _EXPONENT_MAX_BITS:
        raise UnsupportedKey(f"a key of {modulus.bit_length()} bits is not verified, at most {RSA_MAX_BITS} are")
    if modulus <= 1 or exponent <= 1:
        raise UnsupportedKey("no RSA key has such numbers")
    return RSA.construct((modulus, exponent), consistency_check=False)


def _curve(key: PublicKey) -> ECC.EccKey:
    if key.kind != "ec" or key.curve not in _CURVES:
        raise UnsupportedKey(f"keys of the kind {key.kind} {key.curve} are not verified")
    try:
        return ECC.construct(curve=_CURVES[key.curve], point_x=key.numbers[0], point_y=key.numbers[1])
    except ValueError as error:
        raise UnsupportedKey("its point is not on its curve") from error
