from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

ENTRY = Path(__file__).parent / "entries" / "packets.py"
ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(300)
async def test_without_a_consent_not_one_packet(folder: Path) -> None:
    """An agent with a queue says nothing on its network before the acceptance, and nothing after the withdrawal."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ENTRY), str(folder)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    said, complained = await process.communicate()
    logs = "\n".join(log.read_text()[-3000:] for log in sorted(folder.glob("*.log")))
    assert process.returncode == 0, f"{complained.decode()}\n{logs}"
    counts = json.loads(said)
    assert counts.pop("during") > 0, logs
    assert counts == {"before": 0, "after": 0, "restarted": 0}, logs
