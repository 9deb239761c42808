"""What is found in the samples of archives, images and installers: names, recipes and bytes, written down by hand."""

from __future__ import annotations

import pytest

from sampler.extract import derive, find_regions
from sampler.model import ContentKind, PartKind
from sampler.runtime.places import shipped

NOTE = b"A harmless note.\n"

SAMPLES: dict[str, dict[str, tuple[str, ...]]] = {
    "zip/plain/plain.zip": {"note.txt": ("zip:0",), "folder/other.txt": ("zip:1",)},
    "zip/nested/nested.zip": {
        "inner.zip": ("zip:0",), "inner.zip/setup.exe": ("zip:0", "zip:0"), "note.txt": ("zip:1",),
    },
    "zip/password-infected/password-infected.zip": {"setup.exe": ("zip:0:infected",)},
    "rar/executable-member/executable-member.rar": {"note.txt": (), "setup.exe": ()},
    "tar/executable-member/executable-member.tar": {"note.txt": (), "setup.exe": ()},
    "gzip/tar/plain.tar.gz": {"plain.tar": ("gzip:",), "plain.tar/note.txt": ("gzip:", "range:512+17")},
    "bzip2/plain/plain.bz2": {"": ("bzip2:",)},
    "xz/plain/plain.xz": {"": ("xz:",)},
    "zstd/plain/plain.zst": {"": ("zstd:",)},
    "seven/executable-member/executable-member.7z": {"note.txt": ("7z:0",), "setup.exe": ("7z:1",)},
    "disk/iso/iso.iso": {"NOTE.TXT": (), "SETUP.EXE": ()},
    "disk/fat12/fat12.img": {"NOTE.TXT": ()},
    "disk/mbr/mbr.img": {"NOTE.TXT": ()},
    "pe/nsis-solid/nsis-solid.exe": {
        "[header]": ("range:96768+1008", "nsis:0"), "installer.nsi": ("range:96768+1008", "nsis:1"),
        "installer_solid.nsi": ("range:96768+1008", "nsis:2"),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_members_of_samples(name: str) -> None:
    """Each has the members that are listed and no others; notes and programs are what went in."""
    data = (shipped("samples_fixture") / name).read_bytes()
    found = find_regions(data, ContentKind.ARCHIVE, "application/octet-stream")
    members = [region for region in found.regions if region.kind is PartKind.MEMBER]
    assert {region.name: region.recipe for region in members} == SAMPLES[name]
    for region in members:
        content = derive(data, region.recipe) if region.recipe else data[region.offset : region.offset + region.length]
        if region.name.lower().endswith(("note.txt", "other.txt")):
            assert content.replace(b"\r", b"") == NOTE
        if region.name.lower().endswith(".exe"):
            assert content.startswith(b"MZ")
            assert len(content) == 1536


def test_a_name_that_leads_out_is_said() -> None:
    """The sample of it has both members all the same."""
    data = (shipped("samples_fixture") / "zip/path-traversal/path-traversal.zip").read_bytes()
    found = find_regions(data, ContentKind.ARCHIVE, "application/zip")
    assert [problem.code for problem in found.problems] == ["name-outside"]
    assert sum(region.kind is PartKind.MEMBER for region in found.regions) == 2
