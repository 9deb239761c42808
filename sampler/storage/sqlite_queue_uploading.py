"""What is kept with an upload beside its place: what its client said of it."""

from __future__ import annotations

from typing import Final

UPLOAD_METADATA_SCHEMA_STEP: Final = """
    ALTER TABLE uploads ADD COLUMN metadata TEXT NOT NULL DEFAULT '';
"""
