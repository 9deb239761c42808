"""Children that scan a mapped object with YARA, dropping its pages meanwhile or not."""

from __future__ import annotations

import hashlib
import json
import mmap
import os

import yara

from sampler.sandbox import Prepared, dropping_pages

_RULES = 'rule needle { strings: $n = "a needle in 1 GiB" condition: $n }'


def prepare(settings: bytes) -> Prepared:
    """The settings say whether pages are dropped."""
    rules = yara.compile(source=_RULES)
    rules.match(data=b"")
    hashlib.sha256(b"")
    is_dropping = settings == b"dropping"

    def handle(request: bytes, descriptor: int) -> bytes:
        content = mmap.mmap(descriptor, os.lseek(descriptor, 0, os.SEEK_END), access=mmap.ACCESS_READ)
        with content:
            if not is_dropping:
                return _scan(rules, content)
            with dropping_pages(content):
                return _scan(rules, content)

    return Prepared(handle, b"")


def _scan(rules: yara.Rules, content: mmap.mmap) -> bytes:
    """Where the needles are, and the hash, as JSON; or what went wrong."""
    try:
        matches = rules.match(data=content)
    except yara.Error as error:
        return str(error).encode()
    offsets = [hit.offset for match in matches for string in match.strings for hit in string.instances]
    return json.dumps([offsets, hashlib.sha256(content).hexdigest()]).encode()
