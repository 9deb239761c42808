"""Every route of the queue, once: the server registers them from here, clients format them from here, OpenAPI is made from here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from sampler.wire import ask_messages as a
from sampler.wire import audit_messages as au
from sampler.wire import batch_messages as b
from sampler.wire import known_good_messages as kg
from sampler.wire import lookup_messages as lk
from sampler.wire import messages as m
from sampler.wire import recall_messages as rc
from sampler.wire import receipt_messages as r
from sampler.wire import retention_messages as rt
from sampler.wire import rollup_messages as ru
from sampler.wire import search_messages as sm
from sampler.wire import statistics_messages as s

UUID: Final = m.UUID
SHA256: Final = "[0-9a-f]{64}"


class Door(StrEnum):
    """Which of the queue's two listeners a route answers on, and so who may call it."""

    HOSTS = "hosts"
    """Mutual TLS; the caller is the device that its certificate names."""
    PEOPLE = "people"
    """Bearer tokens with roles: analysts, workers, enrolment."""
    BOTH = "both"


class Role(StrEnum):
    """What a bearer token lets its holder do."""

    ENROLL = "enroll"
    """Get one host certificate; the token ends with its use."""
    WORKER = "worker"
    """Lease tasks, download their contents, report."""
    ANALYST = "analyst"
    """All that a worker may, and see every task and submission."""
    ADMIN = "admin"
    """All of it."""


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. ``path`` is a template whose variables are each held to a pattern in ``variables``."""

    name: str
    method: str
    path: str
    door: Door
    summary: str
    roles: tuple[Role, ...] = ()
    """Who may call it on the people's door; empty: anybody."""
    request: type[msgspec.Struct] | None = None
    answer: type[msgspec.Struct] | None = None
    status: int = 200
    """Of success."""
    errors: tuple[int, ...] = ()
    query: tuple[str, ...] = ()
    binary: str | None = None
    """``request`` or ``answer`` where that body is bytes, not a message."""

    def at(self, **values: str) -> str:
        """The path with its variables filled in; each value must match its pattern."""
        return self.path.format(**values)


VARIABLES: Final = {"id": UUID, "sha256": SHA256, "upload": UUID}

_WORK = (Role.WORKER, Role.ANALYST, Role.ADMIN)
_SEE = (Role.ANALYST, Role.ADMIN)
_RUN = (Role.ADMIN,)

SUBMIT = Route(
    "submit", "POST", "/v1/submissions", Door.HOSTS, "Offer an object; the answer names the contents that are wanted",
    request=m.Manifest, answer=m.ManifestAnswer, status=201, errors=(400, 409, 410, 413, 415, 422, 429, 507),
)  # fmt: skip
OFFER = Route(
    "offer", "POST", "/v1/offers", Door.HOSTS, "Offer many objects; each has its own answer", request=b.OfferRequest,
    answer=b.OfferAnswers, errors=(400, 413, 415, 422, 507),
)  # fmt: skip
SUBMISSION = Route(
    "submission", "GET", "/v1/submissions/{id}", Door.BOTH, "Where a submission is, what it still lacks, its verdict",
    roles=_SEE, answer=m.SubmissionView, errors=(404, 410),
)  # fmt: skip
SUBMISSION_EVENTS = Route(
    "submission_events", "GET", "/v1/submissions/{id}/events", Door.BOTH,
    "A submission's changes as server-sent events, to its verdict", roles=_SEE, errors=(404, 410), binary="answer",
)  # fmt: skip
VERDICTS = Route(
    "verdicts", "GET", "/v1/verdicts", Door.HOSTS, "This host's verdicts after a cursor; waits when there is none yet",
    answer=m.VerdictPage, errors=(400,), query=("after", "wait"),
)  # fmt: skip
LOOKUP_TERMS = Route(
    "lookup_terms", "GET", "/v1/lookup/terms", Door.HOSTS, "By how many bits of a hash this host may ask for what is known",
    answer=lk.LookUpTerms,
)  # fmt: skip
LOOKUP = Route(
    "lookup", "GET", "/v1/lookup", Door.HOSTS, "What is known of all files whose hash begins with these bits; padded",
    answer=lk.LookUpAnswer, errors=(400, 409), query=("bits", "prefix"),
)  # fmt: skip
KNOWN_GOOD = Route(
    "known_good", "GET", "/v1/known-good", Door.HOSTS, "The present list of known good files: its header, signed", answer=kg.KnownGoodOffer,
)  # fmt: skip
KNOWN_GOOD_PIECE = Route(
    "known_good_piece", "GET", "/v1/known-good/{sha256}", Door.HOSTS, "256 KiB of a list of known good files, from 0 on",
    errors=(400, 404), query=("piece",), binary="answer",
)  # fmt: skip
OWN_SUBMISSIONS = Route(
    "own_submissions", "GET", "/v1/submissions", Door.HOSTS, "This host's submissions by identifier, a page at a time",
    answer=rc.SubmissionPage, errors=(400,), query=("after", "limit"),
)  # fmt: skip
RECALL = Route(
    "recall", "POST", "/v1/submissions/{id}/recall", Door.HOSTS,
    "Destroy what a submission brought; answers once it is destroyed, signed", request=rc.RecallRequest,
    answer=r.Signed, errors=(400, 404, 422, 503, 507),
)  # fmt: skip
ASK = Route(
    "ask", "POST", "/v1/submissions/{id}/asks", Door.PEOPLE, "Ask a submission's host for more of the object",
    roles=_SEE, request=a.AskRequest, answer=a.AskView, status=201, errors=(400, 401, 403, 404, 409, 410, 422, 429),
)  # fmt: skip
ASKS = Route(
    "asks", "GET", "/v1/asks", Door.PEOPLE, "Asks, newest first; those about one submission where it is named",
    roles=_SEE, answer=a.AskPage, errors=(400, 401, 403), query=("submission", "limit"),
)  # fmt: skip
OPEN_ASKS = Route(
    "open_asks", "GET", "/v1/asks/open", Door.HOSTS, "This host's unanswered asks, oldest first; waits when there are none",
    answer=a.AskPage, errors=(400,), query=("wait",),
)  # fmt: skip
ANSWER_ASK = Route(
    "answer_ask", "POST", "/v1/asks/{id}/answer", Door.HOSTS, "What the host did about an ask; ends it",
    request=a.AskAnswer, answer=a.AskView, errors=(400, 404, 409, 422),
)  # fmt: skip
RECEIPTS = Route(
    "receipts", "GET", "/v1/receipts", Door.HOSTS, "This host's receipts after a cursor; waits when there is none yet",
    answer=r.ReceiptPage, errors=(400,), query=("after", "wait"),
)  # fmt: skip
LOG_KEY = Route(
    "log_key", "GET", "/v1/log/key", Door.BOTH, "The key that receipts and heads are signed with", answer=r.LogKey
)
LOG_HEAD = Route(
    "log_head", "GET", "/v1/log/head", Door.BOTH, "The log of receipts as it is now, signed", roles=_SEE, answer=r.Signed,
)  # fmt: skip
LOG_CONSISTENCY = Route(
    "log_consistency", "GET", "/v1/log/consistency", Door.BOTH, "The proof that the log only grew between two sizes",
    roles=_SEE, answer=r.LogProof, errors=(400, 422), query=("first", "second"),
)  # fmt: skip
LOG_INCLUSION = Route(
    "log_inclusion", "GET", "/v1/log/inclusion", Door.BOTH, "The proof that a receipt is in the log of a size",
    roles=_SEE, answer=r.LogProof, errors=(400, 422), query=("position", "size"),
)  # fmt: skip
STATISTICS = Route(
    "statistics", "GET", "/v1/statistics", Door.PEOPLE, "Numbers about at least as many hosts as these asked for, of closed days",
    roles=_SEE, answer=s.StatisticsPage, errors=(400, 401, 403), query=("since", "until", "limit"),
)  # fmt: skip
STATISTICS_KEY = Route(
    "statistics_key", "GET", "/v1/statistics/key", Door.HOSTS, "What hosts hash distinct objects of a day with", answer=s.StatisticsKey,
    errors=(400, 409), query=("day",),
)  # fmt: skip
REPORT_STATISTICS = Route(
    "report_statistics", "POST", "/v1/statistics", Door.HOSTS, "This host's counters of one day, once; nobody's name is kept with them",
    request=s.StatisticsReport, answer=s.StatisticsAnswer, errors=(400, 409, 413, 415, 422, 507),
)  # fmt: skip
TUS_OPTIONS = Route(
    "tus_options", "OPTIONS", "/v1/uploads", Door.HOSTS, "What this server does of tus 1.0.0", status=204,
)  # fmt: skip
TUS_CREATE = Route(
    "tus_create", "POST", "/v1/uploads", Door.HOSTS,
    "tus creation and creation-with-upload; Upload-Metadata names submission and sha256",
    status=201, errors=(400, 404, 409, 410, 412, 413, 415, 422, 429, 460, 507), binary="request",
)  # fmt: skip
TUS_HEAD = Route(
    "tus_head", "HEAD", "/v1/uploads/{upload}", Door.HOSTS, "The offset up to which the server has verified bytes",
    errors=(404, 410, 412),
)  # fmt: skip
TUS_PATCH = Route(
    "tus_patch", "PATCH", "/v1/uploads/{upload}", Door.HOSTS, "Bytes at the offset", status=204,
    errors=(400, 404, 409, 410, 412, 413, 415, 422, 460, 507), binary="request",
)  # fmt: skip
TUS_POST = Route(
    "tus_post", "POST", "/v1/uploads/{upload}", Door.HOSTS, "What X-HTTP-Method-Override says: HEAD, PATCH or DELETE, for clients that lack these",
    status=204, errors=(400, 404, 405, 409, 410, 412, 413, 415, 422, 460, 507), binary="request",
)  # fmt: skip
TUS_DELETE = Route(
    "tus_delete", "DELETE", "/v1/uploads/{upload}", Door.HOSTS, "tus termination", status=204, errors=(404, 410, 412),
)  # fmt: skip
ENROLL = Route(
    "enroll", "POST", "/v1/enroll", Door.PEOPLE, "Exchange an enrolment token and a signing request for a host certificate",
    roles=(Role.ENROLL,), request=m.EnrollRequest, answer=m.EnrollAnswer, status=201, errors=(400, 401, 403, 422),
)  # fmt: skip
CA = Route("ca", "GET", "/v1/ca.pem", Door.PEOPLE, "The queue's CA certificate; check its fingerprint", binary="answer")
LEASES = Route(
    "leases", "POST", "/v1/leases", Door.PEOPLE, "Lease the next task, or a named one; waits when there is none yet",
    roles=_WORK, request=m.LeaseRequest, answer=m.LeaseAnswer, errors=(400, 401, 403, 404, 409, 410, 422),
)  # fmt: skip
TASKS = Route(
    "tasks", "GET", "/v1/tasks", Door.PEOPLE, "Tasks, oldest first, a page at a time", roles=_SEE, answer=m.TaskPage,
    errors=(400, 401, 403), query=("state", "after", "limit"),
)  # fmt: skip
TASK = Route(
    "task", "GET", "/v1/tasks/{id}", Door.PEOPLE, "One task", roles=_WORK, answer=m.TaskView, errors=(401, 403, 404, 410),
)  # fmt: skip
RENEW = Route(
    "renew", "POST", "/v1/tasks/{id}/renew", Door.PEOPLE, "Keep a lease longer", roles=_WORK, request=m.RenewRequest,
    answer=m.TaskView, errors=(400, 401, 403, 404, 409, 410, 422),
)  # fmt: skip
COMPLETE = Route(
    "complete", "POST", "/v1/tasks/{id}/complete", Door.PEOPLE, "Report a verdict; ends the task", roles=_WORK,
    request=m.CompleteRequest, answer=m.TaskView, errors=(400, 401, 403, 404, 409, 410, 422),
)  # fmt: skip
FAIL = Route(
    "fail", "POST", "/v1/tasks/{id}/fail", Door.PEOPLE, "Give a task back because the analyzer could not", roles=_WORK,
    request=m.FailRequest, answer=m.TaskView, errors=(400, 401, 403, 404, 409, 410, 422),
)  # fmt: skip
REQUEUE = Route(
    "requeue", "POST", "/v1/tasks/{id}/requeue", Door.PEOPLE, "Let a dead or cancelled task be tried again", roles=_SEE,
    answer=m.TaskView, errors=(401, 403, 404, 409, 410),
)  # fmt: skip
TASK_EVENTS = Route(
    "task_events", "GET", "/v1/tasks/{id}/events", Door.PEOPLE, "A task's changes as server-sent events, to its end", roles=_WORK,
    errors=(401, 403, 404, 410), binary="answer",
)  # fmt: skip
WORK_EVENTS = Route(
    "work_events", "GET", "/v1/work/events", Door.PEOPLE, "The kinds of analysis that tasks wait for, as server-sent events",
    roles=_WORK, errors=(400, 401, 403), query=("kinds",), binary="answer",
)  # fmt: skip
CANCEL = Route(
    "cancel", "POST", "/v1/tasks/{id}/cancel", Door.PEOPLE, "End a task without a verdict", roles=_SEE, request=m.CancelRequest,
    answer=m.TaskView, errors=(400, 401, 403, 404, 409, 410, 422),
)  # fmt: skip
CONTENT = Route(
    "content", "GET", "/v1/contents/{sha256}", Door.PEOPLE, "A content, as form=cart (the default), zip, zipcrypto, or raw for who has the right",
    roles=_WORK, errors=(400, 401, 403, 404, 410, 413, 429), query=("form",), binary="answer",
)  # fmt: skip
SEARCH = Route(
    "search", "POST", "/v1/search", Door.PEOPLE, "Submissions that meet all conditions, newest or nearest first, a page at a time",
    roles=_SEE, request=sm.SearchRequest, answer=sm.SearchPage, errors=(400, 401, 403, 413, 415, 422),
)  # fmt: skip
RETENTION = Route(
    "retention", "GET", "/v1/retention", Door.PEOPLE, "How long what came in is kept, and what is due",
    roles=_RUN, answer=rt.RetentionStatus, errors=(401, 403),
)  # fmt: skip
RETENTION_DUE = Route(
    "retention_due", "GET", "/v1/retention/due", Door.PEOPLE, "What would be destroyed now, or at another moment; changes nothing",
    roles=_RUN, answer=rt.DuePage, errors=(400, 401, 403, 422), query=("part", "at", "after", "limit"),
)  # fmt: skip
RETENTION_RUN = Route(
    "retention_run", "POST", "/v1/retention/run", Door.PEOPLE, "Destroy some of what is due now",
    roles=_RUN, request=rt.RunRequest, answer=rt.RunAnswer, errors=(400, 401, 403, 413, 415, 422, 503),
)  # fmt: skip
HOLDS = Route(
    "holds", "GET", "/v1/holds", Door.PEOPLE, "What retention leaves alone, newest first", roles=_RUN, answer=rt.HoldPage,
    errors=(400, 401, 403), query=("lifted",),
)  # fmt: skip
PLACE_HOLD = Route(
    "place_hold", "POST", "/v1/holds", Door.PEOPLE, "Let retention leave something alone", roles=_RUN, request=rt.HoldRequest,
    answer=rt.HoldView, status=201, errors=(400, 401, 403, 413, 415, 422),
)  # fmt: skip
LIFT_HOLD = Route(
    "lift_hold", "POST", "/v1/holds/{id}/lift", Door.PEOPLE, "Let retention go on with it", roles=_RUN, answer=rt.HoldView,
    errors=(401, 403, 404, 409),
)  # fmt: skip
ROLLUPS = Route(
    "rollups", "GET", "/v1/rollups", Door.PEOPLE, "Numbers of submissions by day; they stay when the submissions are destroyed",
    roles=_SEE, answer=ru.RollupPage, errors=(400, 401, 403), query=("since", "until", "by"),
)  # fmt: skip
AUDIT = Route(
    "audit", "GET", "/v1/audit", Door.PEOPLE, "Who did what, oldest first, a page at a time; an analyst sees what the tenant's own people did",
    roles=_SEE, answer=au.AuditPage, errors=(400, 401, 403), query=("after", "limit", "actor", "action", "subject", "since", "until"),
)  # fmt: skip
HEALTH = Route("health", "GET", "/healthz", Door.BOTH, "The process answers", answer=m.Health)
READY = Route("ready", "GET", "/readyz", Door.BOTH, "The queue can store", answer=m.Health, errors=(503,))
METRICS = Route("metrics", "GET", "/metrics", Door.PEOPLE, "Prometheus text format", roles=_SEE, binary="answer")
OPENAPI = Route("openapi", "GET", "/openapi.json", Door.BOTH, "This interface, as OpenAPI 3.1", binary="answer")

ROUTES: Final = (
    SUBMIT, OFFER, SUBMISSION, SUBMISSION_EVENTS, OWN_SUBMISSIONS, RECALL, VERDICTS, LOOKUP_TERMS, LOOKUP, KNOWN_GOOD, KNOWN_GOOD_PIECE, ASK, ASKS, OPEN_ASKS, ANSWER_ASK, RECEIPTS, LOG_KEY, LOG_HEAD, LOG_CONSISTENCY, LOG_INCLUSION, STATISTICS, STATISTICS_KEY, REPORT_STATISTICS, TUS_OPTIONS, TUS_CREATE, TUS_HEAD, TUS_PATCH, TUS_POST, TUS_DELETE, ENROLL, CA,
    LEASES, TASKS, TASK, RENEW, COMPLETE, FAIL, REQUEUE, CANCEL, TASK_EVENTS, WORK_EVENTS, CONTENT, SEARCH, RETENTION, RETENTION_DUE, RETENTION_RUN, HOLDS, PLACE_HOLD, LIFT_HOLD, ROLLUPS, AUDIT, HEALTH, READY, METRICS, OPENAPI,
)  # fmt: skip
