"""What whoever looks after a queue types about tokens, tenants, hosts and the audit log, and what they see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from sampler.cli import queue_audit
from sampler.cli.main import main
from sampler.queue import Device, Usage
from sampler.runtime.settings import load_settings
from sampler.server import QueueSettings, initialize
from sampler.server.tokens import opened_ledger
from sampler.wire.audit_messages import FIRST_CHAIN, Action, AuditLine, AuditPage, chained

NOW = datetime.now(UTC)
HOST = "11111111-1111-4111-8111-111111111111"

Run = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The settings of a new queue."""
    return initialize(
        tmp_path / "q", ["localhost"], hosts_listen="127.0.0.1:0", people_listen="127.0.0.1:0", now=NOW
    ).config


@pytest.fixture
def settings(config: Path) -> QueueSettings:
    return load_settings(QueueSettings, "queue", config, {})


@pytest.fixture
def run(config: Path) -> Run:
    """``sampler queue …`` over it, in 80 columns."""

    def run(*arguments: str) -> Result:
        command = ["queue", *arguments, "--config", str(config)]
        return CliRunner(env={"COLUMNS": "80"}).invoke(main, command)

    return run


def _lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_tokens_say_whose_they_are(run: Run) -> None:
    """A token has a tenant that is there, or all of them; an analyst's right to raw bytes is shown."""
    assert run("tenants", "create", "bank").exit_code == 0
    for options in (
        ("--role", "analyst", "--name", "ann", "--tenant", "bank", "--raw"),
        ("--role", "worker", "--name", "bot", "--all-tenants"),
        ("--role", "enroll", "--name", "desk", "--tenant", "bank"),
        ("--role", "admin", "--name", "chief"),
    ):
        assert run("tokens", "create", *options).stdout.startswith(f"smp_{options[1]}_")
    shown = [(line["name"], line["tenant"], line["raw"]) for line in _lines(run("tokens", "list", "--json"))]
    assert shown == [("ann", "bank", True), ("bot", "*", True), ("desk", "bank", False), ("chief", "*", True)]
    table = run("tokens", "list").stdout
    assert "analyst, raw" in table
    assert max(map(len, table.splitlines())) <= 80
    refused = run("tokens", "create", "--role", "analyst", "--name", "eve", "--tenant", "shop")
    assert refused.exit_code == 2


def test_tenants_are_shown_with_their_quotas(run: Run, settings: QueueSettings) -> None:
    """What they may bring, and what they brought today, fits a terminal; a change replaces all quotas."""
    run("tenants", "create", "bank", "--device-objects", "5", "--tenant-bytes", "1073741824")
    with opened_ledger(settings) as ledger:
        ledger.add_device(Device(HOST, "abc", "desk", NOW, NOW + timedelta(days=9), tenant="bank"))
        ledger.add_used(NOW.date(), HOST, Usage(2, 2048))
    bank, default = _lines(run("tenants", "list", "--json"))
    assert (bank["name"], bank["devices"], bank["objects_today"], bank["bytes_today"]) == ("bank", 1, 2, 2048)
    assert (bank["device_objects"], bank["tenant_bytes"], bank["device_bytes"]) == (5, 1 << 30, None)
    assert default["name"] == "default"
    table = run("tenants", "list").stdout
    assert "5 objects" in table
    assert max(map(len, table.splitlines())) <= 80
    run("tenants", "set", "bank", "--device-bytes", "7")
    changed = _lines(run("tenants", "list", "--json"))[0]
    assert (changed["device_objects"], changed["device_bytes"], changed["tenant_bytes"]) == (None, 7, None)


def test_hosts_are_listed_and_refused(run: Run, settings: QueueSettings) -> None:
    """A host's state is shown; one that is revoked stays on the list as such; a typing error is told."""
    with opened_ledger(settings) as ledger:
        ledger.add_device(Device(HOST, "abc", "desk", NOW, NOW + timedelta(days=9)))
    assert "in force" in run("devices", "list").stdout
    assert run("devices", "revoke", HOST).stdout == f"{HOST} revoked\n"
    table = run("devices", "list").stdout
    assert "revoked" in table
    assert HOST in table
    assert max(map(len, table.splitlines())) <= 80
    assert _lines(run("devices", "list", "--tenant", "bank", "--json")) == []
    assert _lines(run("devices", "list", "--json"))[0]["revoked"]
    assert run("devices", "revoke", HOST).exit_code == 2


def _log(count: int) -> list[AuditLine]:
    lines, before = [], FIRST_CHAIN
    for position in range(count):
        line = AuditLine(
            position=position,
            at=datetime(2026, 11, 24, 10, 30, position, tzinfo=UTC),
            actor="ann\x1b[31m",
            role="analyst",
            tenant="bank",
            action=Action.DOWNLOAD,
            subject="a" * 64,
            detail="cart",
            chain=FIRST_CHAIN,
        )
        before = chained(before, line)
        lines.append(msgspec.structs.replace(line, chain=before))
    return lines


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Result, list[dict[str, str]]]]:
    """``sampler queue audit …`` over a log that the queue gives out two entries at a time; what was asked."""
    asked: list[dict[str, str]] = []

    def run(
        *arguments: str, log: list[AuditLine] | None = None, role: str = "admin"
    ) -> tuple[Result, list[dict[str, str]]]:
        class Client:
            async def audit(self, **query: str) -> AuditPage:
                asked.append(query)
                behind = [line for line in log or [] if line.position > int(query.get("after", "-1"))]
                page = behind[: min(2, int(query["limit"]))]
                return AuditPage(entries=tuple(page), after=page[-1].position if len(behind) > len(page) else None)

        def with_client(_config: Any, ask: Callable[[Any], Any]) -> Any:
            return asyncio.run(ask(Client()))

        monkeypatch.setattr(queue_audit, "with_client", with_client)
        token = f"smp_{role}_{'a' * 43}"
        profile = {"SAMPLER_CLIENT_URL": "https://q", "SAMPLER_CLIENT_CA": "ca.pem", "SAMPLER_CLIENT_TOKEN": token}
        return CliRunner(env={"COLUMNS": "80", **profile}).invoke(main, ["queue", "audit", *arguments]), asked

    return run


def test_the_log_is_read_a_page_at_a_time(audit: Callable[..., Any]) -> None:
    """As many entries as were asked for, however many a page has; conditions travel, and a terminal stays whole."""
    result, asked = audit("list", "--limit", "3", "--actor", "ann", log=_log(5))
    assert result.exit_code == 0
    assert result.stdout.count("download") == 3
    assert asked == [{"actor": "ann", "limit": "3"}, {"actor": "ann", "limit": "1", "after": "1"}]
    assert "\x1b" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_a_whole_log_is_said_to_be_whole(audit: Callable[..., Any], tmp_path: Path) -> None:
    """From the queue and from a file alike, and the last hash is shown, by which it can be known again."""
    log = _log(5)
    result, _ = audit("verify", log=log)
    last = f"4:{log[-1].chain}"
    assert (result.exit_code, result.stdout) == (0, f"5 entries follow each other, the last {last}\n")
    exported, _ = audit("list", "--json", log=log)
    file = tmp_path / "audit.ndjson"
    file.write_text(exported.stdout)
    assert audit("verify", str(file), "--known", last)[0].exit_code == 0


def test_a_log_that_was_tampered_with_is_found(audit: Callable[..., Any]) -> None:
    """An entry that was altered is named; a log that was written anew is noticed by who kept a hash of it."""
    log = _log(5)
    altered = [*log[:2], msgspec.structs.replace(log[2], actor="eve"), *log[3:]]
    result, _ = audit("verify", log=altered)
    assert (result.exit_code, "entry 2 does not follow" in result.stdout) == (1, True)
    result, _ = audit("verify", "--known", f"4:{'0' * 64}", log=log)
    assert (result.exit_code, "is not there any more" in result.stdout) == (1, True)


def test_who_sees_a_part_of_the_log_is_not_told_that_it_was_tampered_with(audit: Callable[..., Any]) -> None:
    """An analyst is shown one tenant's entries; whether the log is whole, those cannot tell."""
    result, asked = audit("verify", log=_log(5)[::2], role="analyst")
    assert (result.exit_code, "takes an admin's token" in result.stderr, asked) == (2, True, [])


def test_a_file_that_is_no_log_is_told(audit: Callable[..., Any], tmp_path: Path) -> None:
    """The line that cannot be read is named."""
    file = tmp_path / "audit.ndjson"
    file.write_text("{}\n")
    assert audit("verify", str(file))[0].exit_code == 2
