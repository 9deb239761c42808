"""Which reader an object's content calls for, and what every object has whatever its format: a header and a tail."""

from __future__ import annotations

from typing import Final

from sampler.extract.entropy_windows import add_entropy_windows
from sampler.extract.extraction import Data, Extraction, Recogniser, Survey
from sampler.extract.formats import survey_content
from sampler.extract.script import survey_script
from sampler.limits import KIB
from sampler.model import ContentKind, PartKind
from sampler.runtime.byte_entropy import EntropyProfile, entropy_profile

EDGE_BYTES: Final = 4 * KIB
"""Length of the header of an unknown format, and of every tail."""


def find_regions(
    data: Data,
    kind: ContentKind,
    mime_type: str,
    profile: EntropyProfile | None = None,
    recogniser: Recogniser = lambda _content: None,
) -> Extraction:
    """The regions, fields and problems of one object. Never raises for hostile input.

    The first bytes choose the reader. ``kind`` and ``mime_type`` do not: a program that is damaged beyond loading has
    no kind, and its sections are worth having all the same. Only where no reader knows the format is what ``kind``
    calls a script read as one. Of all others the first and last ``EDGE_BYTES`` are header and tail, and windows are
    picked by entropy; known formats have a tail too.

    Args:
        data: the object.
        kind: decided by content.
        mime_type: likewise.
        profile: of its entropy, if the caller has it already.
        recogniser: tells what lies inside by its own content, as ``kind`` was told.
    """
    survey = Survey(len(data), reader=survey_content, recogniser=recogniser)
    survey.kind = kind
    tail = min(EDGE_BYTES, survey.size)
    survey.add_region(PartKind.TAIL, "", survey.size - tail, tail)
    if survey_content(data, survey):
        return survey.result()
    if kind is ContentKind.SCRIPT:
        survey_script(data, survey)
    else:
        survey.add_region(PartKind.HEADER, "", 0, min(EDGE_BYTES, survey.size))
        add_entropy_windows(survey, profile or entropy_profile(data))
    return survey.result()
