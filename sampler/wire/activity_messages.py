"""The report on a process that travels as a content under the scope ``activity``: JSON, with names of ECS."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from sampler.wire.messages import Fields, Message

ACTIVITY_TYPE: Final = "application/json"


class ActivityReport(Message, frozen=True, kw_only=True, omit_defaults=False):
    """What a process is and does, every field treated as the statement of the manifest says."""

    schema: Literal["sampler.activity/1"] = "sampler.activity/1"
    taken: datetime
    """UTC."""
    process: Fields
    """``process.*`` of it and of its parent, ``sampler.process.*`` and ``sampler.activity.*``."""
    ancestors: tuple[Fields, ...] = ()
    """Those above its parent, the nearest first, each as ``process.parent.*``."""
    ended: bool = False
    """It ended, or ran another program, while it was looked at: what could still be read is here."""
