from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sampler.agent.places import AgentPlaces
from sampler.agent.spool_opening import content_folder, key_ring
from sampler.cli.explain import explain_lines
from sampler.cli.explain_bytes import KeptBytes, first_bytes
from sampler.cli.explain_messages import Explained
from sampler.cli.explain_story import Story
from sampler.cli.main import main
from sampler.journal import Journal, JournalEntry
from sampler.model import Content
from sampler.permit import shipped_statement
from sampler.retain.sealed_folder import SealedFolder

ID = "0b8f6a1e-3f59-4f0f-8a52-2f1f9b1f6a10"
START = datetime(2026, 11, 25, 12, tzinfo=UTC)
STATEMENT = shipped_statement("extended")
REF = {"id": "extended", "version": STATEMENT.version, "digest": STATEMENT.digest}
BYTES = b"MZ" + bytes(98)
PART = {"kind": "section", "name": ".text", "offset": 10, "length": 20}
CONSENT = {"act": "accepted", "by": "alice", "at": "2026-11-01T00:00:00Z", "scopes": ["parts"], "statement": REF}
PERMITTED = {
    "reason": "detection",
    "statement": STATEMENT.digest,
    "scopes": ["metadata", "parts", "reputation"],
    "reasons": {
        "file.path": "P9 fields: scope metadata, file.path = template",
        "file.hash.md5": "P9 fields: scope reputation, file.hash.* = keep",
        "rule.name": "P9 fields: scope reputation, rule.name = keep",
        "section:.text@10+20": "scope parts, policy safe, kind executable",
    },
    "withheld": {"P9 fields: the statement does not list it": ["process.env", "secret.thing"]},
}
MANIFEST = {
    "object": {"sha256": hashlib.sha256(BYTES).hexdigest(), "size": len(BYTES)},
    "statement": REF,
    "fields": {"file.path": "/opt/x/a.exe", "file.hash.md5": "ab"},
    "matches": [{"rule.name": "Some_Rule"}],
    "contents": [{"sha256": hashlib.sha256(BYTES[10:30]).hexdigest(), "size": 20, "part": PART}],
    "omissions": [{"what": "section:.data", "reason": "there is none"}],
}
TOLD: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("consent", "", CONSENT),
    ("permitted", ID, PERMITTED),
    ("offered", ID, {"scopes": PERMITTED["scopes"], "manifest": MANIFEST}),
    ("delivered", ID, {"state": "delivered", "detail": "", "sent_bytes": 20}),
    ("receipt", ID, {"position": 7, "receipt": '{"received":"then"}', "signature": "c2ln", "key": "a2V5"}),
    ("verdict", ID, {"conclusion": "malicious", "score": 90, "analyzer": "lab"}),
    ("withdrawn", "", {**CONSENT, "act": "withdrawn", "scopes": []}),
)


def entries(told: tuple[tuple[str, str, dict[str, Any]], ...] = TOLD) -> list[JournalEntry]:
    numbers = count(1)
    return [
        JournalEntry(number, START + timedelta(minutes=number), kind, about, document, "", "")
        for number, (kind, about, document) in zip(numbers, told, strict=False)
    ]


@pytest.fixture
def told() -> Explained:
    return Story.of(ID, entries()).explained()


@pytest.fixture
def journaled(tmp_path: Path) -> Path:
    """An agent's state with that journal, and its settings."""
    folder = tmp_path / "agent" / "journal"
    folder.mkdir(parents=True)
    with Journal(folder) as journal:
        for entry in entries():
            journal.append(entry.kind, entry.event_id, entry.at, entry.document)
    (tmp_path / "agent.toml").write_text(f'state = "{tmp_path}/agent"\n')
    return tmp_path


@pytest.fixture
def run(journaled: Path) -> Callable[..., Result]:
    def invoke(*words: str) -> Result:
        return CliRunner().invoke(main, [*words, "--config", str(journaled / "agent.toml")])

    return invoke


def test_the_story_of_an_object(told: Explained) -> None:
    """What left, under which line of the statement, whose consent stood then, what became of it."""
    path, md5 = told.fields
    assert (path.scope, path.line, path.treatment) == ("metadata", "file.path", "template")
    assert (md5.scope, md5.line, md5.treatment) == ("reputation", "file.hash.*", "keep")
    assert told.matches[0][0].why == "P9 fields: scope reputation, rule.name = keep"
    assert (told.contents[0].label, told.contents[0].why) == (
        "section:.text@10+20",
        "scope parts, policy safe, kind executable",
    )
    assert told.consent is not None
    assert (told.consent.by, told.consent.at) == ("alice", datetime(2026, 11, 1, tzinfo=UTC))
    assert told.receipt is not None
    assert (told.receipt.position, told.receipt.received) == (7, "then")
    assert [end.kind for end in told.became] == ["delivered", "receipt", "verdict"]
    assert told.left == START + timedelta(minutes=3)
    assert [step.command for step in told.stop] == [
        f"sampler recall {ID}",
        "sampler consent withdraw --scope metadata",
        "sampler consent withdraw --scope parts",
        "sampler consent withdraw",
        '[policy] exclude_paths = ["/opt/x"]',
    ]


WAITED = "5b1c2f0e-3f59-4f0f-8a52-2f1f9b1f6a11"
ANSWER = "6c2d3a1f-3f59-4f0f-8a52-2f1f9b1f6a12"
FOLLOWED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("held", WAITED, {"reason": "detection", "follows": ID, "why": "it is a document", "contents": ["whole"]}),
    ("offered", ANSWER, {"manifest": {**MANIFEST, "fields": {"sampler.event.follows": ID}}}),
    ("delivered", ANSWER, {"state": "delivered", "detail": "", "sent_bytes": 20}),
    ("verdict", ANSWER, {"conclusion": "malicious", "score": 90, "analyzer": "lab"}),
)


def test_later_events_of_an_object_are_named(run: Callable[..., Result], journaled: Path) -> None:
    """What waited for approval and what the queue asked for later stand with the object, with what became of them."""
    with Journal(journaled / "agent" / "journal") as journal:
        for kind, about, document in FOLLOWED:
            journal.append(kind, about, START, document)
    lines = run("explain", ID).output.splitlines()
    begin = lines.index("FOLLOWED BY")
    assert lines[begin + 1 : begin + 5] == [
        f"  sampler explain {WAITED}",
        "      2026-11-25T12:00:00Z held; it is a document: whole",
        f"  sampler explain {ANSWER}",
        "      2026-11-25T12:00:00Z delivered; delivered; 20 B of contents",
    ]
    assert f"a later event of the object {ID}" in run("explain", ANSWER).output
    assert "FOLLOWED BY" not in run("explain", ANSWER).output


def test_a_refused_object_says_that_nothing_left() -> None:
    """Its rule is what became of it; there is nothing to recall."""
    refused = entries((("refused", ID, {"reason": "policy", "rule": "P4 excluded-path", "detail": "no"}),))
    told = Story.of(ID, refused).explained()
    lines = list(explain_lines(told, STATEMENT, 0))
    assert "Nothing of it has left this machine." in lines
    assert "      P4 excluded-path; no" in lines
    assert not any("recall" in step.command for step in told.stop)


def test_an_object_of_an_older_version_is_explained() -> None:
    """Entries that lack reasons, scopes and what stayed are shown with what they have."""
    manifest = {key: MANIFEST[key] for key in ("object", "statement", "fields")}
    told = Story.of(ID, entries((("offered", ID, {"manifest": manifest}),))).explained()
    lines = list(explain_lines(told, "it is gone", 0))
    assert "FIELDS, the rule was not noted" in lines
    assert "  the statement cannot be read: it is gone" in lines
    assert "  the journal has no entry about the consent that it left under" in lines


def test_what_people_read_fits_and_is_whole(told: Explained) -> None:
    """Each part of the story has its section, and no line is wider than a terminal."""
    lines = list(explain_lines(told, STATEMENT, 48))
    text = "\n".join(lines)
    for expected in (
        "FIELDS, scope metadata, let through by P9 fields",
        "/opt/x/a.exe  (template)",
        "ab  (file.hash.* = keep)",
        "RULE MATCH\n  rule.name                    Some_Rule",
        "section:.text@10+20, 20 bytes",
        "the statement does not list it:\n      process.env, secret.thing",
        "section:.data: there is none",
        "alice, at 2026-11-01T00:00:00Z: parts",
        "malicious (90) by lab",
        "signed by the queue, number 7 in its log; received at then",
    ):
        assert expected in text
    assert max(map(len, text.splitlines())) <= 80


def test_hostile_values_do_not_steer_a_terminal() -> None:
    """Escapes and line ends in names, reasons and texts are shown, not obeyed; whatever stands there, it fits."""
    hostile = "\x1b[2J\r\n" + "w" * 300
    manifest = {**MANIFEST, "fields": {"file.path": hostile}, "omissions": [{"what": hostile, "reason": hostile}]}
    permitted = {**PERMITTED, "withheld": {hostile: [hostile]}}
    told = Story.of(
        ID,
        entries(
            (
                ("consent", "", {**CONSENT, "by": hostile}),
                ("permitted", ID, permitted),
                ("offered", ID, {"manifest": manifest}),
            )
        ),
    ).explained()
    text = "\n".join(explain_lines(told, hostile, 0))
    assert "\x1b" not in text
    assert "\r" not in text


def test_bytes_are_shown_while_they_wait(journaled: Path, told: Explained, now: datetime) -> None:
    """A content in the spool is shown to whoever may read it."""
    places = AgentPlaces(journaled / "agent", journaled / "none.sock")
    assert KeptBytes(places).shown_in(told).contents[0].head is None
    key_ring(places).rotate(now, timedelta(days=1))
    content = Content(told.contents[0].sha256, 20, 10)
    content_folder(places).write(content, lambda _content: [BYTES[10:30]])
    assert KeptBytes(places).shown_in(told).contents[0].head == BYTES[10:30].hex()


def test_bytes_are_shown_while_they_are_kept_for_asks(journaled: Path, told: Explained, now: datetime) -> None:
    """A part is cut from the sealed snapshot; a damaged one, or one without its key, shows nothing."""
    places = AgentPlaces(journaled / "agent", journaled / "none.sock")
    key_ring(places).rotate(now, timedelta(days=1))
    SealedFolder(places.retained, key_ring(places)).write(ID, b"{}", [BYTES])
    assert KeptBytes(places).shown_in(told).contents[0].head == BYTES[10:30].hex()
    for key in places.keys.iterdir():
        key.unlink()
    assert KeptBytes(places).shown_in(told).contents[0].head is None


def test_stretches_are_found_in_one_reading() -> None:
    """Over the edges of chunks, next to each other and inside each other; nothing behind the last is read."""
    data = bytes(range(256)) * 8
    read: list[int] = []

    def chunks() -> Any:
        for start in range(0, len(data), 100):
            read.append(start)
            yield data[start : start + 100]

    wanted = [(0, 5), (95, 20), (100, 500), (300, 1), (301, 50)]
    heads = first_bytes(chunks(), wanted)
    assert heads == {offset: data[offset : offset + min(length, 256)] for offset, length in wanted}
    assert read[-1] == 300
    assert first_bytes(iter(()), wanted) == {}


def test_as_a_command(run: Callable[..., Result]) -> None:
    """For people, as JSON, and for an object that the journal does not know."""
    said = run("explain", ID)
    assert said.exit_code == 0, said.output
    assert "AGREED TO" in said.output
    assert json.loads(run("explain", ID, "--json").output)["contents"][0]["label"] == "section:.text@10+20"
    unknown = run("explain", ID.replace("0", "1"))
    assert unknown.exit_code == 2
    assert "the journal has nothing about it" in unknown.output


def test_what_was_known_is_explained() -> None:
    """For what reason it was flagged, that nothing left, and of no statement, since nothing was decided under one."""
    known = {"reason": "detection", "source": "queue", "detail": "nothing was sent: benign (0)"}
    told = Story.of(ID, entries((("known", ID, known),))).explained()
    said = "\n".join(explain_lines(told, "there is none", 0))
    assert "detection" in said.splitlines()[0]
    assert "Nothing of it has left this machine." in said
    assert "nothing was sent: benign (0)" in said
    assert "there is none" not in said


def test_history_words_and_options_are_lists(run: Callable[..., Result]) -> None:
    """What is no other command of history is what is asked for."""
    assert run("history", ID, "-n", "1").output.splitlines()[0].split()[1:] == ["verdict", ID]
    assert run("history", "list", "--reverse", "-n", "1").output.splitlines()[0].split()[1] == "consent"
    assert run("history", "--kind", "nothing").output == "no entry is like that\n"
    kinds = [json.loads(line)["kind"] for line in run("history", "--id", ID, "--reverse", "--json").output.splitlines()]
    assert kinds == ["permitted", "offered", "delivered", "receipt", "verdict"]
    assert "7 entries: " in run("history").output
    assert run("history", "verify").output.startswith("the journal is sound: entries 1 to 7")
    assert run("history", "repair").output == "the journal is sound; nothing was done\n"
    assert "Commands:" in CliRunner().invoke(main, ["history", "--help"]).output


def test_history_is_exported_as_it_is_stored(run: Callable[..., Result], journaled: Path) -> None:
    """To standard output or a file; the file is there when it is whole."""
    stored = (journaled / "agent" / "journal" / "journal.jsonl").read_bytes()
    assert run("history", "export").output.encode() == stored
    target = journaled / "out.jsonl"
    assert run("history", "export", "-o", str(target)).exit_code == 0
    assert target.read_bytes() == stored
    assert ID in run("history", "export", "--format", "html").output
