"""What left this host, as it left, and what became of it.

Owns a chain of files with one line an entry, each chained by SHA-256 to the one before, durable before anything is
sent. One process writes, every user of the machine may read. A line is never changed; whole files go when they are old,
after an entry that says which. Damage stops sending, since what cannot be noted must not leave, until it is set aside.
It never decides what may be sent, and sends nothing.
"""

from sampler.journal.journal import Journal
from sampler.journal.lines import JournalEntry
from sampler.journal.reading import JournalReader
from sampler.journal.repairing import Repaired, repair

__all__ = ["Journal", "JournalEntry", "JournalReader", "Repaired", "repair"]
