"""Names of parts, chosen by whoever made an archive or a document: treated as paths are, before anything says them."""

from __future__ import annotations

from dataclasses import replace

from sampler.limits import PART_NAME_MAX_CHARACTERS, TEXT_MAX_CHARACTERS
from sampler.model import Part, Plan
from sampler.permit.names import HostNames
from sampler.permit.redaction import redact_path
from sampler.permit.values import cut


def with_treated_names(plan: Plan, host: HostNames) -> Plan:
    """The plan with nobody's name in the names of its parts, of what they cover, and of what is left out."""
    return replace(
        plan,
        parts=tuple(_part(part, host) for part in plan.parts),
        omissions=tuple(replace(each, what=_treated(each.what, host, TEXT_MAX_CHARACTERS)) for each in plan.omissions),
    )


def _part(part: Part, host: HostNames) -> Part:
    covers = tuple(replace(each, name=_treated(each.name, host)) for each in part.covers)
    return replace(part, name=_treated(part.name, host), covers=covers)


def _treated(name: str, host: HostNames, characters: int = PART_NAME_MAX_CHARACTERS) -> str:
    return cut(redact_path(name, host), characters)
