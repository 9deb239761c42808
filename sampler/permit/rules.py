"""The numbered rules of deciding; whatever is refused or left out names one of them."""

from __future__ import annotations

from enum import StrEnum


class Rule(StrEnum):
    """In the order in which they are looked at."""

    NO_CONSENT = "P1 no-consent"
    OTHER_STATEMENT = "P2 other-statement"
    SCOPE = "P3 scope-not-accepted"
    EXCLUDED_PATH = "P4 excluded-path"
    NOTHING_ASKED = "P5 nothing-asked"
    POLICY_CEILING = "P6 policy-ceiling"
    POLICY_VOLUME = "P6 policy-volume"
    WHOLE_SCOPE = "P7 whole-scope"
    WHOLE_SWITCH = "P7 whole-switch"
    WHOLE_KIND = "P7 whole-kind"
    WHOLE_SIZE = "P7 whole-size"
    PARTS_SCOPE = "P8 parts-scope"
    PARTS_KIND = "P8 parts-kind"
    FIELDS = "P9 fields"
    HELD = "P10 held"
    NOT_HELD = "P10 not-held"
    DENIED = "P10 denied"
    EXPIRED = "P10 expired"
