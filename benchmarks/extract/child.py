"""Examines the files of a list as the agent does: each as a sealed snapshot, in a sandboxed child, the answer checked.

``python -m benchmarks.extract.child LIST`` prints a JSON object: ``files``, ``failed``, ``seconds``, and ``each``, the
seconds of every file. One rule that matches nothing is loaded, so that what is measured is not rules.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sampler.errors import SandboxError
from sampler.examine import Examiner, ExamineSettings
from sampler.model import FileStat, Snapshot
from sampler.scan import RuleSettings

_RULE: Final = "rule nothing { condition: false }\n"
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


@contextmanager
def snapshot_of(path: Path) -> Iterator[Snapshot]:
    """A sealed copy."""
    content = path.read_bytes()
    descriptor = os.memfd_create("snapshot", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        stat = FileStat(0o600, 0, 0, len(content), 0, 0, 0, 0, 0)
        yield Snapshot(descriptor, len(content), hashlib.sha256(content).hexdigest(), stat, os.fsencode(path))
    finally:
        os.close(descriptor)


async def examine(paths: list[Path], rules: Path) -> tuple[list[float], int]:
    """Seconds of each file, and how many had no answer."""
    took: list[float] = []
    failed = 0
    async with Examiner(ExamineSettings(RuleSettings((rules,)), children=1)) as examiner:
        for path in paths:
            with snapshot_of(path) as snapshot:
                start = time.perf_counter()
                try:
                    await examiner.examine(snapshot)
                except SandboxError:
                    failed += 1
                took.append(time.perf_counter() - start)
    return took, failed


def main() -> None:
    """Examine and say."""
    paths = [Path(line) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "nothing.yar"
        rules.write_text(_RULE, "ascii")
        took, failed = asyncio.run(examine(paths, rules))
    print(json.dumps({"files": len(paths), "failed": failed, "seconds": sum(took), "each": took}))


if __name__ == "__main__":
    main()
