"""Structured logging to standard error: lines for people on a terminal, JSON Lines otherwise.

``Log`` is for modules that short-lived commands import: what writes the lines is imported with the first one, because
that takes longer than such a command may.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

_UNCONFIGURED_LEVEL: Final = logging.WARNING


class Log:
    """A logger that costs nothing until something is logged. A program that configured none gets warnings only."""

    def info(self, event: str, **values: object) -> None:
        """What an operator may want to know."""
        _logger().info(event, **values)

    def warning(self, event: str, **values: object) -> None:
        """What an operator should know."""
        _logger().warning(event, **values)

    def exception(self, event: str, **values: object) -> None:
        """What must not happen, with the traceback of the exception that is being handled."""
        _logger().exception(event, **values)


def configure(level: str = "info") -> None:
    """Set logging up for this process; ``level`` is debug, info, warning or error."""
    import structlog  # noqa: PLC0415  # late, as the module's docstring says

    structlog.configure(
        processors=_processors(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _logger() -> Any:
    import structlog  # noqa: PLC0415  # as above

    if structlog.is_configured():
        return structlog.get_logger()
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=_processors(),
        wrapper_class=structlog.make_filtering_bound_logger(_UNCONFIGURED_LEVEL),
    )


def _processors() -> list[Any]:
    import structlog  # noqa: PLC0415  # as above

    renderer = (
        structlog.dev.ConsoleRenderer(colors=True, exception_formatter=structlog.dev.plain_traceback)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        renderer,
    ]
