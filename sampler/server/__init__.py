"""The queue's HTTPS service: who is let in, and how the wire's messages become calls of the queue and back.

Owns the two listeners (hosts under mutual TLS, people under tokens), the bounds on everything that comes in, and the
problem documents that errors become. Invariants: every request is admitted anew; every route comes from ``wire.routes``
with its variables held to their patterns; every body has a ceiling and a deadline and is never decompressed. It decides
nothing about tasks and contents; that is the queue's.
"""

from sampler.server.devices import list_devices, revoke_device
from sampler.server.initialize import Initialized, initialize
from sampler.server.service import Listening, serve
from sampler.server.settings import QueueSettings
from sampler.server.tenants import TenantLine, change_tenant, create_tenant, list_tenants
from sampler.server.tokens import create_token, list_tokens, revoke_token

__all__ = [
    "Initialized",
    "Listening",
    "QueueSettings",
    "TenantLine",
    "change_tenant",
    "create_tenant",
    "create_token",
    "initialize",
    "list_devices",
    "list_tenants",
    "list_tokens",
    "revoke_device",
    "revoke_token",
    "serve",
]
