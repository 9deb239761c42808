"""The messages between hosts, people, workers and the queue. JSON (RFC 8259); an unknown key is an error.

ECS names stay dotted and flat (``{"file.size": 12}``), as the Elastic Common Schema allows, so that a statement's list
of fields and a manifest read the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct

from sampler.limits import (
    FIELD_VALUE_MAX_CHARACTERS,
    FIELDS_MAX_COUNT,
    LEASE_MAX_SECONDS,
    LONG_POLL_MAX_SECONDS,
    MATCHES_MAX_COUNT,
    OBJECT_MAX_BYTES,
    PART_NAME_MAX_CHARACTERS,
    PARTS_MAX_COUNT,
    PROOF_EDGE_MAX_BYTES,
    PROOF_NODES_MAX_COUNT,
    RECIPE_STEPS_MAX_COUNT,
    REGIONS_TAKEN_MAX_COUNT,
    RETENTION_MAX_DAYS,
    STAGES_MAX_COUNT,
    TEXT_MAX_CHARACTERS,
)
from sampler.model import Conclusion, PartKind, Scope, SubmissionState, TaskState

UUID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_END: Final = r"$(?!\n)"
"""The end and nothing else, for JSON Schema and for Python, where ``$`` alone lets a last newline pass."""

Sha256: TypeAlias = Annotated[
    str, Meta(pattern=f"^[0-9a-f]{{64}}{_END}", description="SHA-256, lower-case hexadecimal")
]
Id: TypeAlias = Annotated[
    str,
    Meta(
        pattern=f"^{UUID}{_END}",
        description="UUID (RFC 9562), lower case",
    ),
]
Size: TypeAlias = Annotated[int, Meta(ge=0, le=OBJECT_MAX_BYTES, description="bytes")]
Text: TypeAlias = Annotated[str, Meta(max_length=TEXT_MAX_CHARACTERS)]
NAME_MAX_CHARACTERS: Final = 128
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=NAME_MAX_CHARACTERS)]
KIND: Final = "[a-z0-9-]{1,32}"
Kind: TypeAlias = Annotated[
    str, Meta(pattern=f"^{KIND}{_END}", description="what a stage of a task needs, and a worker serves")
]
TreeHash: TypeAlias = Annotated[bytes, Meta(min_length=32, max_length=32)]
RecipeStep: TypeAlias = Annotated[str, Meta(min_length=1, max_length=PART_NAME_MAX_CHARACTERS)]
FieldName: TypeAlias = Annotated[str, Meta(pattern=rf"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*{_END}", max_length=128)]
FieldText: TypeAlias = Annotated[str, Meta(max_length=FIELD_VALUE_MAX_CHARACTERS)]
FieldTexts: TypeAlias = Annotated[list[FieldText], Meta(max_length=FIELDS_MAX_COUNT)]
FieldJson: TypeAlias = bool | int | float | FieldText | FieldTexts
Fields: TypeAlias = Annotated[dict[FieldName, FieldJson], Meta(max_length=FIELDS_MAX_COUNT)]


class Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of all messages."""


# --- from the host ---------------------------------------------------------------------------------------------------


class StatementMessage(Message, frozen=True, kw_only=True):
    """The statement under which the host's owner lets this leave."""

    id: Name
    version: Annotated[int, Meta(ge=1)]
    digest: Sha256
    region: Name | None = None
    """Whose form of it was accepted."""
    retention_days: Annotated[int, Meta(ge=0, le=RETENTION_MAX_DAYS)] | None = None
    """How long the queue may keep contents under it."""
    scopes: Annotated[list[Scope], Meta(max_length=len(Scope))] = []
    """The classes of data in this manifest and its contents."""


class ProofMessage(Message, frozen=True, kw_only=True):
    """That a part belongs to the whole with ``ObjectMessage.tree_root``; binary values are base64 (RFC 4648)."""

    before: Annotated[bytes, Meta(max_length=PROOF_EDGE_MAX_BYTES)] = b""
    """The bytes of the part's first leaf that lie before it."""
    after: Annotated[bytes, Meta(max_length=PROOF_EDGE_MAX_BYTES)] = b""
    """The bytes of its last leaf that lie behind it."""
    nodes: Annotated[list[TreeHash], Meta(max_length=PROOF_NODES_MAX_COUNT)] = []
    """The hashes beside the part's leaves, from left to right."""


class CoveredMessage(Message, frozen=True, kw_only=True):
    """Something that was asked for and lies inside a part."""

    kind: PartKind
    name: Annotated[str, Meta(max_length=PART_NAME_MAX_CHARACTERS)]
    offset: Size
    """From the start of the part."""
    length: Size


class PartMessage(Message, frozen=True, kw_only=True):
    """Where a content lies in the whole object, or how it is made from it."""

    kind: PartKind
    name: Annotated[str, Meta(max_length=PART_NAME_MAX_CHARACTERS)]
    offset: Size
    length: Size
    recipe: Annotated[list[RecipeStep], Meta(max_length=RECIPE_STEPS_MAX_COUNT)] = []
    """Derived bytes: the steps from the whole to them (docs/parts.md). Empty for a stretch of the whole."""
    proof: ProofMessage | None = None
    """Absent for derived bytes: their recipe has to be replayed."""
    covers: Annotated[list[CoveredMessage], Meta(max_length=REGIONS_TAKEN_MAX_COUNT)] = []
    """What else lies inside. Regions that overlap are one part with kind and name of the largest, and all are here."""


class ContentMessage(Message, frozen=True, kw_only=True):
    """Bytes that the host offers: the whole object, or one part of it."""

    sha256: Sha256
    size: Size
    part: PartMessage | None = None


class OmissionMessage(Message, frozen=True, kw_only=True):
    """Something that was asked for and is not sent, and why."""

    what: Text
    reason: Text


class ObjectMessage(Message, frozen=True, kw_only=True):
    """The whole object, sent or not."""

    sha256: Sha256
    size: Size
    tree_root: Sha256 | None = None
    """Of the Merkle tree over its bytes (RFC 9162, section 2.1.1, SHA-256; docs/parts.md says how long leaves are)."""


class Manifest(Message, frozen=True, kw_only=True):
    """``POST /v1/submissions``: one object, what is known of it, and the contents that are offered.

    ``id`` is the submission's own and its idempotency key: the same manifest again changes nothing and gets the same
    answer.
    """

    id: Id
    created: datetime
    object: ObjectMessage
    statement: StatementMessage
    fields: Fields = {}
    matches: Annotated[list[Fields], Meta(max_length=MATCHES_MAX_COUNT)] = []
    contents: Annotated[list[ContentMessage], Meta(max_length=PARTS_MAX_COUNT + 1)] = []
    omissions: Annotated[list[OmissionMessage], Meta(max_length=PARTS_MAX_COUNT + 1)] = []
    answers: Id | None = None
    """The queue's ask for more of the object that this submission answers."""


class ManifestAnswer(Message, frozen=True, kw_only=True):
    """What the queue wants of a manifest's contents; what it has already never travels."""

    id: Id
    state: SubmissionState
    wanted: list[Sha256] = []
    known: list[Sha256] = []


class VerdictMessage(Message, frozen=True, kw_only=True):
    """A conclusion about an object."""

    conclusion: Conclusion
    score: Annotated[int, Meta(ge=0, le=100)]
    analyzer: Name
    at: datetime
    family: Text | None = None
    note: Text | None = None
    expires: datetime | None = None
    """Until then it answers for the same bytes; absent where nobody said."""


class SubmissionView(Message, frozen=True, kw_only=True):
    """``GET /v1/submissions/{id}``."""

    id: Id
    state: SubmissionState
    received: datetime
    object: ObjectMessage
    missing: list[Sha256] = []
    verdict: VerdictMessage | None = None


class VerdictEvent(Message, frozen=True, kw_only=True):
    """One verdict on its way back to the host that asked."""

    cursor: Annotated[int, Meta(ge=1)]
    submission: Id
    verdict: VerdictMessage


class VerdictPage(Message, frozen=True, kw_only=True):
    """``GET /v1/verdicts?after=CURSOR&wait=SECONDS``: this host's verdicts after the cursor, oldest first."""

    events: list[VerdictEvent] = []
    cursor: Annotated[int, Meta(ge=0)]
    """Ask again from here."""


class EnrollRequest(Message, frozen=True, kw_only=True):
    """``POST /v1/enroll``: a signing request (PKCS #10, PEM), under a token of ``tokens create --role enroll``."""

    csr: Annotated[str, Meta(max_length=16384)]


class EnrollAnswer(Message, frozen=True, kw_only=True):
    """The host's identity on this queue."""

    agent_id: Id
    certificate: str
    """PEM."""
    ca: str
    """PEM."""
    url: str
    """Where hosts deliver."""
    receipt_key: Annotated[str, Meta(max_length=64)] | None = None
    """What this queue's receipts are checked with (Ed25519, base64); an older queue has none."""


# --- for people and workers ------------------------------------------------------------------------------------------


class LeaseRequest(Message, frozen=True, kw_only=True):
    """``POST /v1/leases``: give me one task."""

    worker: Name
    seconds: Annotated[float, Meta(gt=0, le=LEASE_MAX_SECONDS)] = 300.0
    wait: Annotated[float, Meta(ge=0, le=LONG_POLL_MAX_SECONDS)] = 0.0
    task: Id | None = None
    """Ask for this one."""
    kinds: Annotated[list[Kind], Meta(max_length=STAGES_MAX_COUNT)] = []
    """The kinds of analysis that this worker does; none named: whatever there is."""


class StoredContent(Message, frozen=True, kw_only=True):
    """A content that the queue holds, and where it came from in the whole."""

    sha256: Sha256
    size: Size
    part: PartMessage | None = None


class StageView(Message, frozen=True, kw_only=True):
    """One analyzer's turn at an object, and how it ended; without verdict and failure it did not, or was left out."""

    kind: Kind
    optional: bool = False
    """Where it fails for good, the others go on without it."""
    verdict: VerdictMessage | None = None
    failure: str | None = None


class TaskView(Message, frozen=True, kw_only=True):
    """One task with what an analyzer needs to know."""

    id: Id
    state: TaskState
    submission: Id
    object: ObjectMessage
    created: datetime
    attempts: int = 0
    fields: Fields = {}
    matches: list[Fields] = []
    contents: list[StoredContent] = []
    omissions: list[OmissionMessage] = []
    worker: str | None = None
    expires: datetime | None = None
    not_before: datetime | None = None
    failure: str | None = None
    verdict: VerdictMessage | None = None
    priority: int = 0
    """0 to 100 points; waiting makes up for missing ones."""
    tenant: str = "default"
    stage: int = 0
    """Whose turn it is or was last: a place in ``stages``, from 0."""
    stages: list[StageView] = []


class Lease(Message, frozen=True, kw_only=True):
    """A task that is yours until ``expires``. Whoever has ``lease`` may renew, complete or fail it; keep it secret."""

    lease: Name
    expires: datetime
    task: TaskView


class LeaseAnswer(Message, frozen=True, kw_only=True):
    """The lease, or ``None`` when nothing was waiting."""

    lease: Lease | None = None


class RenewRequest(Message, frozen=True, kw_only=True):
    """``POST /v1/tasks/{id}/renew``."""

    lease: Name
    seconds: Annotated[float, Meta(gt=0, le=LEASE_MAX_SECONDS)] = 300.0


class CompleteRequest(Message, frozen=True, kw_only=True):
    """``POST /v1/tasks/{id}/complete``."""

    lease: Name
    conclusion: Conclusion
    score: Annotated[int, Meta(ge=0, le=100)]
    analyzer: Name
    family: Text | None = None
    note: Text | None = None


class FailRequest(Message, frozen=True, kw_only=True):
    """``POST /v1/tasks/{id}/fail``: the analyzer could not; the task is tried again later unless ``retry`` is false."""

    lease: Name
    reason: Text
    retry: bool = True


class CancelRequest(Message, frozen=True, kw_only=True):
    """``POST /v1/tasks/{id}/cancel``: end it without a verdict; whoever holds its lease has nothing from then on."""

    reason: Text


class WorkEvent(Message, frozen=True, kw_only=True):
    """One event of ``GET /v1/work/events?kinds=``: the kinds of analysis that tasks wait for at the moment."""

    waiting: list[Kind] = []


class TaskPage(Message, frozen=True, kw_only=True):
    """``GET /v1/tasks?state=&after=&limit=``, oldest first."""

    tasks: list[TaskView] = []
    after: str | None = None
    """Where the next page begins, or ``None`` on the last."""


# --- both ------------------------------------------------------------------------------------------------------------


class Problem(Message, frozen=True, kw_only=True):
    """Every error body (RFC 9457, ``application/problem+json``)."""

    type: str
    """``urn:sampler:problem:<code>``; the code is stable."""
    title: str
    status: int
    detail: str = ""
    """What happened, to which object, and what to do next."""


class Health(Message, frozen=True, kw_only=True):
    """``/healthz`` and ``/readyz``."""

    status: str
    detail: str = ""
