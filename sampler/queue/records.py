"""What the queue's ledger keeps, tasks apart (those are in ``tasks``). Frozen; times are UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sampler.model import Verdict
from sampler.wire.routes import Role
from sampler.wire.tenant_messages import ALL_TENANTS, DEFAULT_TENANT


@dataclass(frozen=True, slots=True)
class Device:
    """One enrolled host."""

    agent_id: str
    serial: str
    """Hexadecimal, of the certificate that it was given; no other one is accepted."""
    name: str
    """The name of the token that it enrolled with."""
    enrolled: datetime
    expires: datetime
    """Of its certificate."""
    revoked: datetime | None = None
    tenant: str = DEFAULT_TENANT
    """Whose host it is: the tenant of the token that it enrolled with."""


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A bearer token, of which only the digest is kept."""

    digest: str
    """SHA-256, hexadecimal."""
    role: Role
    name: str
    created: datetime
    expires: datetime
    ended: datetime | None = None
    """When it was used up or revoked."""
    tenant: str = DEFAULT_TENANT
    """Whose it is; ``ALL_TENANTS`` for one that works for every tenant."""
    raw: bool = False
    """Whether its holder may download bytes as they are, though its role alone would not."""

    def is_good(self, now: datetime) -> bool:
        """Whether it still lets its holder in."""
        return self.ended is None and now < self.expires

    @property
    def scope(self) -> str | None:
        """The tenant that its holder sees; ``None`` sees all, which administrators always do."""
        return None if self.role is Role.ADMIN or self.tenant == ALL_TENANTS else self.tenant

    @property
    def may_have_raw(self) -> bool:
        """Whether its holder may download bytes as they are: analyzers need to."""
        return self.raw or self.role in (Role.WORKER, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Submission:
    """One accepted manifest, byte for byte as it came."""

    id: str
    device: str
    received: datetime
    manifest: bytes
    tenant: str = DEFAULT_TENANT
    """Its device's tenant, as it was when this came."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One tus upload. It is finished, which means verified, exactly when ``offset == size``."""

    id: str
    submission: str
    device: str
    sha256: str
    size: int
    expires: datetime
    offset: int = 0
    """Bytes that were made durable and acknowledged."""
    metadata: str = ""
    """``Upload-Metadata`` as its client gave it; empty for one that was begun before it was kept."""

    @property
    def finished(self) -> bool:
        """Whether the queue holds the whole content, verified."""
        return self.offset == self.size


@dataclass(frozen=True, slots=True)
class ReceiptRecord:
    """A receipt as it was signed, and its place in the log of all of them."""

    position: int
    """From 0, without gaps."""
    submission: str
    device: str
    document: bytes
    """JSON, a ``wire.receipt_messages.Receipt``; the log's leaf."""
    signature: bytes


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """A verdict on its way to the host that asked; ``cursor`` grows over the whole queue and is never given twice."""

    cursor: int
    device: str
    submission: str
    verdict: Verdict
