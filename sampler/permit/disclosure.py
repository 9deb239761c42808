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
class FieldLine:
    """One field before and after: for the owner, who wants to know what became of it."""

    before: Field
    after: Field | None
    """``None``: nothing of it leaves."""
    rule: FieldRule | None
    """The statement's line about it, if there is one."""
    why: str
    """The numbered rule, and what it says."""


@dataclass(frozen=True, slots=True)
class Discloser:
    """Lets fields through as one statement, the accepted scopes of it and one machine's names have it."""

    statement: Statement
    scopes: frozenset[Scope]
    host: HostNames

    def disclose(self, fields: Iterable[Field]) -> tuple[Disclosed, ...]:
        """What may leave of the fields, treated."""
        return tuple(
            Disclosed(line.after, line.rule) for line in self.explain(fields) if line.after is not None and line.rule
        )

    def explain(self, fields: Iterable[Field]) -> tuple[FieldLine, ...]:
        """What becomes of each field; at most ``FIELDS_MAX_COUNT`` listed ones are looked at.

        The listed are counted before scopes are, so that accepting one more scope does not push out a field.
        """
        room = FIELDS_MAX_COUNT
        lines = []
        for field in fields:
            rule = self.statement.rule_for(field.name)
            if rule is None:
                lines.append(FieldLine(field, None, None, f"{Rule.FIELDS}: the statement does not list it"))
            elif room <= 0:
                lines.append(FieldLine(field, None, rule, f"{Rule.FIELDS}: more than {FIELDS_MAX_COUNT} fields"))
            else:
                room -= 1
                lines.append(self._line(field, rule))
        return tuple(lines)

    def _line(self, field: Field, rule: FieldRule) -> FieldLine:
        if rule.scope not in self.scopes:
            return FieldLine(field, None, rule, f"{Rule.FIELDS}: the scope {rule.scope} is not accepted")
        treated = apply(rule.treatment, replace(field, value=bounded(field.value)), self.host)
        value = None if treated is None else writable(treated.value)
        after = None if value is None else replace(field, value=value)
        return FieldLine(field, after, rule, f"{Rule.FIELDS}: scope {rule.scope}, {rule.pattern} = {rule.treatment}")
