"""Getting a host its identity: the queue's CA by its fingerprint, then a certificate for a token.

Nothing is sent to a queue whose CA was not checked first. The one connection without verification carries nothing but
``GET /v1/ca.pem``, and what it brings is worth nothing until its fingerprint is the one the operator gave.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import ssl
from typing import Final

from sampler.errors import IdentityError
from sampler.limits import CONTROL_BODY_MAX_BYTES
from sampler.upload.addresses import checked_url
from sampler.upload.answers import message_of, require
from sampler.upload.exchange import Exchange
from sampler.wire import routes
from sampler.wire.codec import encode
from sampler.wire.messages import EnrollAnswer, EnrollRequest

_FINGERPRINT: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


async def fetch_ca(url: str, fingerprint: str) -> str:
    """The queue's CA certificate (PEM), alone, if it is the one with this fingerprint.

    Args:
        url: where people reach the queue.
        fingerprint: ``sha256:`` and 64 hexadecimal digits over the certificate's DER, from the queue's operator.

    Raises:
        IdentityError: the fingerprint is not one, or the certificate is another one.
        DeliveryError: the queue did not answer as expected.
    """
    expected = _FINGERPRINT.fullmatch(fingerprint.strip().lower().replace(" ", ""))
    if expected is None:
        raise IdentityError(f"{fingerprint!r} is not a fingerprint; it looks like sha256: and 64 hexadecimal digits")
    what = "fetching the queue's CA certificate"
    async with Exchange(_blind_context(), answer_max_bytes=CONTROL_BODY_MAX_BYTES) as exchange:
        answer = await exchange.ask("GET", checked_url(url) + routes.CA.path)
    der = _only_certificate(require(answer, what, 200).body.decode("ascii", "replace"))
    found = hashlib.sha256(der).hexdigest()
    if not hmac.compare_digest(found, expected[1]):
        raise IdentityError(
            f"the CA certificate at {url} has the fingerprint sha256:{found}, not sha256:{expected[1]}; somebody may "
            "stand between this host and the queue: ask its operator, nothing was sent"
        )
    return ssl.DER_cert_to_PEM_cert(der)


async def enroll(url: str, ca_pem: str, token: str, csr_pem: str) -> EnrollAnswer:
    """Exchange an enrolment token and a signing request for the host's certificate.

    Args:
        url: where people reach the queue.
        ca_pem: the CA certificate from ``fetch_ca``; the queue has to prove itself with it.
        token: of the role ``enroll``.
        csr_pem: PKCS #10, PEM.

    Raises:
        IdentityError: token or request was refused, or the answer brings another CA.
        DeliveryError: the queue did not answer as expected.
    """
    what = "enrolling this host"
    ca = _only_certificate(ca_pem)
    async with Exchange(_checking_context(ca), answer_max_bytes=CONTROL_BODY_MAX_BYTES) as exchange:
        answer = await exchange.ask(
            routes.ENROLL.method,
            checked_url(url) + routes.ENROLL.path,
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
            body=encode(EnrollRequest(csr=csr_pem)),
        )
    if answer.status in (401, 403):
        raise IdentityError("the queue refused the enrolment token; it is used, expired or wrong: ask for a new one")
    enrolled = message_of(require(answer, what, 200, 201), EnrollAnswer, what)
    if _only_certificate(enrolled.ca) != ca:
        raise IdentityError(f"{url} answered with another CA than the one that was checked; nothing of it was kept")
    return enrolled


def _blind_context() -> ssl.SSLContext:
    """For the CA certificate only, which is checked by its fingerprint instead."""
    context = _tls13()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _checking_context(ca: bytes) -> ssl.SSLContext:
    context = _tls13()
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    try:
        context.load_verify_locations(cadata=ca)
    except ssl.SSLError as error:
        raise IdentityError(f"the CA certificate cannot be used: {error}; fetch it again") from error
    return context


def _tls13() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def _only_certificate(pem: str) -> bytes:
    """The DER of the one certificate in a PEM text (RFC 7468, section 5)."""
    blocks = _CERTIFICATE.findall(pem)
    if len(blocks) != 1:
        raise IdentityError(f"{len(blocks)} certificates where the queue's CA, one, was expected")
    try:
        return ssl.PEM_cert_to_DER_cert(blocks[0])
    except (ValueError, binascii.Error) as error:
        raise IdentityError("the queue's CA certificate is damaged; fetch it again") from error
