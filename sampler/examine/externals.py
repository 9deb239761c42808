"""The external variables that rules see: ``filename filepath extension filetype owner``. Pure.

They mean what public rule sets written for LOKI and THOR expect: ``extension`` has its dot and is in lower case, and
``filetype`` is a short word in capitals.
"""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import Final

_FILE_TYPES: Final = {
    "application/vnd.microsoft.portable-executable": "EXE",
    "application/x-dosexec": "EXE",
    "application/x-msdownload": "EXE",
    "application/x-executable": "ELF",
    "application/x-pie-executable": "ELF",
    "application/x-sharedlib": "ELF",
    "application/x-mach-binary": "MACHO",
    "application/x-ole-storage": "OLE",
    "application/x-rar": "RAR",
    "application/x-7z-compressed": "7Z",
    "application/java-archive": "JAR",
    "text/x-php": "PHP",
}


def externals_of(path: bytes | None, mime_type: str, owner: str) -> dict[str, str]:
    """The variables for one object.

    Args:
        path: what it is called, bytes as the file system keeps them; those that are not UTF-8 become escapes.
        mime_type: what its content says it is.
        owner: whose it is.
    """
    full = (path or b"").decode("utf-8", "backslashreplace")
    name = os.path.basename(full)
    return {
        "filename": name,
        "filepath": full,
        "extension": PurePosixPath(name).suffix.lower(),
        "filetype": _FILE_TYPES.get(mime_type) or _last_word(mime_type),
        "owner": owner,
    }


def _last_word(mime_type: str) -> str:
    """``image/gif`` → ``GIF``, ``application/x-shellscript`` → ``SHELLSCRIPT``; nothing for what is unknown."""
    subtype = mime_type.partition("/")[2]
    return "" if subtype == "octet-stream" else subtype.removeprefix("x-").upper()
