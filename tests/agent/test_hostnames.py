from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path

import pytest

from sampler.agent.hostnames import KEY_FILE, host_names
from sampler.errors import SettingsError


def _account(name: str, uid: int, home: str, gecos: str = "") -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", uid, uid, gecos, home, "/bin/sh"))


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine called orchid7 with two people, some system accounts and a nobody."""
    known = [
        _account("root", 0, "/root", "root"),
        _account("daemon", 1, "/usr/sbin"),
        _account("nobody", 65534, "/nonexistent"),
        _account("alice", 1000, "/srv/alice", "Alice Stone,,,"),
        _account("robot", 1001, "/", "Robot"),
    ]
    monkeypatch.setattr(pwd, "getpwall", lambda: known)
    monkeypatch.setattr(socket, "gethostname", lambda: "orchid7.example.com")


@pytest.mark.usefixtures("accounts")
def test_people_and_machine(tmp_path: Path) -> None:
    """People's log-in and full names, their homes and the machine's names; no system account, no home that is all."""
    found = host_names(tmp_path, homes=tmp_path / "absent")
    assert found.users == {"alice", "Alice Stone", "robot"}
    assert found.homes == (("/srv/alice", "alice"),)
    assert found.host_names == {"orchid7", "orchid7.example.com"}


@pytest.mark.usefixtures("accounts")
def test_homes_of_people_whom_no_list_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of a person among the homes counts even when the password database does not list that person."""
    homes = tmp_path / "home"
    (homes / "carol").mkdir(parents=True)
    (homes / "file").write_bytes(b"")
    (homes / "link").symlink_to(homes / "carol")
    owner = (homes / "carol").stat().st_uid
    monkeypatch.setattr("sampler.agent.hostnames._FIRST_PERSON", owner)
    found = host_names(tmp_path, homes=homes)
    assert (str(homes / "carol"), "carol") in found.homes
    assert "carol" in found.users
    assert not {"file", "link"} & found.users


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize("name", ["localhost", "localhost.localdomain", ""])
def test_a_machine_without_a_name_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The name that every machine has is not looked for."""
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    assert not host_names(tmp_path, homes=tmp_path / "absent").host_names & {"localhost", ""}


def test_the_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    """The key is 32 bytes that only its owner reads, and the same at every start."""
    first, second = host_names(tmp_path), host_names(tmp_path)
    assert first.pseudonym_key == second.pseudonym_key == (tmp_path / KEY_FILE).read_bytes()
    assert len(first.pseudonym_key) == 32
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_two_machines_have_two_keys(tmp_path: Path) -> None:
    """No two machines make the same pseudonyms."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert host_names(tmp_path / "a").pseudonym_key != host_names(tmp_path / "b").pseudonym_key


@pytest.mark.parametrize(
    ("content", "mode"), [(b"", 0o600), (b"k" * 31, 0o600), (b"k" * 33, 0o600), (b"k" * 32, 0o644)]
)
def test_a_key_that_is_none_is_refused(tmp_path: Path, content: bytes, mode: int) -> None:
    """A short, long or readable key is not used, and the error says what making a new one means."""
    (tmp_path / KEY_FILE).write_bytes(content)
    (tmp_path / KEY_FILE).chmod(mode)
    with pytest.raises(SettingsError, match="names get other pseudonyms"):
        host_names(tmp_path)


def test_a_key_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """What is in the key's place and is no file is an error with its name."""
    (tmp_path / KEY_FILE).mkdir()
    with pytest.raises(SettingsError, match=KEY_FILE):
        host_names(tmp_path)


def test_the_real_machine_has_names_that_can_be_looked_for(tmp_path: Path) -> None:
    """Whatever this machine's databases say makes a value that permit accepts."""
    found = host_names(tmp_path)
    assert all(os.fspath(folder) and user for folder, user in found.homes)
