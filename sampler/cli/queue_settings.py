"""Where a queue's settings are, for the commands that look after it on its own machine."""

from __future__ import annotations

import os
from pathlib import Path

from sampler.cli.options import settings_of
from sampler.runtime import places
from sampler.server import QueueSettings


def queue_settings(config: Path | None) -> QueueSettings:
    """Those of the file that is named; else of the configuration folder, else of the state folder."""
    file = config
    if file is None and not (places.config_folder(os.environ) / "queue.toml").exists():
        file = places.state_folder(os.environ, "queue") / "queue.toml"
    return settings_of(QueueSettings, "queue", file)
