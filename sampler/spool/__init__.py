"""The spool keeps what may leave until the queue has it, and the record of every object that was flagged.

It owns the states of objects (in a ledger) and their contents (files by SHA-256, encrypted under keys that lie
elsewhere). Contents are durable before their object is visible, and are removed only after the state that ends their
last object is durable; so killing the process at any instant leaves at most files that nobody needs, which ``sweep``
removes. When it is full, what is worth less makes room, and each such end is a state of its own that the journal is
told of. It never decides what may be sent, never parses what it keeps, and never talks to the network.
"""

from sampler.spool.contents import ContentFolder, Read, hash_of
from sampler.spool.days import Days, DaysLedger
from sampler.spool.ends import Departed, Ended, EndsLedger, Group
from sampler.spool.evicting import NeededContent, Newcomer, Resident, choose
from sampler.spool.ledger import NO_WORTH, SpoolLedger
from sampler.spool.quota import Fill, Quota, obstacle, shortage_bytes
from sampler.spool.recalls import Booked, Cause, Wish
from sampler.spool.spool import Spool
from sampler.spool.upkeep import Standing, Upkeep
from sampler.spool.worth import SEVERITY_MAX, Scale, Worth, own_points

__all__ = [
    "NO_WORTH",
    "SEVERITY_MAX",
    "Booked",
    "Cause",
    "ContentFolder",
    "Days",
    "DaysLedger",
    "Departed",
    "Ended",
    "EndsLedger",
    "Fill",
    "Group",
    "NeededContent",
    "Newcomer",
    "Quota",
    "Read",
    "Resident",
    "Scale",
    "Spool",
    "SpoolLedger",
    "Standing",
    "Upkeep",
    "Wish",
    "Worth",
    "choose",
    "hash_of",
    "obstacle",
    "own_points",
    "shortage_bytes",
]
