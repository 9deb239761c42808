"""Submissions whose receipt is still to come, in the order in which they became whole."""

from __future__ import annotations

from typing import Final

RECEIPTS_DUE_SCHEMA_STEP: Final = """
    CREATE TABLE receipts_due (
        number INTEGER PRIMARY KEY,
        submission TEXT NOT NULL UNIQUE REFERENCES submissions (id)
    ) STRICT;
"""
