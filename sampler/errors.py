"""The tree of errors. Everything that Sampler raises on purpose is one of these.

::

    SamplerError
    ├── SettingsError        a configuration file or environment value is wrong
    ├── RequestError         a local peer or a caller asked for something that cannot be done
    │   ├── NotYours         only somebody else, or root, may do that
    │   └── AgentUnreachable nothing listens on the agent's socket, or it went away before it answered
    ├── SandboxError         the process that examines cannot be had
    │   ├── ChildDied        it crashed or was killed while it held an object
    │   └── ChildTimedOut    it ran past its deadline and was killed
    ├── RulesError           no usable rule is left
    ├── LibmagicMissing      the library that tells file types apart cannot be loaded
    ├── ScanError            the engine could not scan one object
    │   └── ScanTimeout      the rules did not come to an end on it in time
    ├── ConsentError         statement or consent is absent, damaged or refused
    ├── SpoolError           the host cannot keep what it took
    │   ├── SpoolFull        quota reached or disk full
    │   └── ContentLost      a content that waited is gone or was changed, for good
    ├── JournalError         the record of what left is damaged or cannot be written
    ├── DeliveryError        an exchange with the queue did not succeed
    │   ├── QueueUnreachable no answer; trying again later may help
    │   │   └── IdentityRefused one end does not accept the other's certificate; a person has to look
    │   ├── QueueFaulty      it answered with its own failure, or with something that is no answer
    │   ├── QueueBusy        429, 503 or 507, with the seconds to wait
    │   ├── OutsideHours     the operator lets contents of this size travel at other hours, with the seconds to wait
    │   └── QueueRefused     it understood and said no; trying again will not help
    ├── ReceiptError         a receipt, or the log of receipts, does not hold
    ├── KnownGoodError       a list of known good files does not hold
    ├── IdentityError        a key, certificate, token or role is missing, expired or wrong
    ├── StorageError         a ledger or a folder of contents cannot be opened, is damaged or does not answer
    │   └── Contended        somebody else changed the same records meanwhile; the whole step may be tried again
    └── QueueError           the queue cannot do what was asked
        ├── NotFound
        ├── Conflict         the thing is in another state than the request supposes
        ├── Recalled         its host took it back; there is nothing of it any more
        ├── Destroyed        its time was over; only its receipt is left
        ├── ContentMismatch  bytes do not have the announced hash or length
        ├── TooMany          the caller has as many of these open as it may
        │   └── QuotaReached it brought as much today as it may
        ├── TooLarge         more at once than may ever come
        └── StorageFull      the queue's disk is full; nothing that was acknowledged is lost

A message says what happened, to which object, and what to do next. Failures that one file is expected to
show (absent, a folder, too large, …) are not exceptions but ``model.Failure`` values.
"""

from __future__ import annotations


class SamplerError(Exception):
    """Base of all errors that Sampler raises on purpose; ``str()`` of it is fit for a terminal."""


class SettingsError(SamplerError):
    """A configuration file or environment value is wrong."""


class RequestError(SamplerError):
    """A caller asked for something that cannot be done."""


class NotYours(RequestError):
    """Only somebody else, or root, may do that to the thing."""


class AgentUnreachable(RequestError):
    """Nothing listens on the agent's socket, or it went away before it answered."""


class SandboxError(SamplerError):
    """The process that examines hostile bytes cannot be had."""


class ChildDied(SandboxError):
    """The child crashed or was killed while it held an object."""


class NotDerivable(SamplerError):
    """A recipe does not apply to the bytes that it is to be replayed on."""


class ChildTimedOut(SandboxError):
    """The child ran past its deadline and was killed."""


class RulesError(SamplerError):
    """No usable rule is left."""


class ScanError(SamplerError):
    """The engine could not scan one object; the rules themselves stand."""


class ScanTimeout(ScanError):
    """The rules did not come to an end on one object in time."""


class LibmagicMissing(SamplerError):
    """libmagic, which tells file types apart, cannot be loaded."""


class ConsentError(SamplerError):
    """Statement or consent is absent, damaged or refused."""


class SpoolError(SamplerError):
    """The host cannot keep what it took."""


class SpoolFull(SpoolError):
    """The spool's quota is reached or its disk is full."""


class ContentLost(SpoolError):
    """A content that waited is gone, or is no longer what it was; nothing brings it back."""


class JournalError(SamplerError):
    """The record of what left the host is damaged or cannot be written."""


class DeliveryError(SamplerError):
    """An exchange with the queue did not succeed."""


class QueueUnreachable(DeliveryError):
    """No answer from the queue; trying again later may help."""


class IdentityRefused(QueueUnreachable):
    """TLS did not come about because one end does not accept the other's certificate; nothing was sent."""


class QueueFaulty(DeliveryError):
    """The queue answered with a failure of its own, or with something that is no answer; trying again may help."""


class QueueBusy(DeliveryError):
    """The queue asks to wait.

    ``retry_after_seconds`` is what it asked for, or ``None``.
    """

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class OutsideHours(DeliveryError):
    """The operator lets contents of this size travel at other hours, the next of which begins in ``wait_seconds``."""

    def __init__(self, message: str, wait_seconds: float) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class QueueRefused(DeliveryError):
    """The queue understood and said no; ``status`` is its HTTP status, ``code`` its word for why, where it has one."""

    def __init__(self, message: str, status: int, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ReceiptError(SamplerError):
    """A receipt, or the log of receipts, does not hold; ``code`` names what of it, for machines."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class KnownGoodError(SamplerError):
    """A list of known good files is not the queue's, not the newest, damaged, or cannot be kept."""


class IdentityError(SamplerError):
    """A key, certificate, token or role is missing, expired or wrong."""


class SealError(SamplerError):
    """An encrypted file or its key is missing, damaged, or not ours."""


class SealKeyMissing(SealError):
    """The key that a file was encrypted with is not there; with the key the file can be read again."""


class StorageError(SamplerError):
    """A ledger or a folder of contents cannot be opened, is damaged or does not answer."""


class Contended(StorageError):
    """Somebody else changed the same records meanwhile: nothing was done, and the whole step may be tried again."""


class QueueError(SamplerError):
    """The queue cannot do what was asked."""


class NotFound(QueueError):
    """There is no such thing on the queue, or none that the caller may see."""


class Conflict(QueueError):
    """The thing is in another state than the request supposes."""


class Recalled(QueueError):
    """Its host took it back: nothing of it is left on the queue, and nothing of it is taken again."""


class Destroyed(QueueError):
    """Its time was over: retention has destroyed what there was of it."""


class ContentMismatch(QueueError):
    """Bytes do not have the announced hash or length."""


class TooMany(QueueError):
    """The caller has as many of these open as it may; it may try again when some have ended."""


class QuotaReached(TooMany):
    """The caller, or its tenant, brought as much today as it may; ``retry_after_seconds`` is when tomorrow begins."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class TooLarge(QueueError):
    """More at once than may ever come; trying again will not help."""


class StorageFull(QueueError):
    """The queue's disk is full."""
