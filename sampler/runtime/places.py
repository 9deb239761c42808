"""Where things are by default: the system's folders for root, the person's own for everybody else."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import sampler


def _base(environment: Mapping[str, str], variable: str, fallback: str) -> Path:
    return Path(environment.get(variable) or Path(environment.get("HOME", "/"), fallback))


def config_folder(environment: Mapping[str, str]) -> Path:
    """Where ``agent.toml``, ``queue.toml`` and ``client.toml`` are looked for."""
    if os.geteuid() == 0:
        return Path("/etc/sampler")
    return _base(environment, "XDG_CONFIG_HOME", ".config") / "sampler"


def state_folder(environment: Mapping[str, str], role: str) -> Path:
    """Where a role keeps what it must not lose."""
    if os.geteuid() == 0:
        return Path("/var/lib/sampler") / role
    return _base(environment, "XDG_STATE_HOME", ".local/state") / "sampler" / role


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Where a command keeps what it can make again; may be deleted at any time."""
    if os.geteuid() == 0:
        return Path("/var/cache/sampler")
    return _base(environment, "XDG_CACHE_HOME", ".cache") / "sampler"


def is_private(folder: Path) -> bool:
    """Whether a folder is there, is this user's own, and nobody else can write to it; a link to one is not."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022


def agent_socket(environment: Mapping[str, str]) -> Path:
    """Where the agent listens for local peers."""
    if os.geteuid() == 0:
        return Path("/run/sampler/agent.sock")
    return _base(environment, "XDG_RUNTIME_DIR", ".local/state/sampler/run") / "sampler-agent.sock"


def shipped(name: str) -> Path:
    """A folder that ships with Sampler (``rules``, ``samples_fixture``): in the package, or beside it in a checkout.

    Raises:
        FileNotFoundError: neither holds it.
    """
    package = Path(sampler.__file__).parent
    for folder in (package / "_shipped" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"{name}/ is neither in the installed package nor beside {package}")
