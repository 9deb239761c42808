"""The external variables that rules see: ``filename filepath extension filetype owner``. Pure.

They mean what public rule sets written for LOKI and THOR expect: ``extension`` has its dot and is in lower case, and
``filetype`` is one of ``describe.FILE_WORDS``, or empty.
"""

from __future__ import annotations

import os
from pathlib import PurePosixPath

from sampler.describe import file_type_word


def externals_of(path: bytes | None, mime_type: str, owner: str) -> dict[str, str]:
    """The variables for one object.

    Args:
        path: what it is called, bytes as the file system keeps them; those that are not UTF-8 become escapes.
        mime_type: what ``describe.quick_type`` says it is, so that a rule sees the same wherever it runs.
        owner: whose it is.
    """
    full = (path or b"").decode("utf-8", "backslashreplace")
    name = os.path.basename(full)
    return {
        "filename": name,
        "filepath": full,
        "extension": PurePosixPath(name).suffix.lower(),
        "filetype": file_type_word(mime_type),
        "owner": owner,
    }
