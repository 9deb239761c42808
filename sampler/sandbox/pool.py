"""A fixed number of children, each with one object at a time, replaced when they die, lie, hang, grow or are old."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Final, TypeVar

from sampler.errors import ChildDied, ChildTimedOut, SandboxError
from sampler.limits import (
    CHILD_CPU_MAX_SECONDS,
    CHILD_GROWTH_MAX_BYTES,
    CHILD_MAX_OBJECTS,
    CHILD_MEMORY_MAX_BYTES,
    EXAMINE_DEADLINE_SECONDS,
    FRAME_MAX_BYTES,
    KIB,
)
from sampler.runtime.blocking import off_loop
from sampler.runtime.log import Log
from sampler.runtime.tasks import TaskKeeper
from sampler.sandbox.child import MARK_BYTES
from sampler.sandbox.messages import Confinement, Profile, Warm
from sampler.sandbox.warden import ChildProcess, NurseryProcess

log: Final = Log()
T = TypeVar("T")

_REQUEST_MAX_BYTES: Final = FRAME_MAX_BYTES - MARK_BYTES
_READ_ON_LOOP_MAX_BYTES: Final = 64 * KIB
"""A longer answer is read on a thread: decoding the longest takes some 100 ms."""


class ChildPool:
    """Runs one function on one object at a time in each of its children.

    A request that killed its child is not given to another one: what crashed a parser once would crash all of them.
    A nursery that died is started anew by the next call. Belongs to one event loop, on the thread that started it: the
    nursery dies with that thread.
    """

    def __init__(
        self,
        entry: str,
        settings: bytes,
        *,
        children: int = 2,
        deadline_seconds: float = EXAMINE_DEADLINE_SECONDS,
        memory_max_bytes: int = CHILD_MEMORY_MAX_BYTES,
        max_objects: int = CHILD_MAX_OBJECTS,
        growth_max_bytes: int = CHILD_GROWTH_MAX_BYTES,
        start_deadline_seconds: float = 120.0,
        require_sandbox: bool = False,
        profile: Profile = Profile.OBJECTS,
    ) -> None:
        """Describe the pool; ``start`` makes it.

        Args:
            entry: ``package.module:function``; called once in the nursery as ``function(settings) -> Prepared``.
            settings: for the entry.
            children: how many work at the same time.
            deadline_seconds: for one object, from the moment a child is given it.
            memory_max_bytes: what one child may allocate, the nursery's share included.
            max_objects: a child is replaced after so many.
            growth_max_bytes: a child is replaced when it has taken so much more memory than it began with.
            start_deadline_seconds: for importing and calling the entry.
            require_sandbox: have no children rather than some that the kernel cannot confine in every way.
            profile: what children are for; with ``Profile.PROCESS`` a call's descriptor is a pidfd.
        """
        self._entry, self._settings = entry, settings
        self._children = children
        self._deadline_seconds = deadline_seconds
        self._memory_max_bytes = memory_max_bytes
        self._max_objects = 1 if profile is Profile.PROCESS else max_objects
        self._profile = profile
        self._growth_max_bytes = growth_max_bytes
        self._start_deadline_seconds = start_deadline_seconds
        self._require_sandbox = require_sandbox
        self._slots = asyncio.Semaphore(children)
        self._keeper = TaskKeeper("child-pool")
        self._filling: asyncio.Task[None] | None = None
        self._trouble: SandboxError | None = None
        self._nursery: NurseryProcess | None = None
        self._idle: list[ChildProcess] = []
        self._busy: set[ChildProcess] = set()
        self._closed = True
        self.report = b""
        """What the entry reported when the present nursery was warmed."""
        self.confinement = Confinement(())
        """What holds the children of the present nursery, and what this kernel lacks."""

    async def start(self) -> bytes:
        """Start the nursery, warm it, fork the children; return the entry's report.

        Raises:
            SandboxError: it cannot be had; nothing is left running.
        """
        self._closed = False
        await self._filled()
        if self._trouble is not None:
            await self.close()
            raise self._trouble
        return self.report

    async def call(self, request: bytes, descriptor: int) -> bytes:
        """Give one object to a free child and return its answer.

        Args:
            request: what the entry's handler gets first.
            descriptor: the object; it stays the caller's.

        Raises:
            ChildDied: the child ended, broke the framing or gave up; this object is not tried again.
            ChildTimedOut: it ran past the deadline and was killed.
            SandboxError: no child can be had.
        """
        return await self.exchange(request, descriptor, bytes)

    async def exchange(
        self, request: bytes, descriptor: int, read: Callable[[bytes], T], *, more_seconds: float = 0.0
    ) -> T:
        """As ``call``, but return ``read(answer)``; a child whose answer makes ``read`` raise ``ValueError`` is killed.

        Args:
            request: as ``call``.
            descriptor: as ``call``.
            read: must be pure: a long answer is read on another thread.
            more_seconds: this object may take so much longer than others.

        Raises:
            ChildDied, ChildTimedOut, SandboxError: as ``call``; ``ChildDied`` also for an answer that is not credible.
        """
        if len(request) > _REQUEST_MAX_BYTES:
            raise SandboxError(f"a request of {len(request)} bytes, a child takes at most {_REQUEST_MAX_BYTES}")
        async with self._slots:
            child = self._take_idle() or await self._next_child()
            self._busy.add(child)
            try:
                return await self._ask(child, request, descriptor, read, self._deadline_seconds + more_seconds)
            except BaseException:  # cancelling included: a child that still holds an object is of no more use
                child.kill()
                raise
            finally:
                self._busy.discard(child)
                self._keep(child)
                if self._lacks_children:
                    self._filled()

    async def close(self) -> None:
        """Kill the children and the nursery; calls under way end with ``ChildDied``."""
        self._closed = True
        for child in self._busy:
            child.kill()
        while self._idle:
            self._idle.pop().forget()
        await self._drop_nursery()
        if self._filling is not None:
            await self._filling  # it ends as soon as it sees that its nursery is gone
        await self._keeper.close()

    @property
    def alive(self) -> int:
        """How many children live at this moment."""
        return sum(child.is_alive for child in (*self._idle, *self._busy))

    def is_own(self, pid: int) -> bool:
        """Whether a number is that of the nursery or of one of the children."""
        return pid in (each.pid for each in (self._nursery, *self._idle, *self._busy) if each is not None)

    async def _next_child(self) -> ChildProcess:
        while (child := self._take_idle()) is None:
            await asyncio.shield(self._filled())
            if self._trouble is not None:
                raise SandboxError(str(self._trouble)) from self._trouble
        return child

    async def _ask(
        self, child: ChildProcess, request: bytes, descriptor: int, read: Callable[[bytes], T], seconds: float
    ) -> T:
        try:
            answer = await child.ask(request, descriptor, seconds)
        except TimeoutError as error:
            raise ChildTimedOut(
                f"child {child.pid} was killed: it had not examined an object after {seconds:g} s"
            ) from error
        try:
            return read(answer) if len(answer) <= _READ_ON_LOOP_MAX_BYTES else await off_loop(read, answer)
        except ValueError as error:
            raise ChildDied(f"child {child.pid} was killed: its answer is not credible: {error}") from error

    def _take_idle(self) -> ChildProcess | None:
        while self._idle:
            child = self._idle.pop()
            if child.is_alive:
                return child
            child.forget()
        return None

    @property
    def _lacks_children(self) -> bool:
        return not self._closed and len(self._idle) + len(self._busy) < self._children

    def _keep(self, child: ChildProcess) -> None:
        """Have it wait for its next object, unless it is of no more use."""
        if self._lacks_children and child.is_alive and not self._is_worn(child):
            self._idle.append(child)
        else:
            child.forget()

    def _is_worn(self, child: ChildProcess) -> bool:
        at_work_for_long = child.busy_seconds > CHILD_CPU_MAX_SECONDS / 2  # long before the kernel would end it
        return child.objects >= self._max_objects or at_work_for_long or child.has_grown(self._growth_max_bytes)

    def _filled(self) -> asyncio.Task[None]:
        """The task that forks until no child is lacking; ``_trouble`` says afterwards why it could not.

        There is one at a time, and nobody cancels it: who stops waiting for a child must not cut an exchange with the
        nursery in two.
        """
        if self._filling is None or self._filling.done():
            self._filling = self._keeper.start("fill", self._fill())
        return self._filling

    async def _fill(self) -> None:
        self._trouble = None
        try:
            if self._closed:
                raise SandboxError("the pool of children is closed; start it first")
            while self._lacks_children:
                self._keep(await self._fork())
        except SandboxError as error:
            self._trouble = error
            self._warn("there are fewer children than there should be; the next call tries again", error)

    async def _fork(self) -> ChildProcess:
        """One more child, of a new nursery if the old one is gone."""
        if self._nursery is not None:
            try:
                return await self._nursery.fork()
            except SandboxError as error:
                self._warn("the nursery is gone", error)
                await self._drop_nursery()
        nursery = await self._renew_nursery()
        return await nursery.fork()

    def _warn(self, what: str, error: SandboxError) -> None:
        if not self._closed:  # closing cuts short what is under way
            log.warning(what, reason=str(error))

    async def _renew_nursery(self) -> NurseryProcess:
        order = Warm(
            entry=self._entry,
            settings=self._settings,
            search_path=tuple(os.fsencode(entry) for entry in sys.path),
            memory_max_bytes=self._memory_max_bytes,
            profile=self._profile,
        )
        self._nursery = nursery = await NurseryProcess.start()  # from here on ``close`` can end it
        try:
            if self._closed:
                raise SandboxError("the pool of children was closed")
            warmed = await nursery.warm(order, self._start_deadline_seconds)
            self.report, self.confinement = warmed.report, warmed.confinement
            self._check_confinement()
        except BaseException:
            await self._drop_nursery()
            raise
        return nursery

    def _check_confinement(self) -> None:
        if self._require_sandbox and self.confinement.missing:
            missing = ", ".join(self.confinement.missing)
            raise SandboxError(f"children cannot be confined as require_sandbox asks; missing: {missing}")

    async def _drop_nursery(self) -> None:
        nursery, self._nursery = self._nursery, None
        if nursery is not None:
            await nursery.close()
