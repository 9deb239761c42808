"""The socket's file: one agent has it, and who may connect is the file's mode.

A lock beside the socket (``NAME.lock``, flock(2)) says whether an agent is alive, and the kernel gives it up with the
agent. So a socket whose lock is free is left over and is replaced, with no moment in which two agents could both do it.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
from pathlib import Path
from typing import Final

from sampler.errors import SettingsError

_BACKLOG: Final = 128


class SocketFile:
    """A listening Unix socket at a path, open to every user if the agent is root, otherwise to its own only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = -1
        self._inode = 0

    def listen(self) -> socket.socket:
        """Take the path and listen there; the caller closes the socket.

        Raises:
            SettingsError: another agent has it, something else stands there, or it cannot be made; nothing is changed.
        """
        try:
            self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._lock = self._claim()
            return self._bind()
        except OSError as error:
            self._release()
            raise SettingsError(f"cannot listen on {self._path}: {error}; set another socket") from error
        except SettingsError:
            self._release()
            raise

    def remove(self) -> None:
        """Take the file away, if it is still the one that was made here, and let the next agent have the path."""
        try:
            if self._path.lstat().st_ino == self._inode:
                self._path.unlink()
        except FileNotFoundError:
            pass
        self._release()

    def _claim(self) -> int:
        name = f"{self._path}.lock"
        lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            raise SettingsError(
                f"another agent answers on {self._path}; stop it, or give this one another socket"
            ) from error
        return lock

    def _bind(self) -> socket.socket:
        self._clear()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.setblocking(False)
            listener.bind(str(self._path))
            # nobody can connect before listen(2), so there is no moment with a mode that is too wide
            self._path.chmod(0o666 if os.geteuid() == 0 else 0o600)
            self._inode = self._path.lstat().st_ino
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener

    def _clear(self) -> None:
        try:
            mode = self._path.lstat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(mode):
            raise SettingsError(f"{self._path} is there already and is no socket; set another socket")
        self._path.unlink()

    def _release(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
