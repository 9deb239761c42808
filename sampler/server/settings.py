"""What an operator can set on a queue (``queue.toml``), with its defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from sampler.errors import SettingsError
from sampler.limits import GIB, OBJECT_MAX_BYTES, RETENTION_RULES_MAX_COUNT
from sampler.model import Conclusion, Reason, Scope
from sampler.queue import (
    ONE_STAGE,
    QueuePolicy,
    Quotas,
    RetentionPolicy,
    RetentionRule,
    RetryRules,
    Stage,
    Validity,
    check_plan,
)
from sampler.queue.retention_rules import DEFAULT_DAYS
from sampler.queue.validity import DEFAULT_SECONDS
from sampler.runtime.backoff import Backoff
from sampler.wire.messages import Kind

Address = Annotated[str, Meta(pattern=r"^(\[[0-9a-fA-F:.]+\]|[^:\s\[\]]+):[0-9]{1,5}$", description="HOST:PORT")]
Seconds = Annotated[float, Meta(gt=0)]
Days = Annotated[float, Meta(ge=0, le=36_500.0)]
Ceiling = Annotated[int, Meta(ge=0)]
Standing = Annotated[float, Meta(ge=0, le=3650 * 86_400.0)]


class StageSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[tasks.stages]]``: one analyzer's turn at an object."""

    kind: Kind
    """What a worker has to serve (``sampler worker run --kind``) to be given it."""
    optional: bool = False
    """Where it fails for good, the others go on without it."""
    only_after: tuple[Conclusion, ...] = ()
    """It is left out unless those before it concluded one of these."""


class TaskSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[tasks]``: how often a task is tried, how long it rests between, and who looks at an object in which order."""

    max_attempts: Annotated[int, Meta(ge=1, le=1000)] = 5
    retry_first_seconds: Seconds = 10.0
    retry_most_seconds: Seconds = 3600.0
    stages: tuple[StageSection, ...] = ()
    """None: one stage of the kind ``analysis``."""

    def __post_init__(self) -> None:
        check_plan(self.plan)

    @property
    def plan(self) -> tuple[Stage, ...]:
        """The stages of new tasks."""
        made = tuple(Stage(each.kind, each.optional, each.only_after) for each in self.stages)
        return made or ONE_STAGE

    @property
    def retry(self) -> RetryRules:
        """How often a stage is tried."""
        return RetryRules(self.max_attempts, Backoff(self.retry_first_seconds, self.retry_most_seconds))


class UploadSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[uploads]``: what hosts may bring."""

    object_max_bytes: Annotated[int, Meta(gt=0, le=OBJECT_MAX_BYTES)] = OBJECT_MAX_BYTES
    """The largest content that is taken."""
    expire_seconds: Seconds = 7 * 86400.0
    """An upload that is not continued for this long is thrown away."""
    per_device_max: Annotated[int, Meta(ge=1)] = 64
    """Unfinished uploads of one device."""
    reserve_bytes: Annotated[int, Meta(ge=0)] = 1 * GIB
    """Free space that contents never use, so that the ledger can always write."""


class VerdictSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[verdicts]``: how long one answers for the same bytes, on hosts and in look-ups; 0: not at all."""

    malicious_seconds: Standing = DEFAULT_SECONDS[Conclusion.MALICIOUS]
    suspicious_seconds: Standing = DEFAULT_SECONDS[Conclusion.SUSPICIOUS]
    benign_seconds: Standing = DEFAULT_SECONDS[Conclusion.BENIGN]

    @property
    def validity(self) -> Validity:
        """The same for the queue; what nobody could tell is never an answer."""
        return Validity(
            {
                Conclusion.MALICIOUS: self.malicious_seconds,
                Conclusion.SUSPICIOUS: self.suspicious_seconds,
                Conclusion.BENIGN: self.benign_seconds,
            }
        )


class QuotaSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[quotas]``: what may come in on one day (UTC); a tenant may have its own (``sampler queue tenants set``)."""

    device_objects: Ceiling | None = None
    """Manifests of one host; not there: as many as come."""
    device_bytes: Ceiling | None = None
    """Bytes of one host."""
    tenant_objects: Ceiling | None = None
    """Manifests of all of a tenant's hosts together."""
    tenant_bytes: Ceiling | None = None
    """Bytes of all of a tenant's hosts together."""

    @property
    def quotas(self) -> Quotas:
        """The same for the queue."""
        return Quotas(self.device_objects, self.device_bytes, self.tenant_objects, self.tenant_bytes)


class RetentionRuleSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of ``[[retention.rules]]``: a shorter time for some submissions; all conditions have to hold."""

    mime_types: tuple[str, ...] = ()
    """Globs."""
    verdicts: tuple[Conclusion, ...] = ()
    scopes: tuple[Scope, ...] = ()
    """Classes of data under which it left."""
    reasons: tuple[Reason, ...] = ()
    regions: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    contents_days: Days | None = None
    records_days: Days | None = None


class RetentionSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[retention]``: how long what came in is kept; a statement may say less for contents."""

    contents_days: Days = DEFAULT_DAYS
    """Bytes of objects."""
    records_days: Days = DEFAULT_DAYS
    """Manifests, what they are found by, verdicts; contents go with them at the latest."""
    settle_seconds: Annotated[float, Meta(ge=0, le=30 * 86_400.0)] = 86_400.0
    """A change of these rules destroys nothing by itself for so long."""
    rules: Annotated[tuple[RetentionRuleSection, ...], Meta(max_length=RETENTION_RULES_MAX_COUNT)] = ()

    @property
    def policy(self) -> RetentionPolicy:
        """The same for the queue."""
        rules = tuple(RetentionRule(**msgspec.structs.asdict(rule)) for rule in self.rules)
        return RetentionPolicy(self.contents_days, self.records_days, rules, self.settle_seconds)


class AuditSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[audit]``: who did what."""

    keep_days: Annotated[float, Meta(ge=1)] = 730.0
    """So long it is kept."""


class QueueSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One queue."""

    state: str
    """The folder with the authority, the server's certificate, the ledger and the contents."""
    hosts_listen: Address = "127.0.0.1:8443"
    """Where hosts deliver, under mutual TLS; port 0 takes a free one."""
    people_listen: Address = "127.0.0.1:8444"
    """Where people, workers and enrolment come in, under TLS with tokens."""
    hosts_url: str = ""
    """What enrolled hosts are told to deliver to; empty: what ``hosts_listen`` says. A port 0 in it is replaced by the
    one that was taken."""
    ledger: str = ""
    """``sqlite:///absolute/path`` or ``postgresql://HOST/DATABASE``; empty: ``queue.db`` in ``state``."""
    blobs: str = ""
    """A folder or ``s3://BUCKET/PREFIX``; empty: ``blobs`` in ``state``."""
    log_level: Annotated[str, Meta(pattern="^(debug|info|warning|error)$")] = "info"
    host_certificate_days: Annotated[int, Meta(ge=1, le=3650)] = 365
    sweep_seconds: Seconds = 5.0
    """How often leases and uploads are looked at whose time is over."""
    tasks: TaskSection = TaskSection()
    uploads: UploadSection = UploadSection()
    quotas: QuotaSection = QuotaSection()
    audit: AuditSection = AuditSection()
    verdicts: VerdictSection = VerdictSection()
    retention: RetentionSection = RetentionSection()

    @property
    def folder(self) -> Path:
        """``state``, absolute."""
        return Path(self.state).absolute()

    @property
    def authority_folder(self) -> Path:
        """Where the authority's key and certificate are."""
        return self.folder / "ca"

    @property
    def certificate(self) -> Path:
        """The server's certificate, PEM."""
        return self.folder / "server.pem"

    @property
    def key(self) -> Path:
        """The server's key, PEM."""
        return self.folder / "server.key"

    @property
    def ledger_url(self) -> str:
        """Where the records are."""
        return self.ledger or (self.folder / "queue.db").as_uri().replace("file://", "sqlite://", 1)

    @property
    def blobs_url(self) -> str:
        """Where the contents are."""
        return self.blobs or (self.folder / "blobs").as_uri()

    @property
    def is_shared(self) -> bool:
        """Whether several servers may use ledger and contents at once."""
        return self.blobs_url.startswith("s3:") and not self.ledger_url.startswith("sqlite:")

    @property
    def policy(self) -> QueuePolicy:
        """What of this concerns the queue itself."""
        return QueuePolicy(
            retry=self.tasks.retry,
            plan=self.tasks.plan,
            object_max_bytes=self.uploads.object_max_bytes,
            upload_seconds=self.uploads.expire_seconds,
            uploads_per_device_max=self.uploads.per_device_max,
            sweep_seconds=self.sweep_seconds,
            quotas=self.quotas.quotas,
            audit_days=self.audit.keep_days,
            validity=self.verdicts.validity,
            retention=self.retention.policy,
        )


def split_address(address: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``; an IPv6 address stands in brackets.

    Raises:
        SettingsError: it is neither.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise SettingsError(f"{address!r} is no place to listen; write HOST:PORT, as in 127.0.0.1:8443")
    return host.strip("[]"), int(port)


def join_address(host: str, port: int) -> str:
    """``HOST:PORT`` as it stands in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
