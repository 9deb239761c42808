"""A report on a process as an object: what it is and does, treated by the statement before it is written down.

The report's bytes are fixed before ``permit`` decides about them, so nothing may be in them that the statement would
not let leave as a field. It says under which statement and scopes it was written; ``permit`` holds it to that.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import partial

from sampler import describe
from sampler.agent.taken import Capture, Taken
from sampler.capture import OpenProcess, open_process, parse_maps
from sampler.limits import OPEN_DEADLINE_SECONDS
from sampler.model import (
    ActivitySource,
    Candidate,
    Failure,
    Field,
    ObjectState,
    Omission,
    PartKind,
    Peer,
    Problem,
    Scope,
    Treated,
)
from sampler.permit import Consent, Discloser, HostNames, Statement, with_whole_command_lines
from sampler.runtime.deadlines import StillHanging
from sampler.runtime.rights import RightsUnavailable, with_rights_of
from sampler.snapshot import SnapshotTaker
from sampler.wire.activity_messages import ACTIVITY_TYPE, ActivityReport
from sampler.wire.codec import encode
from sampler.wire.messages import FieldJson


@dataclass(frozen=True, slots=True)
class _Facts:
    process: tuple[Field, ...]
    ancestors: tuple[tuple[Field, ...], ...]


def capture_activity(
    snapshots: SnapshotTaker,
    candidate: Candidate,
    source: ActivitySource,
    accepted: tuple[Statement, Consent | None],
    host: HostNames,
) -> Taken | Failure:
    """Look at a process with the peer's rights, and write down what may be. Blocking.

    Raises:
        SpoolFull, SpoolError: the report cannot be kept.
    """
    process = open_process(source.pid, source.started, candidate.peer)
    if isinstance(process, Failure):
        return process
    with closing(process):
        facts = _looked_at(process, candidate.peer)
        if isinstance(facts, Failure):
            return facts
        became = process.what_became()
    statement, consent = accepted
    scopes = consent.scopes & statement.scopes if consent is not None else frozenset[Scope]()
    writer = _Writer(Discloser(statement, scopes, host.at(candidate.received)))
    report = ActivityReport(
        taken=candidate.received,
        process=writer.treated(facts.process),
        ancestors=tuple(writer.treated(each) for each in facts.ancestors),
        ended=became is not None,
    )
    treated = Treated(statement.ref, frozenset(writer.scopes))
    return Taken(snapshots.keep(encode(report)), _capture(process, facts, became, treated))


def _looked_at(process: OpenProcess, peer: Peer) -> _Facts | Failure:
    looking = partial(_facts_of, process)
    try:
        return with_rights_of(peer, looking, deadline_seconds=OPEN_DEADLINE_SECONDS, discard=_forget)
    except (TimeoutError, StillHanging, RightsUnavailable) as error:
        detail = f"process {process.seen.pid} could not be looked at: {error}"
        return Failure(ObjectState.TIMED_OUT, "deadline", detail)


def _capture(process: OpenProcess, facts: _Facts, became: Problem | None, treated: Treated) -> Capture:
    problems = () if became is None else (became,)
    return Capture(
        PartKind.OBJECT,
        lambda _matches: (),
        mime_type=ACTIVITY_TYPE,
        path=process.seen.path,
        fields=facts.process,
        omissions=tuple(Omission("activity", problem.detail) for problem in problems),
        problems=problems,
        treated=treated,
    )


def _facts_of(process: OpenProcess) -> _Facts:
    pid, seen = process.seen.pid, process.seen
    modules = {
        mapped.path
        for mapped in parse_maps(process.map_text, seen.path)
        if mapped.kind.has_file and mapped.permission[2] == "x"
    }
    activity = describe.activity_fields(pid, seen.path, seen.user, modules)
    return _Facts((*describe.process_fields(pid), *activity), describe.ancestors(pid))


class _Writer:
    """Treats fields, and keeps in mind which scopes let them through."""

    def __init__(self, discloser: Discloser) -> None:
        self.scopes: set[Scope] = set()
        self._discloser = discloser

    def treated(self, fields: tuple[Field, ...]) -> dict[str, FieldJson]:
        """The fields as they may leave, by name."""
        found: dict[str, FieldJson] = {}
        for item in self._discloser.disclose(with_whole_command_lines(fields)):
            self.scopes.add(item.rule.scope)
            value = item.field.value
            found[item.field.name] = list(value) if isinstance(value, tuple) else value
        return found


def _forget(_late: _Facts) -> None:
    """What comes too late is not needed."""
