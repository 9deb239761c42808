"""Settings of whoever talks to the queue as a person or a worker: ``client.toml``.

The file holds a bearer token, so it is refused when other users can read it, as a key would be.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from sampler.errors import IdentityError, SettingsError
from sampler.identity import role_of
from sampler.runtime.places import config_folder
from sampler.runtime.settings import load_settings

FILE_NAME: Final = "client.toml"
_ROLE: Final = "client"
_OTHERS: Final = 0o077


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the queue is, how it is recognized, and the token that is shown to it."""

    url: str
    """The people's listener: ``https://host:port``."""
    ca: str
    """Path of the queue's CA certificate (PEM); ``~`` is the home folder."""
    token: str
    """From ``sampler queue tokens create``."""

    def __post_init__(self) -> None:
        if not self.url.startswith("https://"):
            raise ValueError(f"url begins with https://, not {self.url!r}")
        if not self.ca:
            raise ValueError("ca names the file with the queue's CA certificate")
        try:
            role_of(self.token)
        except IdentityError as error:
            raise ValueError(f"token: {error}") from error

    @property
    def ca_file(self) -> Path:
        """``ca`` as a path."""
        return Path(self.ca).expanduser()

    def __repr__(self) -> str:
        return f"ClientSettings(url={self.url!r}, ca={self.ca!r}, token=…)"


def load_client_settings(file: Path | None, environment: Mapping[str, str]) -> ClientSettings:
    """Read ``client.toml`` and the environment's ``SAMPLER_CLIENT_URL``, ``_CA`` and ``_TOKEN``.

    Args:
        file: the file that was named, or ``None`` for the default one, which need not be there.
        environment: usually ``os.environ``.

    Raises:
        SettingsError: nothing says where the queue is, a value is wrong, or other users can read the token.
    """
    default = config_folder(environment) / FILE_NAME
    chosen = file or (default if default.is_file() else None)
    if chosen is None and not _complete(environment):
        raise SettingsError(
            f"{default}: there is no such file; write one with url, ca and token, "
            "name another with --config, or set SAMPLER_CLIENT_URL, SAMPLER_CLIENT_CA and SAMPLER_CLIENT_TOKEN"
        )
    if chosen is not None:
        _check_private(chosen)
    return load_settings(ClientSettings, _ROLE, chosen, environment)


def _complete(environment: Mapping[str, str]) -> bool:
    return all(f"SAMPLER_CLIENT_{name}" in environment for name in ("URL", "CA", "TOKEN"))


def _check_private(file: Path) -> None:
    try:
        mode = file.stat().st_mode
    except OSError:
        return  # the reader says what is wrong with it
    if mode & _OTHERS:
        raise SettingsError(f"{file}: other users can read the token in it; run: chmod 600 {file}")
