"""The one door to libmagic. It is loaded on first use, in the process that parses, and never in the parent.

pylibmagic brings the library and its database along; it has to be imported before ``magic``, which loads the library.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Final

from sampler.errors import LibmagicMissing
from sampler.limits import KIB

HEAD_BYTES: Final = 64 * KIB
"""The most of an object that libmagic sees."""
UNKNOWN_TYPE: Final = "application/octet-stream"

_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,62}/[A-Za-z0-9][A-Za-z0-9.+_-]{0,126}")


@functools.cache
def load_libmagic() -> Any:
    """The library, ready to use; loading takes some 50 ms and reads files, so do it before a sandbox closes.

    Raises:
        LibmagicMissing: it says what to install.
    """
    try:
        database = _database()
        import magic  # noqa: PLC0415  # only after pylibmagic, and only in the process that parses

        return magic.Magic(mime=True, magic_file=database)
    except (ImportError, OSError) as error:
        raise LibmagicMissing(
            f"libmagic cannot be loaded ({error}); run `pip install pylibmagic`, or install the system's package: "
            "libmagic1 on Debian and Ubuntu, file-libs on Fedora, libmagic in Homebrew"
        ) from error


def mime_type_of(head: bytes) -> str:
    """libmagic's MIME type of an object that begins with ``head``; ``application/octet-stream`` where it has none.

    Raises:
        LibmagicMissing: the library cannot be loaded.
    """
    library = load_libmagic()
    import magic  # noqa: PLC0415  # loaded by the line above

    try:
        answer: str = library.from_buffer(head[:HEAD_BYTES])
    except (magic.MagicException, UnicodeError):
        return UNKNOWN_TYPE
    return answer if _TYPE.fullmatch(answer) else UNKNOWN_TYPE


def _database() -> str | None:
    """The database that belongs to pylibmagic's library; ``None`` for the system's own."""
    try:
        import pylibmagic  # noqa: PLC0415  # it changes the process's environment; see load_libmagic
    except ImportError:
        return None
    return str(pylibmagic.data.joinpath("magic.mgc"))
