"""Where records and bytes are kept: ledgers in SQLite, contents in a folder, opened by URL.

Implements what the stages ask for (``queue.Ledger``, ``queue.Blobs``, ``spool.SpoolLedger``) and owns schemas, file
layouts and their migration. Invariant: a call that returns has made durable what it promises. The only room that knows
SQL; it decides nothing about what it keeps.
"""
