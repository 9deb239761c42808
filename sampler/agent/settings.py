"""What an operator can set on a host (``agent.toml``), with its defaults; docs/settings.md lists the same."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from sampler.agent.policy_settings import PolicySection
from sampler.agent.verdict_settings import KnownGoodSection, LookUpSection, OnVerdictSection, VerdictSection
from sampler.limits import (
    CHILD_MEMORY_MAX_BYTES,
    CREATE_WITH_UPLOAD_MAX_BYTES,
    EXAMINE_DEADLINE_SECONDS,
    GIB,
    JOURNAL_KEEP_DAYS,
    JOURNAL_KEEP_MIN_DAYS,
    MATCH_CONTEXT_MAX_BYTES,
    MIB,
    OBJECT_MAX_BYTES,
    PEER_REQUESTS_BURST,
    PEER_REQUESTS_PER_SECOND,
    QUEUE_ADDRESSES_MAX_COUNT,
    QUEUE_PACE_MIN_BYTES_PER_SECOND,
    RETAIN_MAX_BYTES,
    RETAIN_SECONDS,
    SCAN_TIMEOUT_SECONDS,
    SNAPSHOT_DEADLINE_SECONDS,
    SPOOL_KEY_DAYS,
    SPOOL_MAX_DAYS,
)
from sampler.model import Ask, Sampling
from sampler.runtime.hours import WINDOW

Positive = Annotated[int, Meta(gt=0)]
Seconds = Annotated[float, Meta(gt=0)]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all sections: an unknown key is an error."""


class QueueSection(Section, frozen=True):
    """``[queue]``: where this host delivers. ``sampler agent enroll`` fills it in."""

    url: str = ""
    """``https://host:port``; empty: nothing is delivered, what is permitted waits in the spool."""
    also: Annotated[list[str], Meta(max_length=QUEUE_ADDRESSES_MAX_COUNT - 1)] = []
    """Further addresses of the same queue, in the order in which they are tried when those before do not answer."""
    parallel: Annotated[int, Meta(ge=1, le=64)] = 4
    """Contents on their way at once, of eight times as many objects."""
    bytes_per_second: Annotated[int, Meta(ge=0)] = 0
    """What goes to the queue, all together; 0: as fast as it goes. At least ``QUEUE_PACE_MIN_BYTES_PER_SECOND``."""
    hours: list[Annotated[str, Meta(pattern=f"^{WINDOW}$")]] = []
    """When large contents travel, by the host's clock: ``22:00-06:00``, ``sat sun 00:00-24:00``; empty: always."""
    hours_above_bytes: Annotated[int, Meta(ge=0)] = CREATE_WITH_UPLOAD_MAX_BYTES
    """Contents above this are large."""
    compress: bool = True
    """Contents travel compressed where the line is slow, they become smaller by it, and the queue takes it."""
    proxy: str = ""
    """``http://host:port``, or ``none``; empty: what ``HTTPS_PROXY`` and ``NO_PROXY`` say."""

    def __post_init__(self) -> None:
        if 0 < self.bytes_per_second < QUEUE_PACE_MIN_BYTES_PER_SECOND:
            raise ValueError(f"bytes_per_second is 0, or at least {QUEUE_PACE_MIN_BYTES_PER_SECOND}")


class SpoolSection(Section, frozen=True):
    """``[spool]``: what waits for delivery."""

    max_bytes: Positive = 10 * GIB
    reserve_bytes: Annotated[int, Meta(ge=0)] = 256 * MIB
    """Free space that is left to the rest of the machine."""
    max_days: Annotated[float, Meta(gt=0, le=3650)] = SPOOL_MAX_DAYS
    """How long something waits for delivery; then it ends as ``expired``. Only time in which the agent ran counts."""
    key_days: Annotated[float, Meta(ge=1, le=3650)] = SPOOL_KEY_DAYS
    """How long one key encrypts what lies here, in the spool and beside it; then a new one does."""


class RetainSection(Section, frozen=True):
    """``[retain]``: encrypted snapshots of sampled objects, in case the queue asks for more of one."""

    max_bytes: Annotated[int, Meta(ge=0)] = RETAIN_MAX_BYTES
    """All of them; 0 keeps none, and every ask is answered with that."""
    seconds: Seconds = RETAIN_SECONDS
    """How long one is kept."""


class JournalSection(Section, frozen=True):
    """``[journal]``: what left, as it left."""

    keep_days: Annotated[int, Meta(ge=JOURNAL_KEEP_MIN_DAYS, le=36_500)] = JOURNAL_KEEP_DAYS
    """A file of the journal whose last entry is older is removed; days in which the agent ran count."""


class ConsentSection(Section, frozen=True):
    """``[consent]``: which statements the owner is asked to agree to."""

    region: Literal["world", "eu"] = "world"
    """Whose form of those that ship ``sampler consent accept`` takes."""
    statement_keys: list[Annotated[str, Meta(max_length=64)]] = []
    """Public keys, base64: a statement that does not ship is accepted only with a signature of one of them."""


class IntakeSection(Section, frozen=True):
    """``[intake]``: what local peers may ask. Root and the agent's own user are not limited by the rate."""

    requests_per_second: Annotated[float, Meta(gt=0, le=1_000_000)] = PEER_REQUESTS_PER_SECOND
    """Of one user, in the long run."""
    burst: Annotated[int, Meta(ge=1, le=1_000_000)] = PEER_REQUESTS_BURST
    """Of one user, at once."""


class DropSection(Section, frozen=True):
    """``[drop]``: a folder whose files are flagged, with the rights of their owners."""

    folder: Annotated[str, Meta(pattern="^(/.*)?$")] = ""
    """Absolute; empty: none."""
    settle_seconds: Seconds = 2.0
    """A file that has not changed for this long is complete."""
    after: Annotated[str, Meta(pattern="^(keep|remove)$")] = "keep"
    """What becomes of a file once what may leave of it is in the spool."""


class ExamineSection(Section, frozen=True):
    """``[examine]``: taking and examining objects."""

    rules: list[str] = []
    """Folders of YARA rules beside those that ship with Sampler."""
    shipped_rules: bool = True
    children: Annotated[int, Meta(ge=1, le=64)] = 2
    """Processes that examine, each one object at a time."""
    engine: Literal["yara", "yara-x", "boreal"] = "yara"
    externals: dict[str, str | int | float | bool] = field(default_factory=dict)
    """External variables that rules use, beside those that are set for every object."""
    timeout_seconds: Annotated[int, Meta(gt=0)] = SCAN_TIMEOUT_SECONDS
    """The rules on one object."""
    deadline_seconds: Seconds = EXAMINE_DEADLINE_SECONDS
    memory_max_bytes: Positive = CHILD_MEMORY_MAX_BYTES
    """Of one child."""
    object_max_bytes: Annotated[int, Meta(gt=0, le=OBJECT_MAX_BYTES)] = OBJECT_MAX_BYTES
    snapshot_deadline_seconds: Seconds = SNAPSHOT_DEADLINE_SECONDS
    require_sandbox: bool = False
    """Do not start where the kernel lacks a part of the children's confinement."""


class AskSection(Section, frozen=True):
    """What to take: ``[default_ask]`` where no rule matched, ``[rules."NAME"]`` in place of a rule's own metadata."""

    sampling: Sampling = Sampling.METADATA
    parts: list[str] = []
    context: Annotated[int, Meta(ge=0, le=MATCH_CONTEXT_MAX_BYTES)] = 256

    def ask(self) -> Ask:
        """The same as the value that stages exchange."""
        return Ask(self.sampling, tuple(self.parts), self.context)


class AgentSettings(Section, frozen=True):
    """``agent.toml``."""

    state: str = ""
    """Folder of identity, consent, journal and spool; empty: the default place."""
    socket: str = ""
    """Where local peers ask; empty: the default place."""
    log_level: Annotated[str, Meta(pattern="^(debug|info|warning|error)$")] = "info"
    queue: QueueSection = QueueSection()
    spool: SpoolSection = SpoolSection()
    retain: RetainSection = RetainSection()
    journal: JournalSection = JournalSection()
    consent: ConsentSection = ConsentSection()
    intake: IntakeSection = IntakeSection()
    drop: DropSection = DropSection()
    examine: ExamineSection = ExamineSection()
    policy: PolicySection = PolicySection()
    verdicts: VerdictSection = VerdictSection()
    known_good: KnownGoodSection = KnownGoodSection()
    lookup: LookUpSection = LookUpSection()
    on_verdict: OnVerdictSection = OnVerdictSection()
    default_ask: AskSection = AskSection()
    rules: dict[str, AskSection] = field(default_factory=dict)
