"""What a host delivers is found by an analyst, and due when its owner's statement says so."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

from sampler.cli.demo_lab import Lab
from sampler.intake import AgentClient
from sampler.model import Scope
from sampler.storage.sqlite_queue import SqliteQueueLedger
from sampler.wire.agent_messages import FlagRequest
from sampler.wire.codec import decode
from sampler.wire.messages import Manifest
from sampler.wire.retention_messages import DueLine
from sampler.wire.search_messages import SearchHit
from tests.support.commands import patiently, run


async def test_a_flagged_file_is_found_and_has_its_time(
    lab: Lab, agent: AgentClient, samples: Path, tmp_path: Path
) -> None:
    """By hash, rule and name, with all fields; the statement's time travels and is shown before it is over."""
    (sample,) = (path for path in (samples / "eicar/eicar").iterdir() if path.name != "expected.json")
    file = tmp_path / "invoice-4711.txt"
    file.write_bytes(sample.read_bytes())
    view = await agent.flag(FlagRequest(path=str(file)))
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()

    async def found() -> SearchHit | None:
        asked = (sha256[:12], "--rule", "EICAR*", "-w", "file.name=invoice*", "--full", "--json")
        said = await run("queue", "search", *asked, "--config", str(lab.client_config))
        hits = [decode(line.encode(), SearchHit) for line in said.out.splitlines()]
        return hits[0] if hits and hits[0].state == "queued" else None

    hit: SearchHit = await patiently("the hit", found)
    assert (hit.id, hit.object.sha256, hit.reason) == (view.id, sha256, "detection")
    assert hit.fields is not None
    assert hit.fields["file.name"] == "invoice-4711.txt"
    ledger = SqliteQueueLedger(lab.folder / "queue" / "queue.db")
    kept = ledger.submission(view.id)
    ledger.close()
    assert kept is not None
    statement = decode(kept.manifest, Manifest).statement
    assert (statement.region, statement.retention_days) == ("world", 365)
    assert Scope.REPUTATION in statement.scopes
    admin = str(tmp_path / "admin.toml")
    made = ("tokens", "create", "--role", "admin", "--name", "adm", "--profile", admin, "--url", lab.people_url)
    await run("queue", *made, "--config", str(lab.queue_config))
    dry = ("retention", "run", "--dry-run", "--at", "2100-01-01", "--json", "--config", admin)
    said = await run("queue", *dry)
    contents, records = (decode(line.encode(), DueLine) for line in said.out.splitlines())
    assert (contents.submission, records.submission) == (view.id, view.id)
    assert contents.due - contents.received == timedelta(days=365)
