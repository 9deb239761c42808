"""What a process does, read from a real one: ourselves, and one that runs a deleted program."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sampler.describe import activity_fields, ancestors
from sampler.describe.process_sockets import address_in, remote_addresses
from sampler.model import value_of


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0100007F:01BB", "127.0.0.1:443"),
        ("00000000:0000", None),
        ("B80D0120000000000000000001000000:0035", "[2001:db8::1]:53"),
        ("0100007F", None),
        ("xyz:1", None),
        ("01:0001", None),
        ("0100007F01:0001", None),
    ],
)
def test_an_address_as_the_kernel_writes_it(text: str, address: str | None) -> None:
    """Words in the machine's order become addresses; what is none, or not connected, is none."""
    if sys.byteorder == "little":
        assert address_in(text) == address
    else:
        assert address_in("") is None


def test_only_sockets_that_are_held_count() -> None:
    """A connection is found by the descriptor that holds it, and by no other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.connect(("127.0.0.1", 9))
        held = str(Path(f"/proc/self/fd/{one.fileno()}").readlink())
        assert remote_addresses(os.getpid(), [held]) == ("udp 127.0.0.1:9",)
        assert remote_addresses(os.getpid(), ["socket:[1]", "/etc/passwd"]) == ()


def test_a_deleted_program_is_hashed(tmp_path: Path) -> None:
    """What a process runs is hashed even when its file has no name any more."""
    program = tmp_path / "sleeper"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    expected = hashlib.sha256(program.read_bytes()).hexdigest()
    with subprocess.Popen([program, "60"]) as process:
        try:
            while Path(f"/proc/{process.pid}/exe").readlink() != program:
                assert process.poll() is None
            program.unlink()
            fields = activity_fields(process.pid, os.fsencode(program), os.geteuid(), ())
        finally:
            process.kill()
    assert value_of(fields, "process.hash.sha256") == expected


def test_a_process_that_is_not_there() -> None:
    """Nothing is known of it, and nothing is raised."""
    assert activity_fields(2**22, None, 0, ()) == ()
    assert ancestors(2**22) == ()


def test_the_tree_ends_at_the_top() -> None:
    """The ancestors go up from the parent's parent, each with its number, and none twice."""
    pids = [value_of(fields, "process.parent.pid") for fields in ancestors(os.getpid())]
    assert os.getppid() not in pids
    assert len(set(pids)) == len(pids)
