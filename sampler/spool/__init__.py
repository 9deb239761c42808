"""The spool keeps what may leave until the queue has it, and the record of every object that was flagged.

It owns the states of objects (in a ledger) and their contents (files by SHA-256). Contents are durable before their
object is visible, and are removed only after the state that ends their last object is durable; so killing the process
at any instant leaves at most files that nobody needs, which ``sweep`` removes. It never decides what may be sent, never
parses what it keeps, and never talks to the network.
"""

from sampler.spool.contents import Read
from sampler.spool.days import Days, DaysLedger
from sampler.spool.ledger import SpoolLedger
from sampler.spool.quota import Fill, Quota, obstacle
from sampler.spool.recalls import Booked, Cause, Wish
from sampler.spool.spool import Spool

__all__ = ["Booked", "Cause", "Days", "DaysLedger", "Fill", "Quota", "Read", "Spool", "SpoolLedger", "Wish", "obstacle"]
