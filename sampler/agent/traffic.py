"""Everything that an agent ever says to its queue, in words for its owner; ``sampler consent show`` prints it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sampler.wire import routes
from sampler.wire.routes import Route


@dataclass(frozen=True, slots=True)
class Traffic:
    """One kind of thing that is said."""

    what: str
    when: str
    routes: tuple[Route, ...]
    """By which it is said."""
    needs_consent: bool = True


TRAFFIC: Final = (
    Traffic(
        "the facts of an object, and as much of the object as is permitted",
        "when one was flagged; the consent is looked at again before each piece",
        (routes.SUBMIT, routes.OFFER, routes.SUBMISSION, routes.TUS_CREATE, routes.TUS_HEAD, routes.TUS_PATCH),
    ),
    Traffic(
        "the first bits of an object's hash, to learn whether the queue knows one of all the files that begin so",
        "when one was flagged, before anything else is said of it, unless lookup.enabled is off; and by sampler lookup",
        (routes.LOOKUP_TERMS, routes.LOOKUP),
    ),
    Traffic(
        "a question for the queue's list of known good files, and the list where there is a newer one",
        "once an hour, unless known_good.enabled is off",
        (routes.KNOWN_GOOD, routes.KNOWN_GOOD_PIECE),
    ),
    Traffic("a question for verdicts: the number of the last one seen", "all the time", (routes.VERDICTS,)),
    Traffic("a question for asks, and what became of each", "all the time", (routes.OPEN_ASKS, routes.ANSWER_ASK)),
    Traffic(
        "questions for receipts of what was sent, and for proofs that they are in the queue's log",
        "all the time",
        (routes.RECEIPTS, routes.LOG_KEY, routes.LOG_HEAD, routes.LOG_CONSISTENCY, routes.LOG_INCLUSION),
    ),
    Traffic(
        "counters without identifiers, where the scope statistics is accepted",
        "once a day",
        (routes.STATISTICS_KEY, routes.REPORT_STATISTICS),
    ),
    Traffic(
        "a question for the identifiers of this machine's own submissions",
        "at the agent's start, and by sampler reconcile",
        (routes.OWN_SUBMISSIONS,),
    ),
    Traffic(
        "a request to destroy what was sent, or was about to be",
        "by sampler recall, and for an upload that a withdrawal broke off; also without a consent",
        (routes.RECALL, routes.TUS_DELETE),
        needs_consent=False,
    ),
)
"""Enrolment is not among them: it is the operator's own command, and says who it connects to."""
