"""Steps 6 to 8 and 10 of deciding: which bytes of an object may leave, which wait for a person, and why others stay.

Whatever forbids the whole forbids all of it: parts are not taken in its place, so that one more accepted scope never
leads to less being sent. Each part is judged by what it is itself: a program in an archive is one, and the text of a
macro is a script, while a stretch of a document is a document.

Memory, boot records and reports on processes are no files: each has a scope of its own, which stands in place of
``whole`` and ``parts``, and the switch for whole objects and their kinds does not speak of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sampler.model import Content, ContentKind, Finding, Omission, Part, Sampling, Scope, Subject, WholeSwitch
from sampler.permit.circumstances import Circumstances
from sampler.permit.policy import SAFE_KINDS, Policy
from sampler.permit.policy_rules import Narrowing
from sampler.permit.rules import Rule

OWN_SCOPES: Final[Mapping[Subject, Scope]] = {
    Subject.MEMORY: Scope.MEMORY,
    Subject.BOOT: Scope.BOOT,
    Subject.ACTIVITY: Scope.ACTIVITY,
}
"""What is no file, and the scope that its bytes need."""
_NAMED_OMISSIONS_MAX_COUNT: Final = 64


@dataclass(frozen=True, slots=True)
class Selection:
    """The bytes that may leave, the scopes that they need, what was left out, and the rule for each."""

    contents: tuple[Content, ...] = ()
    scopes: frozenset[Scope] = frozenset()
    omissions: tuple[Omission, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    held: tuple[Content, ...] = ()
    """What leaves once a person approved it."""
    held_scopes: frozenset[Scope] = frozenset()


@dataclass(frozen=True, slots=True)
class _Judged:
    """One content, and what became of it."""

    content: Content
    scopes: frozenset[Scope]
    """What it needs."""
    why: str
    """It goes, or the numbered rule by which it stays."""
    stays: Rule | None = None


@dataclass(frozen=True, slots=True)
class _Judge:
    """Decides about the contents of one object."""

    finding: Finding
    scopes: frozenset[Scope]
    policy: Policy
    limits: Narrowing
    beside: Circumstances

    def select(self) -> Selection:
        planned, sampling = self.finding.plan.omissions, self.finding.plan.sampling
        contents = self._planned()
        if not contents:
            return Selection(omissions=planned)
        if (why_none := self._why_none()) is not None:
            return Selection(omissions=(Omission(sampling.value, why_none), *planned))
        judged = tuple(self._judged(contents))
        gone = [each for each in judged if each.stays is None]
        held = [each for each in judged if each.stays is Rule.HELD]
        return Selection(
            tuple(each.content for each in gone),
            frozenset[Scope]().union(*(each.scopes for each in gone)),
            (*_omissions(sampling, judged), *planned),
            tuple((content_label(each.content.part), each.why) for each in gone),
            tuple(each.content for each in held),
            frozenset[Scope]().union(*(each.scopes for each in held)),
        )

    def _planned(self) -> tuple[Content, ...]:
        finding, approved = self.finding, self.beside.approved
        contents: tuple[Content, ...] = ()
        if finding.plan.sampling is Sampling.WHOLE:
            contents = (Content(finding.sha256, finding.size, 0),)
        elif finding.plan.sampling is Sampling.PARTS:
            contents = tuple(Content(part.sha256, part.length, part.offset, part) for part in finding.plan.parts)
        return contents if approved is None else tuple(each for each in contents if each.sha256 in approved)

    def _why_none(self) -> str | None:
        """Why nothing of the contents may leave, whatever they are."""
        finding, sampling = self.finding, self.finding.plan.sampling
        # 6. the policy's ceiling
        if self.limits.sampling_max.rank < sampling.rank:
            return f"{Rule.POLICY_CEILING}: {self.limits.by} allows {self.limits.sampling_max} at most"
        if finding.subject not in OWN_SCOPES and (why := self._why_no_file(sampling)) is not None:
            return why
        # 7. the size of the whole
        if sampling is Sampling.WHOLE and finding.size > self.policy.whole_max_bytes:
            return f"{Rule.WHOLE_SIZE}: it has {finding.size} bytes, the policy allows {self.policy.whole_max_bytes}"
        return None

    def _why_no_file(self, sampling: Sampling) -> str | None:
        # 7. scope, switch and kind of the whole
        if sampling is Sampling.WHOLE:
            if Scope.WHOLE not in self.scopes:
                return f"{Rule.WHOLE_SCOPE}: the owner did not accept the scope whole"
            if self.limits.whole is WholeSwitch.NEVER:
                return f"{Rule.WHOLE_SWITCH}: {self.limits.by} for whole objects is {self.limits.whole}"
            return self._why_not_kind(Rule.WHOLE_KIND, self.finding.kind)
        # 8. scope of the parts
        if Scope.PARTS not in self.scopes:
            return f"{Rule.PARTS_SCOPE}: the owner did not accept the scope parts"
        return None

    def _judged(self, contents: tuple[Content, ...]) -> Iterator[_Judged]:
        """Each content; what they take of a day's volume is counted whatever was accepted, so that more consent never
        pushes one out.
        """
        taken = 0
        for content in contents:
            taken += content.size
            yield self._judge(content, taken)

    def _judge(self, content: Content, taken_bytes: int) -> _Judged:
        needs, kind = self._needs(content), self._kind_of(content)
        # 8. kind of the part; a window around a match may show as much of a person as the whole does
        if content.part is not None and kind is not None and (why := self._why_not_kind(Rule.PARTS_KIND, kind)):
            return _Judged(content, needs, why, Rule.PARTS_KIND)
        # 10. a person's approval
        if (why := self._why_held(content, kind)) is not None and self.beside.approved is None:
            stays = Rule.HELD if self._can_hold else Rule.NOT_HELD
            return _Judged(content, needs, f"{stays}: {why}", stays)
        # 6. a day's volume
        if not self.policy.has_room(self.beside.spent, taken_bytes):
            why = f"{Rule.POLICY_VOLUME}: the policy's bytes or objects of 24 hours are used up"
            return _Judged(content, needs, why, Rule.POLICY_VOLUME)
        return _Judged(content, needs, self._why_it_goes(content, kind))

    @property
    def _can_hold(self) -> bool:
        """Only files can be kept until somebody decides."""
        return self.beside.can_hold and self.finding.subject not in OWN_SCOPES

    def _kind_of(self, content: Content) -> ContentKind | None:
        """What a content is by itself; ``None`` for what is no file."""
        if self.finding.subject in OWN_SCOPES:
            return None
        own = None if content.part is None else content.part.content
        return own or self.finding.kind

    def _needs(self, content: Content) -> frozenset[Scope]:
        if self.finding.subject in OWN_SCOPES:
            return frozenset({OWN_SCOPES[self.finding.subject]})
        documents = frozenset[Scope]() if self._kind_of(content) in SAFE_KINDS else frozenset({Scope.DOCUMENTS})
        return documents | {Scope.WHOLE if content.part is None else Scope.PARTS}

    def _why_not_kind(self, rule: Rule, kind: ContentKind) -> str | None:
        if kind in SAFE_KINDS:
            return None
        if Scope.DOCUMENTS not in self.scopes:
            return f"{rule}: the kind {kind} may hold personal data, and the scope documents is not accepted"
        if self.limits.whole is WholeSwitch.NEVER:
            return f"{rule}: the kind {kind} may hold personal data, and {self.limits.by} is {self.limits.whole}"
        return None

    def _why_held(self, content: Content, kind: ContentKind | None) -> str | None:
        waits = (
            "it waits on the host for a person's approval" if self._can_hold else "the host cannot keep it until then"
        )
        if self.limits.hold:
            return f"{self.limits.by} wants it approved by a person; {waits}"
        if kind is not None and kind not in SAFE_KINDS and self.limits.whole is not WholeSwitch.ALL:
            return f"the kind {kind} may hold personal data; {waits}"
        if kind is not None and content.part is None and self.limits.whole is WholeSwitch.PROMPT:
            return f"{self.limits.by} for whole objects is {self.limits.whole}; {waits}"
        return None

    def _why_it_goes(self, content: Content, kind: ContentKind | None) -> str:
        approved = ", approved by a person" if self.beside.approved is not None else ""
        scopes = f"scope {' and '.join(sorted(self._needs(content), reverse=True))}"
        if kind is None:
            return f"{scopes}, policy {self.limits.sampling_max} at most{approved}"
        return f"{scopes}, policy {self.limits.whole}, kind {kind}{approved}"


def select_contents(
    finding: Finding, scopes: frozenset[Scope], policy: Policy, limits: Narrowing, beside: Circumstances
) -> Selection:
    """What of the planned contents may leave, or waits for a person.

    Args:
        finding: says what is planned.
        scopes: that were accepted.
        policy: the administrator's.
        limits: what it and its rules leave of this object.
        beside: volume so far, and what a person approved.
    """
    return _Judge(finding, scopes, policy, limits, beside).select()


def _omissions(sampling: Sampling, judged: tuple[_Judged, ...]) -> tuple[Omission, ...]:
    """What stays: all of it in one line where one rule keeps it, else by kind of part, without names of files."""
    staying = [each for each in judged if each.stays is not None]
    if len(staying) == len(judged) and len({each.why for each in staying}) == 1:
        return (Omission(sampling.value, staying[0].why),)
    counts = Counter((_sort_of(each.content), each.why) for each in staying)
    lines = [Omission(what, f"{why} ({count})" if count > 1 else why) for (what, why), count in counts.items()]
    named, rest = lines[:_NAMED_OMISSIONS_MAX_COUNT], lines[_NAMED_OMISSIONS_MAX_COUNT:]
    return (
        *named,
        *((Omission(sampling.value, f"{Rule.PARTS_KIND}: {len(rest)} further sorts of parts"),) if rest else ()),
    )


def _sort_of(content: Content) -> str:
    return "whole" if content.part is None else content.part.kind.value


def content_label(part: Part | None) -> str:
    """What the owner reads a content as."""
    return "whole" if part is None else f"{part.kind}:{part.name}@{part.offset}+{part.length}"
