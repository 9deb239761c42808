"""The two applications, one for each listener, composed over one queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from sampler.queue import Queue
from sampler.runtime.clock import Clock
from sampler.server import tus
from sampler.server.answers import delivered
from sampler.server.asks import Asks
from sampler.server.audit import Audit
from sampler.server.auth import Gate, HostsGate, PeopleGate
from sampler.server.coded_bodies import ACCEPTED
from sampler.server.downloads import Downloads
from sampler.server.enrolment import Enrolment, Issuing
from sampler.server.health import Health
from sampler.server.lookup import LookUps
from sampler.server.metrics import Metrics
from sampler.server.problems import problems
from sampler.server.recalls import Recalls
from sampler.server.receipts import Receipts
from sampler.server.retention import Retention
from sampler.server.routing import Answer, add_routes
from sampler.server.search import Search
from sampler.server.statistics import Statistics
from sampler.server.submissions import Submissions
from sampler.server.task_events import TaskEvents
from sampler.server.tasks import Tasks
from sampler.server.uploads import Uploads
from sampler.wire.routes import SUBMIT, TUS_CREATE, Door, Route

_ALWAYS: Final = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'"}


class Applications:
    """Both applications share what answers; their gates differ."""

    def __init__(self, queue: Queue, issuing: Issuing, clock: Clock, *, object_max_bytes: int) -> None:
        self._metrics = Metrics(queue)
        self._answers: dict[Route, Answer] = {
            **Submissions(queue).answers(),
            **Uploads(queue, max_bytes=object_max_bytes).answers(),
            **Tasks(queue).answers(),
            **TaskEvents(queue).answers(),
            **Downloads(queue).answers(),
            **Audit(queue).answers(),
            **Asks(queue).answers(),
            **Receipts(queue, issuing.receipt_key).answers(),
            **Recalls(queue).answers(),
            **Statistics(queue).answers(),
            **LookUps(queue).answers(),
            **Search(queue).answers(),
            **Retention(queue).answers(),
            **Enrolment(queue, issuing, clock).answers(),
            **Health(queue).answers(),
            **self._metrics.answers(),
        }
        self.hosts = self._application(Door.HOSTS, HostsGate(queue))
        self.people = self._application(Door.PEOPLE, PeopleGate(queue))

    def _application(self, door: Door, gate: Gate) -> web.Application:
        app = web.Application(middlewares=[delivered, self._metrics.count, problems])
        add_routes(app, door, gate, self._answers)
        app.on_response_prepare.append(_set_headers)
        return app


async def _set_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "sampler"  # versions are nobody's business
    _add(response, _ALWAYS)
    if request.path.startswith((TUS_CREATE.path, SUBMIT.path)):
        _add(response, ACCEPTED)
    if request.path.startswith(TUS_CREATE.path):
        _add(response, {"Tus-Resumable": tus.VERSION})
    else:
        _add(response, {"Cache-Control": "no-store"})


def _add(response: web.StreamResponse, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        response.headers.setdefault(name, value)
