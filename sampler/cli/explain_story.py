"""The story of one object, put together from its entries in the journal. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sampler.cli.explain_messages import (
    Explained,
    ExplainedConsent,
    ExplainedContent,
    ExplainedEnd,
    ExplainedField,
    ExplainedFollower,
    ExplainedReceipt,
    Step,
)
from sampler.cli.history_facts import (
    Document,
    contents_of,
    fields_of,
    follows_of,
    gist_of,
    name_of,
    object_of,
    part_of,
    reason_of,
    scopes_of,
    signed_text,
)
from sampler.journal import JournalEntry, JournalReader
from sampler.model import Part, PartKind
from sampler.permit import content_label
from sampler.wire.messages import FieldJson, OmissionMessage

CONSENT_KINDS: Final = frozenset({"consent", "withdrawn"})
"""Entries that are about no object, and tell under what it left."""
_TOLD_OTHERWISE: Final = frozenset({"permitted", "offered"})
_ABOUT_THE_END: Final = frozenset({"receipt", "receipt_refused", "verdict"})
"""Kinds that say something about an end, and are none."""
_RULE: Final = re.compile(r"scope (?P<scope>\w+), (?P<pattern>\S+) = (?P<treatment>\w+)\Z")


@dataclass(slots=True)
class Story:
    """The entries about one object, by kind, and the last act about the consent before it."""

    event_id: str
    first: dict[str, JournalEntry] = field(default_factory=dict)
    """The first entry of each kind."""
    later: list[JournalEntry] = field(default_factory=list)
    consent: JournalEntry | None = None
    followers: dict[str, list[JournalEntry]] = field(default_factory=dict)
    """The entries about each later event of the object."""

    @classmethod
    def read(cls, event_id: str, reader: JournalReader) -> Story:
        """In one reading of the journal.

        Raises:
            JournalError: it cannot be read, or is not as it was written.
        """
        story = cls(event_id)
        for entry in reader.entries(wanted=story.wants, naming=event_id.encode("utf-8", "surrogateescape")):
            story.take(entry)
        return story

    @classmethod
    def of(cls, event_id: str, entries: Iterable[JournalEntry]) -> Story:
        """From entries, oldest first; those about other objects are passed over."""
        story = cls(event_id)
        for entry in entries:
            story.take(entry)
        return story

    def wants(self, kind: str, about: str, _at: datetime) -> bool:
        """Whether an entry belongs to it, as far as its kind and its object tell."""
        return about == self.event_id or about in self.followers or kind in CONSENT_KINDS

    def take(self, entry: JournalEntry) -> None:
        """Take in the next entry, if it is about the object, a later event of it, or a consent."""
        if entry.kind in CONSENT_KINDS and not entry.event_id:
            self.consent = entry if not self.first else self.consent
        elif entry.event_id == self.event_id:
            self.first.setdefault(entry.kind, entry)
            self.later.append(entry)
        elif entry.event_id in self.followers or follows_of(entry.document) == self.event_id:
            self.followers.setdefault(entry.event_id, []).append(entry)

    def document(self, kind: str) -> Document:
        """What the first entry of a kind says; nothing where there is none."""
        return self.first[kind].document if kind in self.first else {}

    def _telling(self) -> Iterator[Document]:
        """What may say for what reason it was flagged."""
        return map(self.document, ("permitted", "offered", "refused", "known"))

    def explained(self) -> Explained:
        """All of it."""
        offered, permitted = self.document("offered"), self.document("permitted")
        manifest = part_of(offered, "manifest")
        reasons = part_of(permitted, "reasons")
        whole = object_of(offered)
        return Explained(
            id=self.event_id,
            left=self.first["offered"].at if "offered" in self.first else None,
            reason=next(filter(None, map(reason_of, self._telling())), ""),
            sha256=str(whole.get("sha256", "")),
            size=int(whole.get("size", 0)),
            statement=_statement(part_of(manifest, "statement")),
            statement_digest=str(part_of(manifest, "statement").get("digest") or permitted.get("statement", "")),
            scopes=tuple(sorted(scopes_of(offered) or scopes_of(permitted))),
            consent=_consent(self.consent),
            fields=_fields(fields_of(offered), reasons),
            matches=tuple(_fields(match, reasons) for match in manifest.get("matches", ())),
            contents=tuple(_content(content, reasons) for content in contents_of(offered)),
            omissions=_omissions(manifest),
            withheld={why: tuple(names) for why, names in part_of(permitted, "withheld").items()},
            sent_bytes=max((int(entry.document.get("sent_bytes", 0)) for entry in self.later), default=0),
            receipt=_receipt(self.first.get("receipt")),
            became=tuple(_end(entry) for entry in self.later if entry.kind not in _TOLD_OTHERWISE),
            follows=next((named for entry in self.later if (named := follows_of(entry.document))), ""),
            followers=tuple(_follower(event_id, entries) for event_id, entries in self.followers.items()),
            stop=tuple(self._stop()),
        )

    def _stop(self) -> Iterator[Step]:
        if "offered" in self.first and "recall_confirmed" not in self.first:
            yield Step(command=f"sampler recall {self.event_id}", effect="the queue destroys what it has of it")
        for scope in sorted(scopes_of(self.document("offered")) - {"reputation"}):
            yield Step(command=f"sampler consent withdraw --scope {scope}", effect="nothing leaves under it any more")
        yield Step(command="sampler consent withdraw", effect="nothing leaves this machine any more")
        exclude = f'[policy] exclude_paths = ["{_folder(name_of(self.document("offered")))}"]'
        yield Step(command=exclude, effect="in agent.toml: nothing of what lies in these folders leaves")


def _folder(name: str) -> str:
    """Of an object, where its name left without templates."""
    return posixpath.dirname(name) if name.startswith("/") and "~" not in name else "/its/folder"


def _statement(statement: Document) -> str:
    return f"{statement['id']} version {statement['version']}" if statement else ""


def _omissions(manifest: Document) -> tuple[OmissionMessage, ...]:
    return tuple(OmissionMessage(what=each["what"], reason=each["reason"]) for each in manifest.get("omissions", ()))


def _fields(fields: Document, reasons: Document) -> tuple[ExplainedField, ...]:
    return tuple(_field(name, value, str(reasons.get(name, ""))) for name, value in fields.items())


def _field(name: str, value: FieldJson, why: str) -> ExplainedField:
    rule = _RULE.search(why)
    if rule is None:
        return ExplainedField(name=name, value=value, why=why)
    scope, line, treatment = rule["scope"], rule["pattern"], rule["treatment"]
    return ExplainedField(name=name, value=value, scope=scope, line=line, treatment=treatment, why=why)


def _content(content: Document, reasons: Document) -> ExplainedContent:
    part = part_of(content, "part")
    label = _label(part)
    return ExplainedContent(
        label=label,
        sha256=str(content["sha256"]),
        size=int(content["size"]),
        offset=int(part.get("offset", 0)),
        derived=bool(part.get("recipe")),
        why=str(reasons.get(label, "")),
    )


def _label(part: Document) -> str:
    """As permit calls it."""
    if not part:
        return content_label(None)
    kind, name, offset, length = PartKind(part["kind"]), part["name"], part["offset"], part["length"]
    return content_label(Part(kind, name, offset, length, ""))


def _consent(entry: JournalEntry | None) -> ExplainedConsent | None:
    if entry is None:
        return None
    said = entry.document
    return ExplainedConsent(
        by=str(said.get("by", "")),
        at=_moment(said.get("at")) or entry.at,
        act=str(said.get("act", "")),
        scopes=tuple(map(str, said.get("scopes", ()))),
    )


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def _receipt(entry: JournalEntry | None) -> ExplainedReceipt | None:
    if entry is None:
        return None
    said = entry.document
    return ExplainedReceipt(
        position=int(said.get("position", 0)),
        received=str(signed_text(said, "receipt").get("received", "")),
        key=str(said.get("key", "")),
        signature=str(said.get("signature", "")),
        noted=entry.at,
    )


def _follower(event_id: str, entries: Sequence[JournalEntry]) -> ExplainedFollower:
    last = next((entry for entry in reversed(entries) if entry.kind not in _ABOUT_THE_END), entries[-1])
    return ExplainedFollower(id=event_id, began=entries[0].at, at=last.at, kind=last.kind, detail=gist_of(last))


def _end(entry: JournalEntry) -> ExplainedEnd:
    return ExplainedEnd(at=entry.at, kind=entry.kind, detail=gist_of(entry))
