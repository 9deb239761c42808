"""What the queue needs of the other processes that share its ledger: to wake who waits there, and to take turns.

Nothing that is acknowledged depends on a ring: who waits looks by itself as well, and a ring only lets it look sooner.
``storage`` implements it beside each ledger; all calls block, and none but ``listen`` is made on two threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, Protocol

HEARD_NOT: Final = None
"""What a listener is told instead of keys when rings may have been missed."""


class Peers(Protocol):
    """The other processes, if there are any."""

    shared: bool
    """Whether there can be others at all."""

    def ring(self, keys: Collection[str]) -> None:
        """Ring these keys in the others.

        Raises:
            StorageError: they cannot be reached now.
        """

    def listen(self, heard: Callable[[Collection[str] | None], None]) -> None:
        """Tell ``heard`` what the others ring, or ``HEARD_NOT``, on a thread of its own, until ``close``."""

    def try_hold(self, key: str) -> bool:
        """Whether this process holds the key now, which then no other one does until ``let_go`` or its end.

        Raises:
            StorageError: nobody can tell now.
        """

    def let_go(self, key: str) -> None:
        """Others may hold the key."""

    def close(self) -> None:
        """Let go of everything. A second call does nothing."""


class Alone:
    """There are no others: the ledger is this process's own."""

    shared = False

    def ring(self, keys: Collection[str]) -> None:
        """Nobody is there to hear it."""

    def listen(self, heard: Callable[[Collection[str] | None], None]) -> None:
        """Nobody is there to ring."""

    def try_hold(self, key: str) -> bool:
        """Always: nobody else wants it."""
        return True

    def let_go(self, key: str) -> None:
        """Nobody waits for it."""

    def close(self) -> None:
        """Nothing to let go of."""
