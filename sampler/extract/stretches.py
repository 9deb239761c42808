"""A stretch of an object that may be an object of its own: an overlay, one program of several."""

from __future__ import annotations

from sampler.extract.extraction import Data, Survey
from sampler.limits import UNPACK_MEMBER_MAX_BYTES
from sampler.model import ContentKind, PartKind


def open_stretch(data: Data, survey: Survey, name: str, offset: int, length: int) -> None:
    """Have a stretch surveyed as an object of its own, whatever it is, as far as the budget allows.

    What is opened is copied, so it counts as a member that was unpacked; a longer one than a member may be is named
    and not opened.
    """
    if length <= 0:
        return
    room = survey.budget.room(length)
    if room == 0:
        survey.add_problem("budget", f"{name or 'overlay'!r}: {survey.budget.spent}")
    elif length > room:
        survey.add_problem("too-large", f"{name or 'overlay'!r}: {length} bytes, at most {room} are opened")
    else:
        survey.budget.pay(length)
        survey.open_inside(name, f"range:{offset}+{length}", bytes(data[offset : offset + length]))


def own_kind(data: Data, survey: Survey, kind: PartKind, offset: int, length: int) -> ContentKind | None:
    """What a file that lies in an object as it is, is by itself; ``None`` where it is too long to be looked at."""
    if not 0 < length <= UNPACK_MEMBER_MAX_BYTES:
        return None
    return survey.recognised(kind, bytes(data[offset : offset + length]))
