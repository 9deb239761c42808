"""Who is who: the queue's certificate authority, host identities, TLS contexts and bearer tokens.

It owns every key, certificate and token that Sampler makes or loads. Private keys are written readable by their owner
only and are refused when others can read them; contexts speak TLS 1.3 only, verify strictly and issue no session
tickets; of a token only the digest is ever stored. Nothing here opens a connection, and nothing here takes a name, a
key type or an extension from a signing request without checking it.
"""

from sampler.identity.authority import Authority, KeyPair
from sampler.identity.names import agent_id_of, expiry_of, serial_of
from sampler.identity.requests import KeyAndRequest, make_host_key
from sampler.identity.signing import PublicKey, SigningKey
from sampler.identity.tls import (
    host_client_context,
    hosts_server_context,
    people_client_context,
    people_server_context,
)
from sampler.identity.tokens import make_token, role_of, token_digest

__all__ = [
    "Authority",
    "KeyAndRequest",
    "KeyPair",
    "PublicKey",
    "SigningKey",
    "agent_id_of",
    "expiry_of",
    "host_client_context",
    "hosts_server_context",
    "make_host_key",
    "make_token",
    "people_client_context",
    "people_server_context",
    "role_of",
    "serial_of",
    "token_digest",
]
