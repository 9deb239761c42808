"""Steps 6 to 8 of deciding: which bytes of an object may leave, and why the others do not.

Whatever forbids the whole forbids all of it: parts are not taken in its place, so that one more accepted scope never
leads to less being sent.

Memory, boot records and reports on processes are no files: each has a scope of its own, which stands in place of
``whole`` and ``parts``, and the switch for whole objects and their kinds does not speak of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sampler.model import Content, Finding, Omission, Part, Sampling, Scope, Subject, WholeSwitch
from sampler.permit.policy import Policy
from sampler.permit.rules import Rule

OWN_SCOPES: Final[Mapping[Subject, Scope]] = {
    Subject.MEMORY: Scope.MEMORY,
    Subject.BOOT: Scope.BOOT,
    Subject.ACTIVITY: Scope.ACTIVITY,
}
"""What is no file, and the scope that its bytes need."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The bytes that may leave, the scopes that they need, what was left out, and the rule for each."""

    contents: tuple[Content, ...] = ()
    scopes: frozenset[Scope] = frozenset()
    omissions: tuple[Omission, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()


def select_contents(finding: Finding, scopes: frozenset[Scope], policy: Policy) -> Selection:
    """What of the planned contents may leave under the accepted scopes and the policy."""
    whole = Content(finding.sha256, finding.size, 0)
    parts = tuple(Content(part.sha256, part.length, part.offset, part) for part in finding.plan.parts)
    own = OWN_SCOPES.get(finding.subject)
    if finding.plan.sampling is Sampling.WHOLE:
        why_not = _why_not_whole(finding, scopes, policy) if own is None else _why_not_own(finding, policy)
        return _selection(finding, policy, own or Scope.WHOLE, (whole,), why_not)
    if finding.plan.sampling is Sampling.PARTS and parts:
        why_not = _why_not_parts(finding, scopes, policy) if own is None else _why_not_own(finding, policy)
        return _selection(finding, policy, own or Scope.PARTS, parts, why_not)
    return Selection(omissions=finding.plan.omissions)


def _selection(
    finding: Finding, policy: Policy, scope: Scope, contents: tuple[Content, ...], why_not: str | None
) -> Selection:
    planned = finding.plan.omissions
    if why_not is not None:
        return Selection(omissions=(Omission(finding.plan.sampling.value, why_not), *planned))
    why = f"scope {scope}, policy {policy.whole}, kind {finding.kind}"
    if finding.subject in OWN_SCOPES:
        why = f"scope {scope}, policy {policy.sampling_max} at most"
    return Selection(
        contents, frozenset({scope}), planned, tuple((content_label(content.part), why) for content in contents)
    )


def _why_not_whole(finding: Finding, scopes: frozenset[Scope], policy: Policy) -> str | None:
    # 6. the policy's ceiling
    if policy.sampling_max is not Sampling.WHOLE:
        return f"{Rule.POLICY_CEILING}: the policy allows {policy.sampling_max} at most"
    # 7. scope, switch, kind and size of the whole
    if Scope.WHOLE not in scopes:
        return f"{Rule.WHOLE_SCOPE}: the owner did not accept the scope whole"
    if policy.whole in (WholeSwitch.NEVER, WholeSwitch.PROMPT):
        return f"{Rule.WHOLE_SWITCH}: the policy for whole objects is {policy.whole}"
    if not policy.lets_kind(finding.kind):
        return f"{Rule.WHOLE_KIND}: the kind {finding.kind} may hold personal data"
    if finding.size > policy.whole_max_bytes:
        return f"{Rule.WHOLE_SIZE}: it has {finding.size} bytes, the policy allows {policy.whole_max_bytes}"
    return None


def _why_not_parts(finding: Finding, scopes: frozenset[Scope], policy: Policy) -> str | None:
    # 6. the policy's ceiling
    if policy.sampling_max.rank < Sampling.PARTS.rank:
        return f"{Rule.POLICY_CEILING}: the policy allows {policy.sampling_max} at most"
    # 8. scope and kind of the parts; a window around a match may show as much of a person as the whole does
    if Scope.PARTS not in scopes:
        return f"{Rule.PARTS_SCOPE}: the owner did not accept the scope parts"
    if not policy.lets_kind(finding.kind):
        return f"{Rule.PARTS_KIND}: the kind {finding.kind} may hold personal data"
    return None


def _why_not_own(finding: Finding, policy: Policy) -> str | None:
    """As the two above, for what is no file; step 3 has seen to its scope."""
    sampling = finding.plan.sampling
    # 6. the policy's ceiling
    if policy.sampling_max.rank < sampling.rank:
        return f"{Rule.POLICY_CEILING}: the policy allows {policy.sampling_max} at most"
    # 7. the size of the whole
    if sampling is Sampling.WHOLE and finding.size > policy.whole_max_bytes:
        return f"{Rule.WHOLE_SIZE}: it has {finding.size} bytes, the policy allows {policy.whole_max_bytes}"
    return None


def content_label(part: Part | None) -> str:
    """What the owner reads a content as."""
    return "whole" if part is None else f"{part.kind}:{part.name}@{part.offset}+{part.length}"
