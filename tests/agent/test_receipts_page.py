"""docs/receipts.md: what it says about checking a receipt without Sampler is true."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sampler.agent.receipt_entries import Held, held_document
from sampler.identity import SigningKey
from sampler.queue.log_tree import NodePlace, appended, inclusion, root
from sampler.wire.codec import encode
from sampler.wire.messages import StatementMessage
from sampler.wire.receipt_messages import HEAD_CONTEXT, RECEIPT_CONTEXT, LogProof, Receipt, Signed, TreeHead

PAGE = Path(__file__).parents[2] / "docs" / "receipts.md"
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    """A receipt in a log of five, as ``sampler receipts list --json`` prints it."""
    key, nodes = SigningKey.create(tmp_path / "receipt.key"), dict[NodePlace, bytes]()

    def node(level: int, index: int) -> bytes:
        return nodes[level, index]

    signed = []
    for position in range(5):
        document = encode(
            Receipt(
                submission="0" * 8 + "-0000-4000-8000-" + "0" * 12,
                device="1" * 8 + "-0000-4000-8000-" + "0" * 12,
                manifest="a" * 64,
                received=NOW,
                position=position,
                statement=StatementMessage(id="basic", version=1, digest="b" * 64),
            )
        )
        nodes.update(appended(document, position, node))
        signed.append(Signed(document=document, signature=key.sign(RECEIPT_CONTEXT, document)))
    document = encode(TreeHead(size=5, root=root(5, node).hex(), time=NOW))
    head = Signed(document=document, signature=key.sign(HEAD_CONTEXT, document))
    held = held_document(Held(signed[2], str(key.public), head), 2, LogProof(nodes=inclusion(2, 5, node)))
    (tmp_path / "entry.json").write_text(json.dumps({"document": held}))
    return tmp_path / "entry.json"


def checked(entry: Path) -> list[int]:
    """The exit codes of the page's program and of its two commands."""
    program = subprocess.run([sys.executable, "-W", "ignore", "-c", block("python")], cwd=entry.parent, check=False)
    commands = [line.split() for line in block("sh").splitlines()]
    return [program.returncode, *(subprocess.run(each, cwd=entry.parent, check=False).returncode for each in commands)]


def test_the_page_checks_a_receipt(entry: Path) -> None:
    """Its program finds the receipt in the log, and OpenSSL both signatures sound."""
    assert checked(entry) == [0, 0, 0]


def test_the_page_notices_a_change(entry: Path) -> None:
    """A changed receipt is neither in the log nor signed; the head still is."""
    entry.write_text(entry.read_text().replace("a" * 64, "c" * 64))
    program, receipt, head = checked(entry)
    assert program != 0
    assert receipt != 0
    assert head == 0


def test_every_code_is_on_the_page() -> None:
    """An owner who meets an alarm finds what it means."""
    sources = "".join(path.read_text() for path in (PAGE.parents[1] / "sampler/agent").glob("receipt*.py"))
    codes = set(re.findall(r'ReceiptError\([^)]*?"([a-z-]+)"\)', sources, flags=re.DOTALL)) - {"standing"}
    assert len(codes) >= 12
    assert {code for code in codes if f"`{code}`" not in PAGE.read_text()} == set()
