"""What a tenant's people and workers see: what is of their own tenant, and nothing that tells of another's.

Looked at in one place, for every path that names a thing, so that no new route can forget it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from sampler.errors import NotFound
from sampler.queue.asks import AskRecord
from sampler.queue.ports import Ledger
from sampler.queue.recalls import Recall
from sampler.queue.tasks import Task


class Kind(StrEnum):
    """What a path can name that is somebody's."""

    SUBMISSION = "submission"
    TASK = "task"
    ASK = "ask"
    CONTENT = "content"


_NAMED: Final = {
    "/v1/submissions/{id}": ("id", Kind.SUBMISSION),
    "/v1/tasks/{id}": ("id", Kind.TASK),
    "/v1/asks/{id}": ("id", Kind.ASK),
    "/v1/contents/{sha256}": ("sha256", Kind.CONTENT),
}


def named_by(path: str, values: Mapping[str, str]) -> Iterator[tuple[Kind, str]]:
    """What a route's path names, given its variables' values.

    Raises:
        NotFound: it names something of which nobody said whose it is; no such route is to be open to people.
    """
    if "{" not in path:
        return
    for start, (variable, kind) in _NAMED.items():
        if path == start or path.startswith(start + "/"):
            yield kind, values[variable]
            return
    raise NotFound(f"nothing below {path} belongs to a tenant")


def check_seen(ledger: Ledger, tenant: str, kind: Kind, name: str) -> None:
    """Whether a thing is a tenant's own; one that there is not is nobody's, and passes. Blocking; on the lane.

    Raises:
        NotFound: it is another tenant's.
    """
    if kind is Kind.CONTENT and ledger.verified((name,)):
        own = bool(ledger.held(tenant, (name,)))
    else:
        submission = _submission_of(ledger, kind, name)
        own = submission is None or ledger.submissions_tenant(submission) in (None, tenant)
    if not own:
        raise NotFound(f"no {kind} {name}")


def _submission_of(ledger: Ledger, kind: Kind, name: str) -> str | None:
    """The submission that a thing belongs to, or belonged to before it was taken back."""
    if kind is Kind.SUBMISSION:
        return name
    if kind is Kind.CONTENT:
        found: AskRecord | Task | Recall | None = ledger.recall_of_content(name)
    elif kind is Kind.ASK:
        found = ledger.ask(name)
    else:
        found = ledger.task(name) or ledger.recall_of_task(name)
    return None if found is None else found.submission
