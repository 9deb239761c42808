"""The on-host service: builds the concrete stages, runs them until it is told to stop, takes them down in order."""

from __future__ import annotations

import asyncio
import random
import signal
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

import sampler
from sampler import describe, identity
from sampler.agent.asking import AskFollower
from sampler.agent.consent_gate import ConsentGate
from sampler.agent.counting import Statistics
from sampler.agent.delivery_terms import OBJECTS_PER_CONTENT, terms_of
from sampler.agent.delivery_watch import DeliveryWatch
from sampler.agent.dropping import DropWatcher
from sampler.agent.examining import examine_settings
from sampler.agent.finder import Asks
from sampler.agent.handler import Handler
from sampler.agent.held_objects import HeldObjects
from sampler.agent.hostnames import host_names
from sampler.agent.journal_tending import JournalTender
from sampler.agent.keeping import Keeper
from sampler.agent.knowledge import Knowledge
from sampler.agent.knowledge_opening import with_look_ups
from sampler.agent.known_good_fetching import KnownGoodFetcher
from sampler.agent.pending import Pending
from sampler.agent.pipeline import Pipeline
from sampler.agent.places import AgentPlaces, rule_folders
from sampler.agent.policies import policy_of
from sampler.agent.recall_following import RecallFollower
from sampler.agent.recalling import Recaller
from sampler.agent.receipt_log import BelievedLog
from sampler.agent.receipt_pin import PinnedKey
from sampler.agent.receipt_standing import StandingFile
from sampler.agent.receipts import ReceiptFollower
from sampler.agent.reconcile_keeping import ReconcileKeeper
from sampler.agent.reconciling import Reconciler
from sampler.agent.renewing import look_for_newer
from sampler.agent.reporting import StatisticsReporter
from sampler.agent.rules import RuleKeeper
from sampler.agent.settings import AgentSettings
from sampler.agent.spool_answers import SpoolAnswers
from sampler.agent.spool_opening import content_folder, key_ring
from sampler.agent.spool_tending import SpoolTender
from sampler.agent.stores import Stores
from sampler.agent.tallying import Published
from sampler.errors import IdentityError
from sampler.examine import Examiner
from sampler.intake import LocalServer
from sampler.journal import JournalReader
from sampler.model import Field
from sampler.retain import HoldStore, RetainStore
from sampler.runtime.blocking import off_loop
from sampler.runtime.clock import Clock
from sampler.runtime.places import shipped
from sampler.runtime.tasks import TaskKeeper
from sampler.scan import RuleSettings
from sampler.snapshot import SnapshotTaker
from sampler.upload import QueueLink, Uploader

log = structlog.get_logger()

UNENROLLED = "00000000-0000-0000-0000-000000000000"
"""The agent's identifier before it has a certificate."""


async def run(
    settings: AgentSettings,
    places: AgentPlaces,
    clock: Clock,
    *,
    started: Callable[[], None] = lambda: None,
) -> None:
    """Serve local peers and deliver until cancelled.

    Raises:
        SamplerError: the service cannot start; the message says what to repair.
    """
    stores = await off_loop(Stores.open, places, settings, clock)
    gate = ConsentGate(stores.consents, stores.clock)
    await off_loop(look_for_newer, stores.consents, stores.clock.now())
    async with AsyncExitStack() as stack:
        agent_id = await off_loop(_agent_id, places)
        link = await stack.enter_async_context(_link(settings, places, gate)) if settings.queue.url else None
        uploader = await _uploader(settings, link, stores, gate, stack) if link is not None else None
        rules = await _rules(settings, places, stores.clock, stack)  # what waits is on its way meanwhile
        on_spooled = uploader.wake if uploader else _nobody_waits
        knowledge = with_look_ups(stores.knowledge, link, stores.consents, settings, stores.clock)
        pipeline = await off_loop(_pipeline, settings, places, stores, rules.examiner, agent_id, knowledge, on_spooled)
        stack.push_async_callback(pipeline.under_way.close)
        wished = asyncio.Event()
        parts = Parts(
            pipeline=pipeline,
            pending=Pending(pipeline, settings.policy.pending_seconds),
            counters=await off_loop(_counters, settings, pipeline),
            recaller=_recaller(stores, pipeline, asyncio.get_running_loop(), wished),
            accounts=_accounts(places, stores),
            receipts=_receipts(places, link, stores, agent_id) if link is not None else None,
        )
        handler = Handler(
            pipeline,
            agent_id,
            settings.queue.url,
            uploader,
            parts.counters,
            parts.recaller,
            parts.pending,
            SpoolAnswers(stores.spool, key_ring(places), stores.clock, uploader.retry if uploader else _nobody_waits),
            rule_trouble=lambda: rules.trouble,
            receipts=parts.receipts.status if parts.receipts is not None else str,
            reconciled=lambda: parts.accounts.status,
            calls=stores.knowledge.caller.status,
            known_good=stores.knowledge.good.status if stores.knowledge.good is not None else str,
        )
        tasks = await stack.enter_async_context(TaskKeeper("agent"))
        tasks.start("rules", rules.run())
        _tend(tasks, parts, settings, places)
        if link is not None:
            _follow_queue(
                tasks,
                parts,
                link,
                gate,
                RecallFollower(parts.recaller, link, PinnedKey(places.receipt_key), agent_id, random.random, wished),
            )
        await _listen(settings, places, stores.clock, handler, stack)
        started()
        await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class Parts:
    """What looks after one agent's objects beside the pipeline."""

    pipeline: Pipeline
    pending: Pending
    counters: Statistics
    recaller: Recaller
    accounts: ReconcileKeeper
    receipts: ReceiptFollower | None
    """``None`` while no queue is configured."""


def _pipeline(  # noqa: PLR0917  # what it is wired of
    settings: AgentSettings,
    places: AgentPlaces,
    stores: Stores,
    examiner: Examiner,
    agent_id: str,
    knowledge: Knowledge,
    on_spooled: Callable[[], None],
) -> Pipeline:
    return Pipeline(
        clock=stores.clock,
        snapshots=_snapshots(settings, places),
        examiner=examiner,
        consents=stores.consents,
        policy=policy_of(settings.policy),
        host=host_names(places.state),
        asks=Asks(settings.default_ask.ask(), {name: rule.ask() for name, rule in settings.rules.items()}),
        spool=stores.spool,
        journal=stores.journal,
        agent_fields=_agent_fields(agent_id),
        on_spooled=on_spooled,
        keeper=_keeper(settings, places),
        held=_held(settings, places),
        knowledge=knowledge,
    )


def _tend(tasks: TaskKeeper, parts: Parts, settings: AgentSettings, places: AgentPlaces) -> None:
    """Start what concerns this host alone."""
    pipeline = parts.pipeline
    keep = timedelta(days=settings.journal.keep_days)
    tasks.start("pending", parts.pending.run())
    tasks.start("on_verdict", pipeline.knowledge.caller.run())
    tasks.start("known", pipeline.knowledge.tend())
    tasks.start("reconcile", parts.accounts.run_local())
    tasks.start("journal", JournalTender(pipeline.journal, pipeline.clock, keep).run())
    tasks.start("spool", SpoolTender(pipeline.spool, settings.spool, places, pipeline.clock).run())
    if settings.drop.folder:
        tasks.start("drop", DropWatcher(settings.drop, pipeline.flag, pipeline.clock).run())


def _follow_queue(tasks: TaskKeeper, parts: Parts, link: QueueLink, gate: ConsentGate, recalls: RecallFollower) -> None:
    """Start what speaks with the queue: while a consent stands, and recalls at any time."""
    clock = parts.pipeline.clock
    asks = AskFollower(parts.pipeline, link, clock, random.random)
    tasks.start("recalls", recalls.run())
    tasks.start("keeping", asks.tend())
    tasks.start("consent", gate.watch(link))
    tasks.start("asks", gate.keep(asks.run))
    tasks.start("reconcile-queue", gate.keep(partial(parts.accounts.run_queue, link)))
    if (good := parts.pipeline.knowledge.good) is not None:
        tasks.start("known-good", gate.keep(KnownGoodFetcher(good, link.known_good, clock, random.random).run))
    tasks.start("statistics", gate.keep(StatisticsReporter(parts.counters, link, clock).run))
    if parts.receipts is not None:
        tasks.start("receipts", gate.keep(parts.receipts.run))


async def _rules(settings: AgentSettings, places: AgentPlaces, clock: Clock, stack: AsyncExitStack) -> RuleKeeper:
    """The examiner with its rules, and what keeps these as they are on disk."""
    paths = rule_folders(settings)
    examiner = Examiner(examine_settings(settings.examine, paths, places.compiled_rules))
    stack.push_async_callback(examiner.close)
    rules = RuleKeeper(examiner, paths, clock)
    await rules.start()
    for missing in examiner.confinement.missing:
        log.warning("the sandbox lacks a layer that this kernel does not give", missing=missing)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, rules.force)
    stack.callback(loop.remove_signal_handler, signal.SIGHUP)
    return rules


async def _listen(
    settings: AgentSettings, places: AgentPlaces, clock: Clock, handler: Handler, stack: AsyncExitStack
) -> None:
    server = LocalServer(
        places.socket,
        handler,
        clock=clock,
        spool_folder=places.spool,
        max_bytes=settings.examine.object_max_bytes,
        requests_per_second=settings.intake.requests_per_second,
        burst=settings.intake.burst,
    )
    await server.start()
    stack.push_async_callback(server.close)
    log.info("agent listens", socket=str(places.socket), queue=settings.queue.url)


def _snapshots(settings: AgentSettings, places: AgentPlaces) -> SnapshotTaker:
    return SnapshotTaker(
        places.spool,
        max_bytes=settings.examine.object_max_bytes,
        deadline_seconds=settings.examine.snapshot_deadline_seconds,
    )


def _agent_fields(agent_id: str) -> tuple[Field, ...]:
    return (
        Field("agent.id", agent_id),
        Field("agent.version", sampler.__version__),
        Field("agent.type", "sampler"),
        *describe.host_fields(),
    )


def _nobody_waits() -> None:
    """Stands for waking the uploader while no queue is configured."""


def _agent_id(places: AgentPlaces) -> str:
    if not places.certificate.exists():
        return UNENROLLED
    return identity.agent_id_of(ssl.PEM_cert_to_DER_cert(places.certificate.read_text()))


def _keeper(settings: AgentSettings, places: AgentPlaces) -> Keeper:
    limits = settings.retain
    return Keeper(RetainStore(places.retained, key_ring(places), max_bytes=limits.max_bytes, seconds=limits.seconds))


def _held(settings: AgentSettings, places: AgentPlaces) -> HeldObjects:
    limits = settings.policy
    return HeldObjects(
        HoldStore(places.held, key_ring(places), max_bytes=limits.pending_max_bytes, max_count=limits.pending_max_count)
    )


def _counters(settings: AgentSettings, pipeline: Pipeline) -> Statistics:
    rules = RuleSettings((shipped("rules"),), settings.examine.engine)
    stores = (pipeline.spool, pipeline.consents, pipeline.policy, pipeline.journal)
    return Statistics(*stores, Published.of(rules), pipeline.clock)


def _accounts(places: AgentPlaces, stores: Stores) -> ReconcileKeeper:
    books = Reconciler(
        books=stores.spool,
        journal=JournalReader(places.journal),
        contents=content_folder(places),
        kept=places.retained,
        held=places.held,
        receipts=StandingFile(places.receipts),
        clock=stores.clock,
        verify=stores.journal.check,
    )
    return ReconcileKeeper(books, stores.clock, random.random)


def _recaller(stores: Stores, pipeline: Pipeline, loop: asyncio.AbstractEventLoop, wished: asyncio.Event) -> Recaller:
    return Recaller(
        spool=stores.spool,
        journal=stores.journal,
        consents=stores.consents,
        kept=pipeline.keeper.store,
        clock=pipeline.clock,
        on_wish=lambda: _wake(loop, wished),
    )


def _wake(loop: asyncio.AbstractEventLoop, wished: asyncio.Event) -> None:
    loop.call_soon_threadsafe(wished.set)


def _link(settings: AgentSettings, places: AgentPlaces, gate: ConsentGate) -> QueueLink:
    queue = settings.queue
    return QueueLink(queue.url, _tls(places), check=gate.check, also=queue.also, terms=terms_of(queue))


async def _uploader(
    settings: AgentSettings, link: QueueLink, stores: Stores, gate: ConsentGate, stack: AsyncExitStack
) -> Uploader:
    watch = DeliveryWatch(stores, stores.clock)
    uploader = Uploader(
        stores.spool,
        link,
        clock=stores.clock,
        check=watch.why_not,
        on_event=watch.note,
        on_verdict=watch.note_verdict,
        random=random.random,
        parallel=settings.queue.parallel * OBJECTS_PER_CONTENT,
    )
    tasks = await stack.enter_async_context(TaskKeeper("upload"))
    tasks.start("deliver", uploader.run())
    tasks.start("verdicts", gate.keep(uploader.run_verdicts))
    return uploader


def _receipts(places: AgentPlaces, link: QueueLink, stores: Stores, agent_id: str) -> ReceiptFollower:
    return ReceiptFollower(
        believed=BelievedLog(link.receipts, PinnedKey(places.receipt_key)),
        journal=stores.journal,
        sent=stores.sent,
        file=StandingFile(places.receipts),
        device=agent_id,
        clock=stores.clock,
        random=random.random,
    )


def _tls(places: AgentPlaces) -> ssl.SSLContext:
    if not places.certificate.exists():
        raise IdentityError(f"{places.certificate}: this host is not enrolled yet; run sampler agent enroll")
    return identity.host_client_context(places.ca, places.certificate, places.key)
