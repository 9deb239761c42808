"""What a newer statement widens against the one that was accepted, and whether a consent can be carried over to it.

Only what is enforced is compared: purposes, fields with their treatments, retention, recipients, what stands apart and
the threshold of statistics. What cannot be compared counts as widened, so that doubt asks the owner again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from sampler.errors import ConsentError
from sampler.model import Scope
from sampler.permit.consent import Consent
from sampler.permit.statement import FieldRule, Statement
from sampler.permit.treatments import Treatment

_NARROWER: Final[Mapping[Treatment, frozenset[Treatment]]] = {
    Treatment.KEEP: frozenset(Treatment),
    Treatment.TEMPLATE: frozenset({Treatment.CLASS, Treatment.DROP}),
    Treatment.REDACT: frozenset({Treatment.CLASS, Treatment.DROP}),
    Treatment.TRUNCATE: frozenset({Treatment.CLASS, Treatment.DROP}),
    Treatment.PSEUDONYM: frozenset({Treatment.CLASS, Treatment.DROP}),
    Treatment.CLASS: frozenset({Treatment.DROP}),
    Treatment.DROP: frozenset(),
}
"""What says no more than a treatment does, whatever the field is."""


def widenings(old: Statement, new: Statement, scopes: frozenset[Scope]) -> tuple[str, ...]:
    """What ``new`` would let happen that ``old`` does not, under these scopes; empty when it only narrows."""
    return (
        *_of_purposes(old, new, scopes),
        *_of_fields(old, new, scopes),
        *_of_promises(old, new),
        *_of_statistics(old, new, scopes),
    )


def carried(consent: Consent, old: Statement, new: Statement, now: datetime) -> Consent | None:
    """The consent under the newer statement, as the same person gave it; ``None``: its owner has to be asked again.

    Raises:
        ConsentError: as ``check_successor``.
    """
    check_successor(consent, old, new, now)
    scopes = consent.scopes & new.scopes
    if not scopes or widenings(old, new, consent.scopes):
        return None
    return replace(consent, statement=new.ref, scopes=scopes)


def check_successor(consent: Consent | None, old: Statement, new: Statement, now: datetime) -> None:
    """Whether a statement can stand in the place of the accepted one at all.

    Raises:
        ConsentError: it is older than the accepted one, another one of its version, or past its last day. The
            accepted one stays.
    """
    stays = f"{old} stays" if consent is not None else "nothing is accepted"
    if new.is_past(now):
        raise ConsentError(f"the statement {new} could be accepted until {new.expires} only; {stays}")
    if consent is None or (new.id, new.region) != (old.id, old.region):
        return
    if new.version < old.version:
        raise ConsentError(f"the statement {new} is older than the accepted one; {stays}")
    if new.version == old.version and new.digest != old.digest:
        raise ConsentError(f"this statement calls itself {new} as the accepted one does, and is another; {stays}")


def _of_purposes(old: Statement, new: Statement, scopes: frozenset[Scope]) -> Iterator[str]:
    for scope in sorted(scopes & new.scopes):
        if scope not in old.scopes:
            yield f"one more scope, {scope}: {new.purposes[scope]}"
        elif old.purposes[scope] != new.purposes[scope]:
            yield f"scope {scope} is for something else: {new.purposes[scope]}"
        if scope in old.separate - new.separate:
            yield f"scope {scope} does not have to be named to be accepted"


def _of_fields(old: Statement, new: Statement, scopes: frozenset[Scope]) -> Iterator[str]:
    for shown, name in _probes((*old.rules, *new.rules)):
        before, after = _rule_under(old, name, scopes), _rule_under(new, name, scopes)
        if after is None or after.treatment is Treatment.DROP:
            continue
        if before is None or before.treatment is Treatment.DROP:
            yield f"field {shown} leaves under {after.scope} as {after.treatment}"
        elif after.treatment not in _NARROWER[before.treatment] | {before.treatment}:
            yield f"field {shown} leaves as {after.treatment} instead of {before.treatment}"


def _of_promises(old: Statement, new: Statement) -> Iterator[str]:
    if new.retention_days > old.retention_days:
        yield f"originals are kept {new.retention_days} days instead of {old.retention_days}"
    for recipient in new.recipients:
        if recipient not in old.recipients:
            yield f"it goes to one more: {recipient}"


def _of_statistics(old: Statement, new: Statement, scopes: frozenset[Scope]) -> Iterator[str]:
    before, after = old.statistics_threshold, new.statistics_threshold
    if Scope.STATISTICS in scopes and before is not None and after is not None and after < before:
        yield f"numbers about {after} machines are shown, instead of {before} at least"


def _rule_under(statement: Statement, name: str, scopes: frozenset[Scope]) -> FieldRule | None:
    rule = statement.rule_for(name)
    return rule if rule is not None and rule.scope in scopes else None


def _probes(patterns: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names that show all that two statements can do: each listed one, and of each prefix one that nobody lists."""
    known = dict.fromkeys(patterns)
    for pattern in known:
        yield pattern, _unlisted(pattern[:-1], known) if pattern.endswith(".*") else pattern


def _unlisted(prefix: str, known: Mapping[str, None]) -> str:
    name = f"{prefix}x"
    while name in known or f"{name}.*" in known:
        name += "x"
    return name
