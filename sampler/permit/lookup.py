"""The one decision about what of a hash may be asked of a queue. Pure, and the only maker of such questions.

A question says less than the hash, which the scope ``reputation`` is about, so it needs that scope and nothing more;
of an object of which nothing may leave, nothing is asked.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from sampler.model import LookUpQuestion, LookUpRefusal, Refusal, Sampling, Scope
from sampler.model.lookup import claim_lookup_sealer
from sampler.permit.consent import Consent
from sampler.permit.decide import still_allowed
from sampler.permit.policy import Policy
from sampler.permit.statement import Statement

_seal: Final = claim_lookup_sealer()
_NEEDED: Final = frozenset({Scope.REPUTATION})
_HASH_BITS: Final = 256


class LookUpRule(StrEnum):
    """The numbered rules of look-ups, behind ``P1`` to ``P3``, in the order in which they are looked at."""

    POLICY = "L4 policy-ceiling"
    OBJECT = "L5 object-stays"
    TOO_LONG = "L6 prefix-too-long"


def permit_look_up(  # noqa: PLR0917  # what every decision here is made of
    sha256: str,
    bits: int,
    bits_max: int,
    statement: Statement,
    consent: Consent | None,
    policy: Policy,
    now: datetime,
    refused: Refusal | None = None,
) -> LookUpQuestion | LookUpRefusal:
    """The question that may be asked, or the numbered rule by which none is.

    The checks, in their order; the first that fails decides:

    1. a consent is given, and neither withdrawn nor expired;
    2. it was given for this very statement;
    3. it holds the scope ``reputation``;
    4. the policy does not keep everything here;
    5. something of the object may leave, where it was flagged;
    6. the prefix is not longer than this host tells, whatever its queue asks for.

    Args:
        sha256: of the file, lower-case hexadecimal.
        bits: how long a prefix the queue wants.
        bits_max: how long a one this host tells.
        statement: the accepted one.
        consent: what was accepted of it.
        policy: the administrator's.
        now: UTC.
        refused: why nothing of the object may leave, where it was flagged and that is so.
    """
    missing = still_allowed(_NEEDED, statement.ref, consent, now)  # 1, 2, 3
    if missing is not None:
        rule, _, detail = missing.partition(": ")
        return LookUpRefusal(rule, detail)
    if policy.sampling_max is Sampling.NONE:  # 4
        return LookUpRefusal(LookUpRule.POLICY.value, "the policy lets nothing leave")
    if refused is not None:  # 5
        return LookUpRefusal(LookUpRule.OBJECT.value, f"nothing of it may leave: {refused.rule}: {refused.detail}")
    if not 0 <= bits <= bits_max:  # 6
        return LookUpRefusal(LookUpRule.TOO_LONG.value, f"the queue wants {bits} bits, this host tells {bits_max}")
    prefix = int(sha256, 16) >> (_HASH_BITS - bits)
    return _seal(bits=bits, prefix=prefix, statement=statement.ref, scopes=_NEEDED)
