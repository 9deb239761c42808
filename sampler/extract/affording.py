"""One thing out of an object, unpacked as far as the budget has room for it."""

from __future__ import annotations

from collections.abc import Callable

from sampler.extract.compressed_streams import NotUnpacked, Unpacked
from sampler.extract.extraction import Survey


def unpacked_within(survey: Survey, title: str, packed_bytes: int, make: Callable[[int], Unpacked]) -> bytes | None:
    """What ``make`` makes when it is told how many bytes may come out, or ``None``; what was wrong is a problem.

    Args:
        survey: whose budget pays.
        title: for problems, as people read it.
        packed_bytes: what it is made of.
        make: raises ``NotUnpacked`` where nothing can be had.
    """
    room = survey.budget.room(packed_bytes)
    if room == 0:
        survey.add_problem("budget", f"{title!r}: {survey.budget.spent}")
        return None
    try:
        made = make(room)
    except NotUnpacked as error:
        survey.budget.pay(0)
        survey.add_problem(error.code, f"{title!r}: {error}")
        return None
    survey.budget.pay(len(made.content))
    if made.fault:
        survey.add_problem(made.fault.code, f"{title!r}: {made.fault.detail}")
    return made.content


def kept_within(content: bytes, room: int) -> Unpacked:
    """Bytes that are there already, as what was unpacked.

    Raises:
        NotUnpacked: ``too-large``: they are more than there is room for.
    """
    if len(content) > room:
        raise NotUnpacked("too-large", f"{len(content)} bytes, at most {room} are opened")
    return Unpacked(content)
