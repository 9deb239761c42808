"""The signature of a Windows program (ECS ``file.code_signature.*``). Runs in the sandboxed child, and only there.

It says what the file itself can tell: whether it is signed, by whom, when, whether the signature is over these bytes
and holds, and if not, why. It never says that a signer is trusted: no root certificates are at hand, and no revocation.
"""

from __future__ import annotations

import functools
import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final

from sampler.describe.authenticode_pe import image_digest, signature_place, signatures_in
from sampler.describe.authenticode_values import Certificate
from sampler.describe.authenticode_verdict import Status, Verdict, judge
from sampler.describe.content_data import Data
from sampler.describe.text import rfc3339
from sampler.limits import SIGNATURES_MAX_COUNT
from sampler.model import Field, FieldValue

_ECS: Final = "file.code_signature"
_OWN: Final = "sampler.file.code_signature"
_SHA256: Final = "sha256"
_NO_ENTRY: Final = Verdict(Status.MALFORMED, "the certificate table has no readable entry", valid=False)
_Pairs = Iterator[tuple[str, FieldValue | None]]


def signature_fields(data: Data, now: datetime) -> tuple[Field, ...]:
    """What is to be said of the signature of a Portable Executable; nothing for anything else.

    A file can be signed several times: the first signature speaks for it, as in Windows, and the others are named.

    Args:
        data: the object.
        now: UTC; signatures that nobody stamped are held against it.
    """
    if bytes(data[:2]) != b"MZ":
        return ()
    place = signature_place(data)
    if place is None:
        return (Field(f"{_ECS}.exists", False),)
    digest_of = functools.cache(lambda name: image_digest(data, place, name))
    verdicts = _verdicts(signatures_in(data, place), digest_of, now)
    first = verdicts[0] if verdicts else _NO_ENTRY
    pairs = (*_of_file(first), *_of_signer(first), *_of_stamp(first), *_of_others(verdicts[1:]))
    return tuple(Field(name, value) for name, value in pairs if value not in (None, "", ()))


def _verdicts(signatures: Iterable[bytes], digest_of: Callable[[str], bytes], now: datetime) -> list[Verdict]:
    """Of the signatures in the table and of those inside them, ``SIGNATURES_MAX_COUNT`` in all."""
    waiting, verdicts = deque(signatures), list[Verdict]()
    while waiting and len(verdicts) < SIGNATURES_MAX_COUNT:
        verdict = judge(waiting.popleft(), digest_of, now)
        verdicts.append(verdict)
        waiting.extend(verdict.nested)
    return verdicts


def _of_file(first: Verdict) -> _Pairs:
    yield f"{_ECS}.exists", True
    yield f"{_ECS}.valid", first.valid
    yield f"{_ECS}.status", first.status.value
    yield f"{_ECS}.digest_algorithm", first.digest_name
    if first.digest_name == _SHA256:
        yield f"{_ECS}.digest_sha256", first.digest.hex()
    yield f"{_OWN}.reason", first.why


def _of_signer(first: Verdict) -> _Pairs:
    if not first.chain:
        return
    leaf = first.chain[0]
    yield f"{_ECS}.subject_name", leaf.subject_name
    yield f"{_ECS}.thumbprint_sha256", _thumbprint(leaf)
    yield f"{_OWN}.serial_number", f"{leaf.serial:x}"
    yield f"{_OWN}.issuer", leaf.issuer_name
    yield f"{_OWN}.not_before", _time(leaf.not_before)
    yield f"{_OWN}.not_after", _time(leaf.not_after)
    yield f"{_OWN}.chain", tuple(each.subject_name for each in first.chain)
    yield f"{_OWN}.chain_thumbprints_sha256", tuple(_thumbprint(each) for each in first.chain)


def _of_stamp(first: Verdict) -> _Pairs:
    if first.stamped is None:
        return
    yield f"{_ECS}.timestamp", _time(first.stamped.time)
    yield f"{_OWN}.timestamp_authority", first.stamped.authority.subject_name


def _of_others(others: list[Verdict]) -> _Pairs:
    yield f"{_OWN}.others", tuple(_in_short(verdict) for verdict in others)


def _in_short(verdict: Verdict) -> str:
    who = verdict.chain[0].subject_name if verdict.chain else "unknown"
    return f"{verdict.status} {verdict.digest_name or 'none'} {who}"


def _thumbprint(certificate: Certificate) -> str:
    return hashlib.sha256(certificate.der).hexdigest()


def _time(moment: datetime) -> str | None:
    return rfc3339(moment.timestamp())
