"""What the journal's entries say, kind by kind; entries of older versions say less, and others nothing of it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from sampler.cli.output import counted, size_text
from sampler.journal import JournalEntry

Document: TypeAlias = Mapping[str, Any]

_SCOPE: Final = re.compile(r"(?:^|: )scope (\w+),")
_SHOWN_MAX_CHARACTERS: Final = 240


def part_of(document: Document, key: str) -> Document:
    """What stands under a key, where that is an object; else nothing."""
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def scopes_of(document: Document) -> frozenset[str]:
    """The scopes that an object left under, or was let through by."""
    named = document.get("scopes")
    if isinstance(named, list):
        return frozenset(map(str, named))
    reasons = document.get("reasons") or {}  # before scopes were noted by themselves
    return frozenset(found[1] for why in reasons.values() if (found := _SCOPE.search(str(why))))


def reason_of(document: Document) -> str:
    """What an object was flagged for; empty where the entry does not say."""
    return str(document.get("reason") or fields_of(document).get("event.reason", ""))


def follows_of(document: Document) -> str:
    """The object whose later part it is: held contents, or an answer to an ask; empty for one that stands alone."""
    return str(document.get("follows") or fields_of(document).get("sampler.event.follows", ""))


def fields_of(document: Document) -> Document:
    """The fields of the manifest that left."""
    return part_of(part_of(document, "manifest"), "fields")


def object_of(document: Document) -> Document:
    """The manifest's ``object``: hash and size of the whole."""
    return part_of(part_of(document, "manifest"), "object")


def contents_of(document: Document) -> list[Document]:
    """The manifest's contents."""
    contents = part_of(document, "manifest").get("contents")
    return [each for each in contents if isinstance(each, dict)] if isinstance(contents, list) else []


def hashes_of(document: Document) -> Iterator[str]:
    """SHA-256 of the object, and of each content of it that was offered."""
    yield str(object_of(document).get("sha256", ""))
    yield from (str(content.get("sha256", "")) for content in contents_of(document))


def name_of(document: Document) -> str:
    """What the object is called, as far as its name left."""
    fields = fields_of(document)
    return str(fields.get("file.path") or fields.get("file.name") or fields.get("process.executable") or "")


def statement_text(document: Document) -> str:
    """Identifier and version of the statement."""
    statement = part_of(document, "statement")
    return f"{statement.get('id', '?')} version {statement.get('version', '?')}"


def signed_text(document: Document, key: str) -> Document:
    """A document that stands in the journal as the text that was signed; nothing where it is none."""
    try:
        signed = json.loads(str(document.get(key, "")))
    except ValueError:
        return {}
    return signed if isinstance(signed, dict) else {}


def gist_of(entry: JournalEntry) -> str:
    """An entry in a few words."""
    say = _GISTS.get(entry.kind, _of_any)
    text = say(entry.document)
    return text if len(text) <= _SHOWN_MAX_CHARACTERS else text[: _SHOWN_MAX_CHARACTERS - 1] + "…"


def _of_offered(document: Document) -> str:
    contents = contents_of(document)
    size = sum(int(content.get("size", 0)) for content in contents)
    what = f"{counted(len(contents), 'content')} of {size_text(size)}" if contents else "no content"
    under = statement_text(part_of(document, "manifest"))
    return "; ".join(
        filter(None, (name_of(document), f"{counted(len(fields_of(document)), 'field')}, {what}; under {under}"))
    )


def _of_permitted(document: Document) -> str:
    return f"scopes {', '.join(sorted(scopes_of(document)))}; {len(document.get('reasons') or ())} fields and contents"


def _of_outcome(document: Document) -> str:
    sent = document.get("sent_bytes")
    size = f"{size_text(sent)} of contents" if isinstance(sent, int) else ""
    texts = (document.get("rule"), document.get("state"), document.get("detail"), size)
    return "; ".join(str(text) for text in texts if text)


def _of_held(document: Document) -> str:
    return f"{document.get('why', '')}: {', '.join(map(str, document.get('contents') or ()))}"


def _of_approved(document: Document) -> str:
    return f"by {document.get('by')}; statement, consent and policy were asked anew"


def _of_looked_up(document: Document) -> str:
    bits, under = document.get("bits"), f"under {statement_text(document)}"
    if not bits:
        return f"nothing of the hash was told, all that the queue lists was asked for; {under}"
    return f"the first {bits} bits of the hash were told: {document.get('prefix')}; {under}"


def _of_verdict(document: Document) -> str:
    return f"{document.get('conclusion')} ({document.get('score')}) by {document.get('analyzer')}"


def _of_consent(document: Document) -> str:
    scopes = document.get("scopes") or []
    texts = (document.get("act"), f"by {document.get('by')}", statement_text(document))
    return "; ".join((*map(str, texts), f"accepted: {', '.join(map(str, scopes)) or 'nothing'}"))


def _of_receipt(document: Document) -> str:
    received = signed_text(document, "receipt").get("received", "?")
    return f"signed by the queue, number {document.get('position')} in its log; received at {received}"


def _of_asked(document: Document) -> str:
    return f"because of a {document.get('cause', 'person')}; the queue is asked to destroy what it has of it"


def _of_confirmed(document: Document) -> str:
    done = signed_text(document, "confirmation")
    kept = len(done.get("kept") or ())
    others = f", {kept} stay since others sent them as well" if kept else ""
    gone = len(done.get("destroyed") or ())
    return f"signed by the queue: {counted(gone, 'content')} destroyed at {done.get('done', '?')}{others}"


def _of_statistics(document: Document) -> str:
    report = part_of(document, "report")
    numbers = f"{len(report.get('counts') or ())} counters and {len(report.get('sketches') or ())} sketches"
    return f"{numbers} of {report.get('day', '?')}; under {statement_text(document)}"


def _of_quiet(document: Document) -> str:
    return f"nothing since entry {document.get('since')}"


def _of_pruned(document: Document) -> str:
    return f"entries {document.get('first')} to {document.get('last')} were older than the journal is kept"


def _of_repaired(document: Document) -> str:
    if "sound" in document:
        return f"a damaged journal was set aside in {document.get('kept')}, sound up to entry {document.get('sound')}"
    return f"{document.get('bytes')} bytes that a crash cut off were set aside in {document.get('kept')}"


def _of_any(document: Document) -> str:
    simple = ((key, value) for key, value in document.items() if isinstance(value, (str, int, float)))
    return ", ".join(f"{key} {value}" for key, value in simple if value != "")


_GISTS: Final[Mapping[str, Callable[[Document], str]]] = {
    "offered": _of_offered,
    "permitted": _of_permitted,
    "delivered": _of_outcome,
    "refused": _of_outcome,
    "known": _of_outcome,
    "looked_up": _of_looked_up,
    "denied": _of_outcome,
    "expired": _of_outcome,
    "evicted": _of_outcome,
    "held": _of_held,
    "approved": _of_approved,
    "verdict": _of_verdict,
    "consent": _of_consent,
    "withdrawn": _of_consent,
    "receipt": _of_receipt,
    "recall_asked": _of_asked,
    "recall_confirmed": _of_confirmed,
    "statistics": _of_statistics,
    "quiet": _of_quiet,
    "pruned": _of_pruned,
    "repaired": _of_repaired,
}
