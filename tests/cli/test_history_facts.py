from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sampler.cli.history_facts import gist_of, hashes_of, name_of, reason_of, scopes_of
from sampler.journal import JournalEntry

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def entry(kind: str, document: dict[str, Any]) -> JournalEntry:
    return JournalEntry(1, NOW, kind, "x", document, "0" * 64, "1" * 64)


def test_scopes_of_entries_of_any_version() -> None:
    """Named by themselves, or in the reasons of entries that older versions wrote."""
    assert scopes_of({"scopes": ["whole", "metadata"]}) == {"whole", "metadata"}
    reasons = {"file.size": "P9 fields: scope metadata, file.size = keep", "whole": "scope whole, policy safe, kind x"}
    assert scopes_of({"reasons": reasons}) == {"metadata", "whole"}
    assert scopes_of({}) == frozenset()


def test_facts_of_what_left() -> None:
    """Name, reason and hashes stand in the manifest."""
    manifest = {
        "object": {"sha256": "aa", "size": 1},
        "fields": {"event.reason": "policy", "file.name": "x.exe"},
        "contents": [{"sha256": "bb", "size": 1}],
    }
    assert list(hashes_of({"manifest": manifest})) == ["aa", "bb"]
    assert reason_of({"manifest": manifest}) == "policy"
    assert reason_of({"reason": "detection", "manifest": manifest}) == "detection"
    assert name_of({"manifest": manifest}) == "x.exe"


@pytest.mark.parametrize(
    ("kind", "document", "text"),
    [
        ("verdict", {"conclusion": "benign", "score": 3, "analyzer": "lab"}, "benign (3) by lab"),
        ("refused", {"rule": "P4 excluded-path", "detail": "no"}, "P4 excluded-path; no"),
        ("delivered", {"state": "delivered", "detail": "", "sent_bytes": 67}, "delivered; 67 B of contents"),
        ("held", {"why": "documents wait", "contents": ["whole"]}, "documents wait: whole"),
        ("approved", {"by": "root", "follows": "x"}, "by root; statement, consent and policy were asked anew"),
        ("denied", {"by": "root", "rule": "P10 denied", "detail": "root denied it"}, "P10 denied; root denied it"),
        ("quiet", {"since": 12}, "nothing since entry 12"),
        ("pruned", {"first": 1, "last": 9}, "entries 1 to 9 were older than the journal is kept"),
        ("repaired", {"kept": "journal.torn-3", "bytes": 7}, "7 bytes that a crash cut off"),
        ("repaired", {"kept": "damaged-1", "sound": 4}, "set aside in damaged-1, sound up to entry 4"),
        ("receipt", {"position": 4, "receipt": '{"received":"then"}'}, "number 4 in its log; received at then"),
        ("receipt", {"position": 4, "receipt": "not JSON"}, "received at ?"),
        ("recall_asked", {"cause": "consent"}, "because of a consent"),
        (
            "recall_confirmed",
            {"confirmation": '{"destroyed":["a"],"kept":["b"],"done":"then"}'},
            "1 content destroyed",
        ),
        ("consent", {"by": "root", "scopes": ["whole"], "statement": {"id": "e", "version": 2}}, "accepted: whole"),
        ("withdrawn", {"by": "root", "scopes": []}, "accepted: nothing"),
        ("permitted", {"scopes": ["parts"], "reasons": {"a": "b"}}, "scopes parts; 1 fields and contents"),
        (
            "offered",
            {"manifest": {"fields": {"file.name": "x"}, "statement": {"id": "e", "version": 2}}},
            "e version 2",
        ),
        ("known", {"detail": "nothing was sent: benign (0)", "source": "queue"}, "nothing was sent: benign (0)"),
        ("looked_up", {"bits": 4, "prefix": "1011"}, "the first 4 bits of the hash were told: 1011"),
        ("looked_up", {"bits": 0, "prefix": ""}, "nothing of the hash was told"),
        ("never_heard_of", {"a": 1, "b": {"c": 2}, "d": "e"}, "a 1, d e"),
    ],
)
def test_every_kind_is_said_in_a_few_words(kind: str, document: dict[str, Any], text: str) -> None:
    """What is known of a kind; of an unknown one its plain values."""
    assert text in gist_of(entry(kind, document))


@pytest.mark.parametrize(
    "kind",
    ["offered", "permitted", "delivered", "receipt", "recall_confirmed", "repaired", "consent", "known", "looked_up"],
)
def test_an_entry_that_says_nothing_breaks_nothing(kind: str) -> None:
    """Documents of other versions may lack anything."""
    assert isinstance(gist_of(entry(kind, {})), str)


def test_long_texts_are_cut() -> None:
    """A refusal's long detail does not fill the terminal."""
    assert len(gist_of(entry("refused", {"detail": "x" * 5000}))) == 240
