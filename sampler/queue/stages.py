"""Several analyzers for one object, one behind the other: the plan, what each concluded, and what that makes together.

Pure. A plan is kept with its task from the task's beginning, so that another plan for later tasks changes nothing of
those under way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sampler.limits import STAGES_MAX_COUNT, TEXT_MAX_CHARACTERS
from sampler.model import Conclusion, Verdict
from sampler.wire.messages import KIND, NAME_MAX_CHARACTERS

DEFAULT_KIND: Final = "analysis"
_KIND: Final = re.compile(KIND)
_WORST_FIRST: Final = tuple(Conclusion)


@dataclass(frozen=True, slots=True)
class Stage:
    """One analyzer's turn."""

    kind: str = DEFAULT_KIND
    """What a worker has to serve to be given it."""
    optional: bool = False
    """Where it fails for good, the plan goes on without it."""
    only_after: tuple[Conclusion, ...] = ()
    """It is left out unless the stages before it concluded one of these together; empty: it is never left out."""

    def __post_init__(self) -> None:
        if not _KIND.fullmatch(self.kind):
            raise ValueError(f"a stage's kind has 1 to 32 small letters, digits and hyphens: {self.kind[:64]!r}")


Plan = tuple[Stage, ...]
ONE_STAGE: Final[Plan] = (Stage(),)
"""Where nothing else was said."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one stage ended: with a verdict, or, where it is optional, with the reason why there is none."""

    stage: int
    """Its place in the plan, from 0."""
    lease_digest: str
    """SHA-256 of the token of the lease that it ended under, so that a report that comes again is known."""
    verdict: Verdict | None = None
    failure: str | None = None

    def __post_init__(self) -> None:
        if (self.verdict is None) == (self.failure is None):
            raise ValueError(f"stage {self.stage} ends with a verdict or with a failure")


def check_plan(plan: Plan) -> None:
    """Whether a plan can be worked through.

    Raises:
        ValueError: it has no stage, too many, or its first one waits for a conclusion.
    """
    if not 1 <= len(plan) <= STAGES_MAX_COUNT:
        raise ValueError(f"a plan has 1 to {STAGES_MAX_COUNT} stages, not {len(plan)}")
    if plan[0].only_after:
        raise ValueError("the first stage comes after nothing; it cannot be left out")


def next_stage(plan: Plan, begin: int, outcomes: Sequence[Outcome]) -> int | None:
    """The first stage from ``begin`` on that is not left out; ``None`` when the plan has come to its end."""
    together = conclude(plan, outcomes)
    for number in range(begin, len(plan)):
        wanted = plan[number].only_after
        if not wanted or (together is not None and together.conclusion in wanted):
            return number
    return None


def conclude(plan: Plan, outcomes: Sequence[Outcome]) -> Verdict | None:
    """One verdict of all stages: the worst conclusion, with its highest score; ``None`` where no stage has one.

    ``unknown`` counts least: a stage that cannot tell takes nothing from one that can. The latest moment is its own.
    A single verdict is returned as it is.
    """
    given = [(plan[each.stage].kind, each.verdict) for each in outcomes if each.verdict is not None]
    if len(given) <= 1:
        return given[0][1] if given else None
    verdicts = [verdict for _, verdict in given]
    worst = min(verdicts, key=lambda each: (_WORST_FIRST.index(each.conclusion), -each.score))
    agreeing = [each for each in verdicts if each.conclusion is worst.conclusion]
    return replace(
        worst,
        analyzer=", ".join(dict.fromkeys(each.analyzer for each in verdicts))[:NAME_MAX_CHARACTERS],
        at=max(each.at for each in verdicts),
        family=next((each.family for each in (worst, *agreeing) if each.family), None),
        note="; ".join(_line(kind, each) for kind, each in given)[:TEXT_MAX_CHARACTERS],
    )


def _line(kind: str, verdict: Verdict) -> str:
    said = f"{kind}: {verdict.conclusion} {verdict.score}"
    return f"{said} ({verdict.note})" if verdict.note else said
