"""Options that several commands share, and the settings they stand for."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from sampler.agent.places import AgentPlaces
from sampler.agent.settings import AgentSettings
from sampler.journal import JournalReader
from sampler.runtime import places
from sampler.runtime.settings import load_settings

T = TypeVar("T", bound=msgspec.Struct)
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def config_option(role: str) -> Decorator:
    """``--config FILE`` of a role; its default is the role's file in the default place, where there is one."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar=f"SAMPLER_{role.upper()}CONFIG",
        help=f"Settings; default {role}.toml in the configuration folder.",
    )


def choice_of(kind: type[StrEnum]) -> click.Choice[str]:
    """The values of an enumeration, as they stand on the wire; click itself would offer its members' names."""
    return click.Choice([member.value for member in kind])


def settings_of(kind: type[T], role: str, config: Path | None) -> T:
    """The settings of a role: the named file, or the default one where it exists, and the environment."""
    return load_settings(kind, role, config or default_config(role), os.environ)


def default_config(role: str) -> Path | None:
    """The role's file in the default place, or ``None`` where there is none."""
    file = places.config_folder(os.environ) / f"{role}.toml"
    return file if file.exists() else None


def agent_settings(config: Path | None) -> tuple[AgentSettings, AgentPlaces]:
    """The agent's settings and the places they mean."""
    settings = settings_of(AgentSettings, "agent", config)
    return settings, AgentPlaces.of(settings, os.environ)


def socket_of(socket: Path | None, config: Path | None) -> Path:
    """The agent's socket: as given, or as the agent's settings say."""
    return socket or agent_settings(config)[1].socket


from_option: Decorator = click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="A journal that was set aside; default: the agent's.",
)
"""Which journal is read."""


def reader_of(folder: Path | None, config: Path | None) -> JournalReader:
    """The journal that was named, or the agent's."""
    return JournalReader(folder or agent_settings(config)[1].journal)


socket_option: Decorator = click.option(
    "--socket", type=click.Path(path_type=Path), help="The agent's socket; default as the agent's settings say."
)
