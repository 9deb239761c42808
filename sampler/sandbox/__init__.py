"""The sandbox: children that run one function on one hostile object at a time, and nothing else.

It owns the nursery (a small process of its own that prepares once and forks the children), the frames and descriptors
that go between the processes, the deadlines, and what is taken from a child before it sees its first object. Children
are forked by the nursery only, never by the agent; they have no environment, no descriptor but their socket, their log
and the object, and they are killed by pidfd. It is given the function by name and knows nothing of YARA; it never reads
an object itself, and it never gives an object that killed a child to another one.
"""

from sampler.sandbox.child import Prepared
from sampler.sandbox.messages import Confinement, Profile
from sampler.sandbox.pages import dropping_pages
from sampler.sandbox.pool import ChildPool

__all__ = ["ChildPool", "Confinement", "Prepared", "Profile", "dropping_pages"]
