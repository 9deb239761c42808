"""Step 9 of deciding: each field under the line of the statement that lists it, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sampler.limits import FIELDS_MAX_COUNT
from sampler.model import Field, Scope
from sampler.permit.names import HostNames
from sampler.permit.rules import Rule
from sampler.permit.statement import FieldRule, Statement
from sampler.permit.treatments import apply
from sampler.permit.values import bounded, writable


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A field as it may leave, and the line of the statement that lets it."""

    field: Field
    rule: FieldRule

    @property
    def reason(self) -> tuple[str, str]:
        """For the owner: the field, and the rule that let it through."""
        how = f"{self.rule.pattern} = {self.rule.treatment}"
        return self.field.name, f"{Rule.FIELDS}: scope {self.rule.scope}, {how}"


@dataclass(frozen=True, slots=True)
class Discloser:
    """Lets fields through as one statement, the accepted scopes of it and one machine's names have it."""

    statement: Statement
    scopes: frozenset[Scope]
    host: HostNames

    def disclose(self, fields: Iterable[Field]) -> tuple[Disclosed, ...]:
        """What may leave of the fields, treated; at most ``FIELDS_MAX_COUNT`` listed ones are looked at.

        The listed are counted before scopes are, so that accepting one more scope does not push out a field.
        """
        listed = [(field, rule) for field in fields if (rule := self.statement.rule_for(field.name)) is not None]
        treated = (self._treated(field, rule) for field, rule in listed[:FIELDS_MAX_COUNT])
        return tuple(disclosed for disclosed in treated if disclosed is not None)

    def _treated(self, field: Field, rule: FieldRule) -> Disclosed | None:
        if rule.scope not in self.scopes:
            return None
        treated = apply(rule.treatment, replace(field, value=bounded(field.value)), self.host)
        value = None if treated is None else writable(treated.value)
        return None if value is None else Disclosed(replace(field, value=value), rule)
