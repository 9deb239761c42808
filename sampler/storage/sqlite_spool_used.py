"""How much what waits takes, kept up to date by the database itself: a spool looks at it before each object."""

from __future__ import annotations

from typing import Final

USED_SCHEMA_STEP: Final = """
    INSERT INTO cursors VALUES ('used',
        coalesce((SELECT sum(size) FROM (SELECT DISTINCT sha256, size FROM needed_contents)), 0)
        + coalesce((SELECT sum(length(manifest)) FROM waiting), 0)
    );
    CREATE TRIGGER manifest_comes AFTER INSERT ON waiting BEGIN
        UPDATE cursors SET value = value + length(NEW.manifest) WHERE name = 'used';
    END;
    CREATE TRIGGER manifest_goes AFTER DELETE ON waiting BEGIN
        UPDATE cursors SET value = value - length(OLD.manifest) WHERE name = 'used';
    END;
    CREATE TRIGGER content_comes AFTER INSERT ON needed_contents
    WHEN NOT EXISTS (SELECT 1 FROM needed_contents WHERE sha256 = NEW.sha256 AND object <> NEW.object) BEGIN
        UPDATE cursors SET value = value + NEW.size WHERE name = 'used';
    END;
    CREATE TRIGGER content_goes AFTER DELETE ON needed_contents
    WHEN NOT EXISTS (SELECT 1 FROM needed_contents WHERE sha256 = OLD.sha256) BEGIN
        UPDATE cursors SET value = value - OLD.size WHERE name = 'used';
    END;
"""
"""A content that several objects need counts once; it comes with the first of them and goes with the last."""
USED_BYTES: Final = "SELECT value FROM cursors WHERE name = 'used'"
