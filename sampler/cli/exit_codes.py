"""What the command's exit codes mean; the first three are clamscan's."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every ``sampler`` command."""

    OK = 0
    """Nothing found, or done."""
    FOUND = 1
    """Something was found, or a check failed."""
    ERROR = 2
    """It could not be done; standard error says why."""
    PARTIAL = 3
    """Some of what was asked could not be done; each is named."""
    UNREACHABLE = 4
    """The agent or the queue does not answer."""
    REFUSED = 5
    """Statement, consent, policy, role or queue said no."""
    TIMED_OUT = 6
    """``--wait`` ended before there was an answer."""
    INTERRUPTED = 130
    """Ctrl-C; what shells make of SIGINT."""
