"""What a document is able to do, collected while its parts are read and told at the end as a few fields.

Names of people, paths of their machines and the document's text are never taken: of what a document points to only
what lies on another machine is, and only where it is loaded without being clicked on.
"""

from __future__ import annotations

import re
from typing import Final

from sampler.extract.extraction import Survey
from sampler.extract.listing import listed
from sampler.extract.naming import printable

URLS_MAX_COUNT: Final = 64
URL_MAX_CHARACTERS: Final = 2048
NAMES_MAX_COUNT: Final = 256

_ELSEWHERE: Final = re.compile(r"(?:[a-z][a-z0-9+.-]{1,30}:|\\\\|//)\S", re.IGNORECASE)
_ON_THIS_MACHINE: Final = re.compile(r"file:/{0,3}[a-z](?::|%3a|\|)", re.IGNORECASE)
_URL_MONIKER: Final = bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b")
"""CLSID of a URL moniker, before the length and the UTF-16 text of its URL ([MS-OSHARED] 2.3.7.6)."""


class DocumentFacts:
    """Collects what readers come across; ``tell`` adds it to a survey."""

    def __init__(self) -> None:
        self.features: set[str] = set()
        """Words of docs/formats.md, such as ``vba`` and ``encrypted``."""
        self.application = ""
        self.code_page = 0
        self._urls: dict[str, None] = {}
        self._classes: dict[str, None] = {}
        self._modules: dict[str, None] = {}

    def add_url(self, text: str, feature: str) -> None:
        """Keep where something is loaded from, and that it is, unless it lies on the same machine."""
        text = text.strip(" \0\t\r\n")
        if not _ELSEWHERE.match(text) or _ON_THIS_MACHINE.match(text):
            return
        self.features.add(feature)
        if len(self._urls) < URLS_MAX_COUNT:
            self._urls[printable(text, URL_MAX_CHARACTERS)] = None

    def add_monikers(self, content: bytes) -> None:
        """Keep the URLs of all URL monikers in a link's stream, or in an object's bytes."""
        position = content.find(_URL_MONIKER)
        for _ in range(URLS_MAX_COUNT):
            if position < 0:
                return
            start = position + len(_URL_MONIKER) + 4
            raw = content[start : start + 2 * URL_MAX_CHARACTERS]
            self.add_url(raw.decode("utf-16-le", "replace").partition("\0")[0], "url-moniker")
            position = content.find(_URL_MONIKER, start)

    def add_class(self, name: bytes | str) -> None:
        """Keep the class of an embedded object: a ProgID, or a CLSID in text."""
        if len(self._classes) < NAMES_MAX_COUNT:
            self._classes[printable(name, 128)] = None

    def add_module(self, name: str) -> None:
        """Keep the name of a module of macros."""
        self.features.add("vba")
        if len(self._modules) < NAMES_MAX_COUNT:
            self._modules[printable(name, 128)] = None

    def tell(self, survey: Survey) -> None:
        """Add everything that was collected; what was not seen is left out."""
        survey.add_field("sampler.file.document.features", tuple(sorted(self.features)))
        survey.add_field("sampler.file.document.application", printable(self.application, 128))
        survey.add_field("sampler.file.document.macro_modules", listed(self._modules))
        survey.add_field("sampler.file.document.object_classes", listed(self._classes))
        survey.add_field("sampler.file.external_urls", listed(self._urls))
        if self.code_page:
            survey.add_field("sampler.file.document.code_page", self.code_page)
