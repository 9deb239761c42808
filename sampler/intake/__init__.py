"""The agent's door for local peers: HTTP on a Unix socket, from a request to a ``Candidate``.

What this room owns: the socket and who may be at its other end, the descriptors and bytes that arrive through it,
every check of a request, the answers, and the client for the other side of it. Invariants: a peer is who the kernel
says; every body has a ceiling and a deadline; every descriptor that arrives is either handed on or closed. It opens no
path, looks at no object's bytes, and decides nothing about what leaves the host.
"""

from sampler.intake.client import AgentClient
from sampler.intake.peer import peer_of
from sampler.intake.ports import LocalHandler
from sampler.intake.server import LocalServer

__all__ = ["AgentClient", "LocalHandler", "LocalServer", "peer_of"]
