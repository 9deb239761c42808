"""``sampler receipts`` from a journal alone, as any user of the machine may run it."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sampler.agent.receipt_entries import Held, held_document, refused_document
from sampler.agent.receipt_standing import Standing, StandingFile
from sampler.cli.main import main
from sampler.errors import ReceiptError
from sampler.identity import SigningKey
from sampler.journal import Journal
from sampler.queue.log_tree import appended, root
from sampler.wire.codec import encode
from sampler.wire.messages import StatementMessage
from sampler.wire.receipt_messages import (
    HEAD_CONTEXT,
    RECEIPT_CONTEXT,
    KeptHead,
    LogProof,
    Receipt,
    Signed,
    TreeHead,
)

NOW = datetime(2026, 11, 25, tzinfo=UTC)
EVENT = "00000001-0000-4000-8000-000000000000"
LIAR = "00000002-0000-4000-8000-000000000000"
MANIFEST = b'{"contents":[]}'


def signed(key: SigningKey, context: str, document: bytes) -> Signed:
    return Signed(document=document, signature=key.sign(context, document))


def head_of(key: SigningKey, leaf: bytes) -> Signed:
    nodes = appended(leaf, 0, lambda *_: b"")
    tree = TreeHead(size=1, root=root(1, lambda level, index: nodes[level, index]).hex(), time=NOW)
    return signed(key, HEAD_CONTEXT, encode(tree))


class Machine:
    """An agent's state with one receipt that holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = SigningKey.create(folder / "queue.key")
        self.config = folder / "agent.toml"
        self.config.write_text(f'state = "{folder}/state"\n')
        self.journal = folder / "state" / "journal"
        self.journal.mkdir(parents=True)
        document = encode(
            Receipt(
                submission=EVENT,
                device=EVENT,
                manifest=hashlib.sha256(MANIFEST).hexdigest(),
                received=NOW,
                position=0,
                statement=StatementMessage(id="basic", version=1, digest="b" * 64),
            )
        )
        self.receipt = signed(self.key, RECEIPT_CONTEXT, document)
        self.head = head_of(self.key, document)
        held = held_document(Held(self.receipt, str(self.key.public), self.head), 0, LogProof())
        digest = hashlib.sha256(MANIFEST).hexdigest()
        with Journal(self.journal) as journal:
            journal.append("offered", EVENT, NOW, {"manifest": json.loads(MANIFEST), "manifest_sha256": digest})
            journal.append("delivered", EVENT, NOW, {})
            journal.append("receipt", EVENT, NOW, held)
        standing = Standing(str(self.key.public), 1, self.head, 1)
        StandingFile(folder / "state" / "receipts" / "standing.json").save(standing)

    def refuse(self) -> None:
        with Journal(self.journal) as journal:
            error = ReceiptError("it names \x1b[31manother manifest", "manifest")
            journal.append("receipt_refused", LIAR, NOW, refused_document(self.receipt, error))

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["receipts", *arguments, "--config", str(self.config)])


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_what_holds_is_verified(machine: Machine) -> None:
    """The whole journal is checked anew, without a queue and without an agent."""
    result = machine.run("verify")
    assert (result.exit_code, result.stdout) == (0, "1 receipts hold\n")


def test_what_does_not_hold_is_named(machine: Machine) -> None:
    """A refused receipt makes the check fail, is listed with its reason, and cannot steer a terminal."""
    machine.refuse()
    verified = machine.run("verify")
    assert (verified.exit_code, LIAR in verified.stderr, "\x1b" in verified.stderr) == (1, True, False)
    listed = machine.run("list")
    assert "DOES NOT HOLD (manifest)" in " ".join(listed.stdout.split())
    assert "\x1b" not in listed.stdout
    lines = [json.loads(line) for line in machine.run("list", "--json").stdout.splitlines()]
    assert [(line["kind"], line["id"]) for line in lines] == [("receipt", EVENT), ("receipt_refused", LIAR)]


def test_one_of_them(machine: Machine) -> None:
    """The entry is shown whole; for what has none, the command says so and fails."""
    shown = machine.run("show", EVENT)
    assert json.loads(shown.stdout.partition("\n")[2])["receipt"].encode() == machine.receipt.document
    assert machine.run("show", LIAR).exit_code == 2


def test_heads_of_the_same_size_are_compared_at_once(machine: Machine, tmp_path: Path) -> None:
    """Its own head is of its own log; another root under the same key is a fork; another key is another log's."""
    file = tmp_path / "head.json"
    file.write_text(machine.run("head").stdout)
    assert machine.run("check", str(file)).stdout == "one history: 1 and 1 receipts\n"
    fork = KeptHead(key=str(machine.key.public), head=head_of(machine.key, b"another receipt"))
    file.write_bytes(encode(fork))
    forked = machine.run("check", str(file))
    assert (forked.exit_code, "not one history" in forked.stderr) == (1, True)
    stranger = SigningKey.create(tmp_path / "other.key")
    file.write_bytes(encode(KeptHead(key=str(stranger.public), head=head_of(stranger, machine.receipt.document))))
    assert "signed by key" in machine.run("check", str(file)).stderr


def test_a_larger_log_is_not_asked_about_without_a_consent(machine: Machine, tmp_path: Path) -> None:
    """To prove it, the queue would have to be spoken to."""
    tree = TreeHead(size=2, root="0" * 64, time=NOW)
    head = signed(machine.key, HEAD_CONTEXT, encode(tree))
    file = tmp_path / "head.json"
    file.write_bytes(encode(KeptHead(key=str(machine.key.public), head=head)))
    result = machine.run("check", str(file))
    assert (result.exit_code, "no-consent" in result.stderr) == (5, True)


@pytest.mark.parametrize("text", ["", "{}", '{"key": 1}', "\x00"])
def test_a_file_that_is_no_head(machine: Machine, tmp_path: Path, text: str) -> None:
    """It is named, and nothing is compared."""
    (tmp_path / "head.json").write_text(text)
    result = machine.run("check", str(tmp_path / "head.json"))
    assert (result.exit_code, "not a head" in result.stderr) == (2, True)


def test_a_machine_that_has_seen_no_head(machine: Machine) -> None:
    """The commands say what is missing."""
    StandingFile(machine.folder / "state" / "receipts" / "standing.json").path.unlink()
    result = machine.run("head")
    assert (result.exit_code, "no head" in result.stderr) == (2, True)


def test_a_pinned_key_is_what_counts(machine: Machine, tmp_path: Path) -> None:
    """A journal whose receipts were all made anew with another key does not hold on the machine that pinned one."""
    pin = tmp_path / "state" / "identity" / "receipt.pub"
    pin.parent.mkdir()
    pin.write_text(str(SigningKey.create(tmp_path / "other.key").public))
    result = machine.run("verify")
    assert (result.exit_code, "believed is" in result.stderr) == (1, True)
    pin.write_text("no key")
    assert machine.run("verify").exit_code == 2
