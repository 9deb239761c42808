"""What formats let their makers write, as it leaves under both statements."""

from __future__ import annotations

import pytest

from sampler.model import Field, FieldValue, Scope
from sampler.permit import HostNames, shipped_names, shipped_statement
from sampler.permit.disclosure import Discloser

HOST = HostNames(
    homes=(("/home/jdoe", "jdoe"),),
    users=frozenset({"jdoe", "Jane Doe"}),
    host_names=frozenset({"lab-7"}),
    pseudonym_key=b"k" * 32,
)
PEOPLE = ("jdoe", "jane doe", "hunter2", "10.1.2.3", "intranet")


@pytest.mark.parametrize("name", shipped_names())
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sampler.file.pe.pdb", r"C:\Users\Jane Doe\src\tool.pdb"),
        ("file.pe.pdb", "/home/jdoe/src/tool.pdb"),
        ("sampler.file.elf.rpath", "$ORIGIN/../lib:/home/jdoe/lib"),
        ("sampler.file.elf.runpath", "/home/jdoe/lib"),
        ("file.elf.shared_libraries", ("libc.so.6", "/home/jdoe/lib/libx.so")),
        ("sampler.file.macho.rpaths", ("/Users/jdoe/lib",)),
        ("sampler.file.macho.install_name", "/Users/jdoe/lib/libx.dylib"),
        ("file.target_path", r"C:\Users\Jane Doe\Desktop\letter.exe"),
        ("sampler.file.lnk.working_directory", r"C:\Users\jdoe"),
        ("sampler.file.lnk.arguments", "-u jdoe --password=hunter2 http://10.1.2.3/x"),
        ("sampler.file.lnk.icon_location", "/home/jdoe/icon.ico"),
        ("sampler.file.external_urls", ("http://intranet/jdoe.dotm", "https://a.example/x?password=hunter2#jdoe")),
        ("sampler.file.disk.backing_file", "/home/jdoe/disk.qcow2"),
        ("sampler.file.origin.caller_url", "https://jdoe:hunter2@a.example/x?user=jdoe"),
        ("sampler.file.origin.zone_url", "http://10.1.2.3/x.exe"),
        ("sampler.file.origin.zone_referrer_url", "http://intranet/x"),
        ("sampler.file.code_signature.reason", "Jane Doe did not make the signature"),
        ("sampler.process.cgroup", "/user.slice/jdoe/app"),
        ("sampler.memory.regions", ("7f00-7f01 r-xp /home/jdoe/lib/libx.so",)),
        ("sampler.file.archive.members", ("home/jdoe/list.txt", "jdoe.pdf")),
    ],
)
def test_nobody_can_be_read_out_of_it(name: str, field: str, value: FieldValue) -> None:
    """Names, home folders, secrets and private addresses are gone from whatever leaves."""
    discloser = Discloser(shipped_statement(name), frozenset(Scope), HOST)
    for disclosed in discloser.disclose((Field(field, value),)):
        left = str(disclosed.field.value).casefold()
        assert not [word for word in PEOPLE if word in left], left


@pytest.mark.parametrize("name", shipped_names())
def test_what_is_not_listed_stays(name: str) -> None:
    """A field that a reader may have tomorrow does not leave because it begins like one of today."""
    discloser = Discloser(shipped_statement(name), frozenset(Scope), HOST)
    for field in ("sampler.file.pe.x", "sampler.file.elf.x", "sampler.file.macho.x", "sampler.file.lnk.x"):
        assert discloser.disclose((Field(field, "x"),)) == ()
