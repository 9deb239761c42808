"""Sampler's own side: each kind of field as the statements have it treated."""

from __future__ import annotations

from typing import Final

from benchmarks.redact.corpus import Case, FieldKind
from benchmarks.redact.scoring import Value
from sampler.model import Field
from sampler.permit.treatments import Treatment, apply

_FIELDS: Final = {
    FieldKind.PATH: ("file.path", Treatment.TEMPLATE),
    FieldKind.ARGS: ("process.args", Treatment.REDACT),
    FieldKind.TEXT: ("sampler.detections", Treatment.REDACT),
    FieldKind.URL: ("file.origin_url", Treatment.REDACT),
    FieldKind.COMMAND_LINE: ("process.command_line", Treatment.REDACT),
}


def treated(case: Case) -> Value:
    """What would leave of the case's value; ``None``: nothing."""
    name, treatment = _FIELDS[case.kind]
    field = apply(treatment, Field(name, case.value), case.host)
    value = None if field is None else field.value
    assert value is None or isinstance(value, (str, tuple))
    return value
