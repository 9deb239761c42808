"""What ``sampler worker run`` analyzes with, as its options say."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import structlog

from sampler.errors import SettingsError
from sampler.limits import CAPA_OUTPUT_MAX_BYTES
from sampler.worker import (
    Analyzer,
    DemoAnalyzer,
    ExecAnalyzer,
    Owner,
    ProcessLimits,
    capa,
    clamscan,
    gives_namespaces,
    rules_scan,
)

log = structlog.get_logger()

_DEMO: Final = "demo"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was asked for."""

    analyzer: str | None
    command: str | None
    rules: tuple[Path, ...]
    database: Path | None
    limits: ProcessLimits


def analyzer_of(chosen: Chosen) -> Analyzer:
    """The analyzer that was chosen.

    Raises:
        SettingsError: two were chosen, it takes no such option, or its program is not there.
    """
    if chosen.command is not None and chosen.analyzer is not None:
        raise SettingsError("--exec and --analyzer are two analyzers; give one of them")
    _check_options(chosen)
    if chosen.command is not None:
        return ExecAnalyzer(chosen.command, limits=chosen.limits)
    return READY[chosen.analyzer or _DEMO](chosen)


def owner_of(user: str) -> Owner:
    """The user with this name, for a worker that runs as root.

    Raises:
        SettingsError: there is none, or this process may not become another user.
    """
    try:
        found = pwd.getpwnam(user)
    except KeyError as error:
        raise SettingsError(f"--user {user}: there is no such user") from error
    if os.geteuid() != 0:
        raise SettingsError(f"--user {user}: only root can run programs as somebody else; leave it out")
    return Owner(found.pw_uid, found.pw_gid)


async def tell_of_limits(analyzer: Analyzer, limits: ProcessLimits) -> None:
    """Warn of what this machine does not hold a program to."""
    if isinstance(analyzer, DemoAnalyzer):
        return
    if not limits.network and not await gives_namespaces():
        log.warning("this kernel gives programs no network namespace: the analyzer can reach the network")
    if os.geteuid() == 0 and limits.owner is None:
        log.warning("the analyzer runs as root, whose processes no kernel counts; name a user: --user nobody")


def _check_options(chosen: Chosen) -> None:
    if chosen.rules and chosen.analyzer not in ("rules", "capa"):
        raise SettingsError("--rules belongs to --analyzer rules or capa")
    if chosen.database is not None and chosen.analyzer != "clamscan":
        raise SettingsError("--database belongs to --analyzer clamscan")


def _capa(chosen: Chosen) -> Analyzer:
    if len(chosen.rules) > 1:
        raise SettingsError("capa takes one folder of rules")
    limits = replace(chosen.limits, stdout_max_bytes=CAPA_OUTPUT_MAX_BYTES)
    return capa(limits, rules=next(iter(chosen.rules), None))


READY: Final[Mapping[str, Callable[[Chosen], Analyzer]]] = MappingProxyType(
    {
        "clamscan": lambda chosen: clamscan(chosen.limits, database=chosen.database),
        "rules": lambda chosen: rules_scan(chosen.limits, rules=chosen.rules),
        "capa": _capa,
        _DEMO: lambda chosen: DemoAnalyzer(),
    }
)
"""By their names."""
