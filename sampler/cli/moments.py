"""Points in time on the command line: as a date, or as long ago as that."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import click

from sampler.runtime.clock import SystemClock

_AGO: Final = re.compile(r"(\d{1,5})\s*([mhdw])")
_UNITS: Final = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


class MomentType(click.ParamType[datetime]):
    """``2026-11-25``, ``2026-11-25T12:00:00Z`` (UTC where nothing else is said), or ``90m 12h 7d 2w`` ago."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """As ``click.ParamType.convert``."""
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        try:
            if ago := _AGO.fullmatch(text):
                return SystemClock().now() - int(ago[1]) * _UNITS[ago[2]]
            moment = datetime.fromisoformat(text)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{text!r} is no time; write 2026-11-25, 2026-11-25T12:00:00Z, or 90m, 12h, 7d, 2w", param, ctx)


MOMENT: Final = MomentType()
