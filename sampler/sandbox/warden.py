"""The agent's side of the sandbox's processes: one nursery, and the children that it forked.

Nothing is killed by number: a child is named by its pidfd (pidfd_open(2)), which never names another process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import select
import signal
import socket
import sys
import time
from typing import Final, Self

import msgspec

from sampler.errors import ChildDied, SandboxError
from sampler.limits import TEXT_MAX_CHARACTERS
from sampler.runtime.log import Log
from sampler.runtime.tasks import TaskKeeper
from sampler.sandbox.channel import Channel
from sampler.sandbox.child import ANSWERED, MARK_BYTES
from sampler.sandbox.framing import FrameError, close_all
from sampler.sandbox.growth import Growth
from sampler.sandbox.messages import Failed, Fork, Forked, FromNursery, ToNursery, Warm, Warmed, encode, from_nursery

log: Final = Log()

_FORK_DEADLINE_SECONDS: Final = 10.0
_LOOK_EVERY_OBJECTS: Final = 16
_LONG_SECONDS: Final = 0.01
_LOG_END_DEADLINE_SECONDS: Final = 5.0
"""For the children to follow the nursery, so that the last words of each are read."""
_LOG_LINES_MAX_COUNT: Final = 1000
"""Lines of one nursery and its children that are passed on to the agent's log; what follows is dropped."""


class ChildProcess:
    """One child: its channel, its pidfd, and how many objects it was given."""

    def __init__(self, pid: int, peer: socket.socket, pidfd: int) -> None:
        self.pid = pid
        self.objects = 0
        self.busy_seconds = 0.0
        """How long it has held objects."""
        self._channel = Channel(peer)
        self._pidfd = pidfd
        self._condemned = False
        self._last_seconds = 0.0
        self._growth = Growth(pid)  # of this child for sure if its pidfd says later that it is alive
        self._watch = select.poll()
        self._watch.register(pidfd, select.POLLIN)

    @property
    def is_alive(self) -> bool:
        """Whether it still runs, and may (a pidfd becomes readable when its process ends)."""
        return not self._condemned and not self._watch.poll(0)

    def has_grown(self, most_bytes: int) -> bool:
        """Whether it has taken more memory of its own than this since it was forked.

        Looked at after an object that took long, and after every so many, because looking costs a tenth of an exchange.
        """
        is_due = self._last_seconds > _LONG_SECONDS or self.objects % _LOOK_EVERY_OBJECTS == 0
        return is_due and self._growth.grown_bytes > most_bytes

    async def ask(self, request: bytes, descriptor: int, deadline_seconds: float) -> bytes:
        """Give it one object and return its answer; the caller kills it if this raises.

        Raises:
            ChildDied: it ended, broke the framing, or gave up on the object.
            TimeoutError: it had not answered after ``deadline_seconds``.
        """
        self.objects += 1
        mark = secrets.token_bytes(MARK_BYTES)
        begun = time.monotonic()
        try:
            answer = await self._channel.exchange(mark + request, descriptor, deadline_seconds)
        except TimeoutError:  # an OSError too, but the pool's to name
            raise
        except (FrameError, EOFError, OSError) as error:
            raise ChildDied(f"child {self.pid} died or broke off while it held an object: {error}") from error
        self._last_seconds = time.monotonic() - begun
        self.busy_seconds += self._last_seconds
        if not answer.startswith(mark):
            raise ChildDied(f"child {self.pid} answered something that it was not asked")
        if answer[MARK_BYTES : MARK_BYTES + 1] != ANSWERED:
            reason = answer[MARK_BYTES + 1 :][:TEXT_MAX_CHARACTERS].decode("utf-8", "replace")
            raise ChildDied(f"child {self.pid} gave up on an object: {reason}")
        return answer[MARK_BYTES + 1 :]

    def kill(self) -> None:
        """End it at once; whoever waits for its answer sees the end. May be called again."""
        self._condemned = True
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def forget(self) -> None:
        """End it and give up its socket and pidfd; nobody may wait for its answer any more."""
        self.kill()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
            self._growth.close()
            self._channel.close()


class NurseryProcess:
    """The nursery as the agent sees it: started, warmed, asked for children, ended."""

    def __init__(self, process: asyncio.subprocess.Process, control: Channel) -> None:
        self._process = process
        self._control = control
        self._keeper = TaskKeeper("sandbox")
        self._turn = asyncio.Lock()
        self._log = self._keeper.start("log", self._pass_on_log())

    @classmethod
    async def start(cls) -> Self:
        """Start the process: no environment, no descriptor but its socket and its log, a session of its own.

        Raises:
            SandboxError: it could not be started.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-m", "sampler.sandbox.nursery", str(theirs.fileno()), str(os.getpid())),
                    env={},
                    cwd="/",
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.PIPE,
                )
            except BaseException as error:
                ours.close()
                if not isinstance(error, OSError):
                    raise
                raise SandboxError(f"the nursery could not be started with {sys.executable}: {error}") from error
        return cls(process, Channel(ours))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def warm(self, order: Warm, deadline_seconds: float) -> Warmed:
        """Have the entry imported and called; return its report, and how children will be confined.

        Raises:
            SandboxError: it failed, or took too long.
        """
        answer, _ = await self._exchange(order, 0, deadline_seconds)
        if isinstance(answer, Warmed):
            return answer
        why = answer.message if isinstance(answer, Failed) else "the nursery answered something else"
        raise SandboxError(f"{order.entry} could not be prepared: {why}")

    async def fork(self) -> ChildProcess:
        """One more child.

        Raises:
            SandboxError: the nursery is gone or does not answer.
        """
        answer, descriptors = await self._exchange(Fork(), 2, _FORK_DEADLINE_SECONDS)
        if not isinstance(answer, Forked) or len(descriptors) != 2:
            close_all(descriptors)
            raise SandboxError("the nursery did not hand over the child that was asked for")
        peer, pidfd = descriptors
        return ChildProcess(answer.pid, socket.socket(fileno=peer), pidfd)

    async def close(self) -> None:
        """End it, and with it every child that is left (they die with their parent)."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        async with self._turn:  # an exchange under way sees the end first; closing its socket would leave it waiting
            self._control.close()
        await asyncio.wait((self._log,), timeout=_LOG_END_DEADLINE_SECONDS)
        await self._keeper.close()

    async def _exchange(
        self, message: ToNursery, descriptors: int, deadline_seconds: float
    ) -> tuple[FromNursery, list[int]]:
        try:
            async with self._turn, asyncio.timeout(deadline_seconds):
                await self._control.send(encode(message))
                data, received = await self._control.receive_descriptors(descriptors)
        except (FrameError, EOFError, OSError, TimeoutError) as error:
            raise SandboxError(
                f"the nursery {self.pid} does not answer: {str(error) or type(error).__name__}"
            ) from error
        try:
            return from_nursery(data), received
        except msgspec.DecodeError as error:
            close_all(received)
            raise SandboxError(f"the nursery {self.pid} answered something else: {error}") from error

    async def _pass_on_log(self) -> None:
        """Read what nursery and children write to standard error, to its end, and log a bounded part of it."""
        stream = self._process.stderr
        assert stream is not None  # it was asked for as a pipe
        lines = 0
        while chunk := await stream.read(TEXT_MAX_CHARACTERS * 4):
            for line in chunk.decode("utf-8", "replace").splitlines():
                lines += 1
                if lines <= _LOG_LINES_MAX_COUNT:
                    log.warning("sandbox", nursery=self.pid, line=line[:TEXT_MAX_CHARACTERS])
                elif lines == _LOG_LINES_MAX_COUNT + 1:
                    log.warning("sandbox: what this nursery and its children write from here on is dropped")
