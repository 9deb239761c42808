"""The chain of certificates that a file brings with it: each signed by the next, as far as they are there.

It ends where the file has no issuer any more, or at a certificate that signed itself. Nobody here says whom to trust:
whoever makes a file also chooses what it brings. The search goes up one way only and makes a
limited number of verifications, so that certificates that all might have issued each other cost no more than others.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sampler.describe.authenticode_keys import is_signed_by
from sampler.describe.authenticode_values import Certificate, Signer
from sampler.errors import SamplerError

CHAIN_MAX_COUNT: Final = 8
_VERIFICATIONS_MAX_COUNT: Final = 16


class BrokenChain(SamplerError):
    """A certificate names an issuer that is there and did not sign it."""


def certificate_of(signer: Signer, certificates: Iterable[Certificate]) -> Certificate | None:
    """The certificate that a signer names; ``None`` where the file does not bring it."""
    return next((each for each in certificates if (each.issuer, each.serial) == (signer.issuer, signer.serial)), None)


def chain_of(leaf: Certificate, certificates: tuple[Certificate, ...]) -> tuple[Certificate, ...]:
    """The leaf, its issuer, the issuer's issuer …

    Raises:
        BrokenChain: an issuer is there by name and no certificate of that name made the signature.
        UnsupportedKey: that cannot be told.
    """
    chain, attempts = [leaf], 0
    while len(chain) < CHAIN_MAX_COUNT and chain[-1].issuer != chain[-1].subject:
        named = [each for each in certificates if each.subject == chain[-1].issuer and each not in chain]
        named = named[: max(0, _VERIFICATIONS_MAX_COUNT - attempts)]
        attempts += len(named)
        if not named:
            break
        chain.append(_issuer_among(named, chain[-1]))
    return tuple(chain)


def valid_at(chain: Iterable[Certificate], moment: datetime) -> bool:
    """Whether no certificate of a chain was expired then, or not yet valid."""
    return all(each.not_before <= moment <= each.not_after for each in chain)


def _issuer_among(named: list[Certificate], issued: Certificate) -> Certificate:
    for candidate in named:
        if candidate.is_authority and is_signed_by(candidate.key, issued.signature, issued.signed, issued.digest_name):
            return candidate
    raise BrokenChain(f"{named[0].subject_name} did not issue the certificate of {issued.subject_name}")
