"""Receipts over the whole path: they arrive, can be checked by anybody, and a queue that lies about them is caught."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sampler.cli.demo_lab import Lab
from sampler.identity import SigningKey
from sampler.intake import AgentClient
from sampler.journal import JournalEntry, JournalReader
from sampler.queue.log_tree import appended
from sampler.wire.agent_messages import FlagRequest
from sampler.wire.receipt_messages import RECEIPT_CONTEXT
from tests.support.commands import patiently, run

WAIT_SECONDS = 60.0


@dataclass
class Watch:
    """What a test sees of one lab."""

    lab: Lab

    @property
    def config(self) -> tuple[str, str]:
        return ("--config", str(self.lab.agent_config))

    def entries(self, kind: str) -> list[JournalEntry]:
        return [entry for entry in JournalReader(self.lab.folder / "agent/journal").entries() if entry.kind == kind]

    async def seen(self, kind: str, number: int = 1) -> list[JournalEntry]:
        async def look() -> list[JournalEntry]:
            found = self.entries(kind)
            return found if len(found) >= number else []

        found: list[JournalEntry] = await patiently(f"{number} {kind}", look, seconds=WAIT_SECONDS)
        return found

    async def flag(self, path: Path, data: bytes) -> str:
        path.write_bytes(data)
        async with AgentClient(self.lab.socket) as client:
            return (await client.flag(FlagRequest(path=str(path)))).id

    async def status(self) -> str:
        async with AgentClient(self.lab.socket) as client:
            return (await client.status()).receipts

    async def alarm(self) -> str:
        async def look() -> str:
            said = await self.status()
            return said if said.startswith("ALARM") else ""

        said: str = await patiently("an alarm", look, seconds=WAIT_SECONDS)
        return said

    async def restart_queue(self, change: Callable[[sqlite3.Connection], None]) -> None:
        """Let somebody change the ledger while the queue is down, as its operator could."""
        await self.lab.kill("queue")
        database = sqlite3.connect(self.lab.folder / "queue/queue.db")
        with database:
            change(database)
        database.close()
        await self.lab.start_queue()


@pytest.fixture
def watch(lab: Lab) -> Watch:
    return Watch(lab)


async def test_a_receipt_arrives_and_holds(watch: Watch, tmp_path: Path) -> None:
    """What was delivered is acknowledged once, and everything about it can be checked from the journal alone."""
    event_id = await watch.flag(tmp_path / "one", b"one")
    (entry,) = await watch.seen("receipt")
    assert entry.event_id == event_id
    receipt = json.loads(entry.document["receipt"])
    (offered,) = watch.entries("offered")
    assert (receipt["submission"], receipt["position"]) == (event_id, 0)
    assert receipt["manifest"] == offered.document["manifest_sha256"]
    assert "1 held" in await patiently("the status", watch.status, seconds=WAIT_SECONDS)

    await watch.lab.kill("agent")
    verified = await run("receipts", "verify", *watch.config)
    assert (verified.code, verified.out, verified.err) == (0, "1 receipts hold\n", "")
    assert event_id in (await run("receipts", "list", *watch.config)).out
    assert receipt["manifest"] in (await run("receipts", "show", event_id, *watch.config)).out
    assert (await run("receipts", "show", "0" * 8, *watch.config)).code == 2


async def test_after_restarts_each_receipt_is_there_once(watch: Watch, tmp_path: Path) -> None:
    """An agent that lost how far it was finds in the journal what it has noted already."""
    await watch.flag(tmp_path / "one", b"one")
    await watch.seen("receipt")
    await watch.lab.kill("agent")
    (watch.lab.folder / "agent/receipts/standing.json").unlink()
    await watch.lab.start_agent()
    await watch.flag(tmp_path / "two", b"two")
    await watch.seen("receipt", 2)
    assert len(watch.entries("receipt")) == 2
    assert watch.entries("receipt_refused") == []


async def test_heads_can_be_compared_by_hosts_and_auditors(watch: Watch, tmp_path: Path) -> None:
    """A head that was kept is proven to be of the log of today; one of another log is not."""
    client = ("--config", str(watch.lab.client_config))
    await watch.flag(tmp_path / "one", b"one")
    await watch.seen("receipt")
    kept = tmp_path / "head.json"
    kept.write_text((await run("receipts", "head", *watch.config)).out)
    await watch.flag(tmp_path / "two", b"two")
    await watch.seen("receipt", 2)
    checked = await run("receipts", "check", str(kept), *watch.config)
    assert (checked.code, checked.out) == (0, "one history: 1 and 2 receipts\n"), checked.err
    audited = await run("queue", "log", "check", str(kept), *client)
    assert (audited.code, audited.out) == (0, "one history: 1 and 2 receipts\n"), audited.err
    now = await run("queue", "log", "head", *client)
    kept.write_text(now.out)
    assert (await run("receipts", "check", str(kept), *watch.config)).code == 0

    other = json.loads(now.out)
    other["head"]["signature"] = "A" * 86 + "=="
    kept.write_text(json.dumps(other))
    refused = await run("receipts", "check", str(kept), *watch.config)
    assert (refused.code, "not signed" in refused.err) == (1, True)
    assert (await run("queue", "log", "check", str(kept), *client)).code == 1


def resigned(watch: Watch, **changes: Any) -> Callable[[sqlite3.Connection], None]:
    """The operator changes a receipt, and signs it anew with the queue's own key."""
    key = SigningKey.load(watch.lab.folder / "queue/receipt.key")

    def change(database: sqlite3.Connection) -> None:
        ((document,),) = database.execute("SELECT document FROM receipts WHERE position = 0")
        changed = json.dumps({**json.loads(document), **changes}).encode()
        values = (changed, key.sign(RECEIPT_CONTEXT, changed))
        database.execute("UPDATE receipts SET document = ?, signature = ? WHERE position = 0", values)
        for (level, place), node in appended(changed, 0, lambda *_: b"").items():
            database.execute("UPDATE log_nodes SET hash = ? WHERE level = ? AND place = ?", (node, level, place))

    return change


async def without_following(watch: Watch, path: Path) -> None:
    """Deliver something while the agent does not learn of its receipt: its first look is held up by a bad pin."""
    pin = watch.lab.folder / "agent/identity/receipt.pub"
    await watch.lab.kill("agent")
    right = pin.read_text()
    pin.write_text("no key\n")
    await watch.lab.start_agent()
    await watch.flag(path, path.name.encode())
    await watch.seen("delivered")
    await watch.lab.kill("agent")
    pin.write_text(right)


async def test_a_receipt_for_another_manifest_is_refused(watch: Watch, tmp_path: Path) -> None:
    """A queue that claims, under its signature, to have got something else is caught, told of and written down."""
    await without_following(watch, tmp_path / "one")
    await watch.restart_queue(resigned(watch, manifest="0" * 64))
    await watch.lab.start_agent()
    (entry,) = await watch.seen("receipt_refused")
    assert entry.document["code"] == "manifest"
    assert "do not hold" in await watch.alarm()
    assert (await run("receipts", "verify", *watch.config)).code == 1
    assert "DOES NOT HOLD" in (await run("receipts", "list", *watch.config)).out
    assert watch.entries("receipt") == []


async def test_a_receipt_with_another_signature_is_refused(watch: Watch, tmp_path: Path) -> None:
    """One that was changed in the ledger, without the key."""
    await without_following(watch, tmp_path / "one")

    def change(database: sqlite3.Connection) -> None:
        database.execute("UPDATE receipts SET document = cast(document || ' ' AS BLOB)")

    await watch.restart_queue(change)
    await watch.lab.start_agent()
    (entry,) = await watch.seen("receipt_refused")
    assert entry.document["code"] == "signature"


async def test_a_receipt_that_the_log_does_not_have_is_refused(watch: Watch, tmp_path: Path) -> None:
    """A receipt that was signed, but is not the leaf that the log has."""
    await without_following(watch, tmp_path / "one")

    def change(database: sqlite3.Connection) -> None:
        database.execute("UPDATE log_nodes SET hash = zeroblob(32)")

    await watch.restart_queue(change)
    await watch.lab.start_agent()
    (entry,) = await watch.seen("receipt_refused")
    assert entry.document["code"] == "not-in-log"


async def test_a_log_that_lost_receipts_is_an_alarm(watch: Watch, tmp_path: Path) -> None:
    """A queue that takes back what it has acknowledged is caught by the first look, also after a restart."""
    await watch.flag(tmp_path / "one", b"one")
    await watch.seen("receipt")

    def restore_an_older_state(database: sqlite3.Connection) -> None:
        for table in ("receipts", "log_nodes", "tasks"):
            database.execute(f"DELETE FROM {table}")

    await watch.lab.kill("agent")
    await watch.restart_queue(restore_an_older_state)
    await watch.lab.start_agent()
    (entry,) = await watch.seen("receipt_refused")
    assert entry.document["code"] == "shrunk"
    assert {"seen", "shown"} <= entry.document.keys()
    assert "ALARM: the queue's log of receipts" in await watch.alarm()


async def test_a_fork_is_an_alarm(watch: Watch, tmp_path: Path) -> None:
    """Another history under the same key, grown further, is told apart from the one that was seen."""
    await watch.flag(tmp_path / "one", b"one")
    await watch.seen("receipt")
    await watch.lab.kill("agent")
    kept = tmp_path / "head.json"
    kept.write_text((await run("receipts", "head", *watch.config)).out)
    await watch.restart_queue(resigned(watch, received="2026-01-01T00:00:00Z"))
    await watch.lab.start_agent()
    await watch.flag(tmp_path / "two", b"two")
    (entry,) = await watch.seen("receipt_refused")
    assert entry.document["code"] == "forked"
    assert "another one" in await watch.alarm()
    audited = await run("queue", "log", "check", str(kept), "--config", str(watch.lab.client_config))
    assert (audited.code, "not one history" in audited.err) == (1, True)


async def test_another_key_is_not_taken(watch: Watch, tmp_path: Path) -> None:
    """A queue with a new key is not believed until somebody enrols the host anew."""
    await watch.flag(tmp_path / "one", b"one")
    await watch.seen("receipt")
    await watch.lab.kill("agent")
    await watch.lab.kill("queue")
    (watch.lab.folder / "queue/receipt.key").unlink()
    await watch.lab.start_queue()
    await watch.lab.start_agent()
    (entry,) = await watch.seen("receipt_refused")
    assert entry.document["code"] == "key"
    assert "key for receipts is another one" in await watch.alarm()


async def test_without_a_consent_nothing_is_asked(watch: Watch, tmp_path: Path) -> None:
    """After a withdrawal no receipt is fetched, and none is when the agent starts anew."""
    await without_following(watch, tmp_path / "one")
    assert (await run("consent", "withdraw", *watch.config)).code == 0
    await watch.lab.start_agent()
    assert (await run("consent", "accept", "extended", "--by", "demo", *watch.config)).code == 0
    await watch.seen("receipt")
    order = [entry.kind for entry in JournalReader(watch.lab.folder / "agent/journal").entries()]
    assert order.index("receipt") > len(order) - 1 - order[::-1].index("consent")
