from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from sampler.errors import SettingsError
from sampler.intake import AgentClient, LocalServer
from sampler.intake.socket_file import SocketFile

Serve = Callable[..., Awaitable[LocalServer]]


@pytest.fixture
def file(socket_path: Path) -> Iterator[SocketFile]:
    made = SocketFile(socket_path)
    yield made
    made.remove()


def test_who_may_connect(file: SocketFile, socket_path: Path) -> None:
    """Every user may connect to root's agent, only its own user to any other; the folder is made."""
    with file.listen():
        mode = stat.S_IMODE(socket_path.stat().st_mode)
        assert mode == (0o666 if os.geteuid() == 0 else 0o600)
        assert stat.S_IMODE(socket_path.parent.stat().st_mode) & 0o022 == 0


async def test_second_agent(serve: Serve, client: AgentClient, socket_path: Path) -> None:
    """A second agent on the same socket is refused, with the socket's name, and the first goes on."""
    await serve()
    with pytest.raises(SettingsError, match="another agent answers on") as caught:
        await serve()
    assert str(socket_path) in str(caught.value)
    assert (await client.status()).children == 2


def test_next_agent(socket_path: Path) -> None:
    """After an agent has ended, the next one gets the socket."""
    for _ in range(2):
        file = SocketFile(socket_path)
        with file.listen():
            assert socket_path.is_socket()
        file.remove()
        assert not socket_path.exists()


def test_socket_of_a_killed_agent(socket_path: Path) -> None:
    """The socket that a killed agent left behind is replaced."""
    script = """
import os, pathlib, signal, sys
from sampler.intake.socket_file import SocketFile
listener = SocketFile(pathlib.Path(sys.argv[1])).listen()
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", script, str(socket_path)], check=False, timeout=60)
    assert ended.returncode == -9
    assert socket_path.is_socket()
    file = SocketFile(socket_path)
    with file.listen(), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(socket_path))
    file.remove()


def test_something_else_stands_there(socket_path: Path) -> None:
    """A file that is no socket is not touched."""
    socket_path.parent.mkdir()
    socket_path.write_text("precious")
    with pytest.raises(SettingsError, match="is no socket"):
        SocketFile(socket_path).listen()
    assert socket_path.read_text() == "precious"


def test_name_that_is_too_long(tmp_path: Path) -> None:
    """A path that no socket can have is refused by name, and the lock is free again."""
    path = tmp_path / ("x" * 120)
    for _ in range(2):
        with pytest.raises(SettingsError, match="set another socket"):
            SocketFile(path).listen()


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A folder that cannot be made is a settings error."""
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot listen on"):
        SocketFile(tmp_path / "file" / "socket").listen()


def test_socket_of_somebody_else_is_left(file: SocketFile, socket_path: Path) -> None:
    """An agent that ends takes away its own socket only."""
    with file.listen():
        kept = socket_path.with_name("kept")
        socket_path.rename(kept)
        socket_path.write_text("another's")
        file.remove()
    assert socket_path.read_text() == "another's"


def test_remove_without_a_file(file: SocketFile, socket_path: Path) -> None:
    """A socket's file that is gone already is no error."""
    with file.listen():
        socket_path.unlink()
        file.remove()
    assert not socket_path.exists()


def test_lock_is_not_followed(socket_path: Path, tmp_path: Path) -> None:
    """A link in the place of the lock leads nowhere."""
    socket_path.parent.mkdir()
    Path(f"{socket_path}.lock").symlink_to(tmp_path / "target")
    with pytest.raises(SettingsError):
        SocketFile(socket_path).listen()
    assert not (tmp_path / "target").exists()
