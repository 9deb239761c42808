"""Making a new queue: authority, server certificate, ledger, contents, and the configuration that names them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from msgspec import structs

from sampler.errors import SettingsError
from sampler.identity import Authority
from sampler.runtime.durable import make_private_folder, write_durably
from sampler.server.keys import receipt_key
from sampler.server.settings import QueueSettings, join_address, split_address
from sampler.storage.opening import open_blobs, open_ledger

CONFIG_FILE: Final = "queue.toml"


@dataclass(frozen=True, slots=True)
class Initialized:
    """What was made."""

    config: Path
    fingerprint: str
    """Of the authority's certificate; hosts that enrol compare it."""


def initialize(
    folder: Path,
    names: Sequence[str],
    *,
    hosts_listen: str,
    people_listen: str,
    now: datetime,
    ledger: str = "",
    blobs: str = "",
) -> Initialized:
    """Make a queue in ``folder`` (created when absent) that is reached under ``names`` (DNS names and addresses).

    Hosts are told to deliver to the first name. ``ledger`` and ``blobs`` are URLs; empty, both are in the folder. The
    configuration is written last: without it there is no queue, and what an interrupted attempt left is reported by the
    next one.

    Raises:
        SettingsError: there is a queue already, or a value is wrong.
        IdentityError: an authority is there already, or a name cannot be certified.
        StorageError: ledger or contents cannot be made.
    """
    config = folder / CONFIG_FILE
    if config.exists():
        raise SettingsError(f"{config}: there is a queue already and it is not overwritten; choose another folder")
    if not names:
        raise SettingsError("a queue needs a name: give the DNS names and addresses that it is reached under")
    settings = structs.replace(_settings(folder, names[0], hosts_listen, people_listen), ledger=ledger, blobs=blobs)
    try:
        make_private_folder(folder)
        authority = _make(settings, names, now)
        write_durably(config, _text(settings).encode())
    except OSError as error:
        raise SettingsError(f"{folder}: {error.strerror}; choose a folder that can be written") from error
    return Initialized(config, authority.fingerprint)


def _settings(folder: Path, name: str, hosts_listen: str, people_listen: str) -> QueueSettings:
    split_address(people_listen)
    _, port = split_address(hosts_listen)
    return QueueSettings(
        state=str(folder.absolute()),
        hosts_listen=hosts_listen,
        people_listen=people_listen,
        hosts_url=f"https://{join_address(name, port)}",
    )


def _make(settings: QueueSettings, names: Sequence[str], now: datetime) -> Authority:
    authority = Authority.create(settings.authority_folder, "Sampler queue", now)
    pair = authority.issue_server(names, now)
    write_durably(settings.key, pair.key_pem.encode("ascii"))
    write_durably(settings.certificate, pair.certificate_pem.encode("ascii"), mode=0o644)
    receipt_key(settings.folder)
    open_ledger(settings.ledger_url).close()
    open_blobs(settings.blobs_url)
    return authority


def _text(settings: QueueSettings) -> str:
    names = ("state", "hosts_listen", "people_listen", "hosts_url", "ledger", "blobs")
    values = {name: getattr(settings, name) for name in names}
    lines = [f"{name} = {json.dumps(value, ensure_ascii=True)}" for name, value in values.items() if value]
    heading = "# Made by `sampler queue init`. Every other value has a default; see the operator's guide."
    return "\n".join([heading, *lines, ""])
