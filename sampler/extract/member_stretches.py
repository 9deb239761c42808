"""Members that lie in their archive as they are: stretches of it, opened as objects of their own."""

from __future__ import annotations

from collections.abc import Sequence

from sampler.extract.extraction import Data, Survey
from sampler.extract.stretches import open_stretch, own_kind
from sampler.model import PartKind

Stretch = tuple[str, int, int]
"""Name as it is shown, offset and length in bytes."""


def survey_stretches(data: Data, survey: Survey, members: Sequence[Stretch]) -> None:
    """Keep each as a member, as far as it lies in the object, and open it as long as the budget lasts."""
    unopened = 0
    for name, offset, length in members:
        if length <= 0:
            continue
        inside = min(length, survey.size - offset)
        is_opened = inside > 0 and survey.budget.spent is None
        own = own_kind(data, survey, PartKind.MEMBER, offset, inside) if is_opened else None
        survey.add_region(PartKind.MEMBER, name, offset, length, own)
        if is_opened:
            open_stretch(data, survey, name, offset, inside)
        unopened += inside > 0 and not is_opened
    if unopened:
        survey.add_problem("budget", f"{survey.budget.spent}; {unopened} members are not opened")
