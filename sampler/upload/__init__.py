"""Delivery: what waits in an outbox reaches the queue, each object to exactly one end, and verdicts come back.

It owns the host's side of the exchange: manifests, tus uploads, patience with a queue that is slow, full or away, and
enrolment. A manifest is made from a parcel and from nothing else; consent is asked for again before each manifest and
before bytes of a content leave; the journal knows of a manifest before its first byte leaves; nothing is given up but
what the queue understood and refused. It never parses an object, never decides what may be sent, and keeps no state of
its own whose loss would lose an object.
"""

from sampler.upload.addresses import Addresses
from sampler.upload.enrolment import enroll, fetch_ca
from sampler.upload.known_good import KnownGoodLink
from sampler.upload.link import QueueLink
from sampler.upload.lookups import LookUpLink
from sampler.upload.manifest import manifest_of
from sampler.upload.ports import Check, ContentReader, OnEvent, OnVerdict, Outbox
from sampler.upload.recalls import RecallLink
from sampler.upload.receipts import ReceiptLink
from sampler.upload.terms import Terms
from sampler.upload.uploader import Uploader

__all__ = [
    "Addresses",
    "Check",
    "ContentReader",
    "KnownGoodLink",
    "LookUpLink",
    "OnEvent",
    "OnVerdict",
    "Outbox",
    "QueueLink",
    "RecallLink",
    "ReceiptLink",
    "Terms",
    "Uploader",
    "enroll",
    "fetch_ca",
    "manifest_of",
]
