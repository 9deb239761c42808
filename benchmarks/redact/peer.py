"""A peer over texts from standard input, one JSON list; its answer on standard output. Runs in the peers' own Python.

Knows nothing of Sampler: the folder that it runs from has neither its packages nor its dependencies.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

_ENTROPY = ("Base64HighEntropyString", "HexHighEntropyString")


def main() -> int:
    """Treat the texts with the peer that the first argument names."""
    texts = json.load(sys.stdin)
    with _PEERS[sys.argv[1]]() as treat:
        for text in texts[:50]:
            treat(text)
        started = time.process_time()
        treated = [treat(text) for text in texts]
        seconds = time.process_time() - started
    json.dump({"treated": treated, "microseconds": seconds / max(1, len(texts)) * 1e6}, sys.stdout)
    return 0


@contextmanager
def _scrubadub() -> Iterator[Callable[[str], str]]:
    yield import_module("scrubadub").Scrubber().clean


@contextmanager
def _detect_secrets(without: tuple[str, ...] = ()) -> Iterator[Callable[[str], str]]:
    scan = import_module("detect_secrets.core.scan")
    known = import_module("detect_secrets.core.plugins.util").get_mapping_from_secret_type_to_class()
    names = {plugin.__name__ for plugin in known.values()}
    plugins = [{"name": name} for name in sorted(names - set(without))]

    def treat(text: str) -> str:
        for line in text.splitlines():
            for secret in scan.scan_line(line):
                text = text.replace(secret.secret_value or "\0", "{{SECRET}}")
        return text

    with import_module("detect_secrets.settings").transient_settings({"plugins_used": plugins}):
        yield treat


@contextmanager
def _without_entropy() -> Iterator[Callable[[str], str]]:
    with _detect_secrets(_ENTROPY) as treat:
        yield treat


_PEERS = {
    "scrubadub": _scrubadub,
    "detect-secrets": _detect_secrets,
    "detect-secrets-no-entropy": _without_entropy,
}

if __name__ == "__main__":
    sys.exit(main())
