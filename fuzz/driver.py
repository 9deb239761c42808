"""The one door to atheris: ``python -m fuzz.driver TARGET [libFuzzer flags] CORPUS``. Started by ``fuzz.run``.

Only ``sampler``, ``pefile`` and ``asn1crypto`` are instrumented, so only their branches guide the mutations. Native
libraries run as they are shipped.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, Final

_INSTRUMENTED: Final = ["sampler", "pefile", "asn1crypto"]


def main(arguments: list[str]) -> None:
    """Fuzz one target until libFuzzer's flags say to stop; the process ends with libFuzzer's own code."""
    name, *flags = arguments
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=_INSTRUMENTED):
        # Imported here and not above: what is imported before cannot be instrumented any more.
        target = importlib.import_module("fuzz.targets").load(name)
        check = importlib.import_module("fuzz.target").check
        target.prepare()
    atheris.Setup([name, *flags], lambda data: check(target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
