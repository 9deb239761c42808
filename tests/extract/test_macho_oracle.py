"""Our reading of Mach-O files against lief, and the symhash against yara-x: on the samples and on wheels for macOS.

The wheels are downloaded by pip, once, into a folder that git ignores; each has its pinned SHA-256.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yara_x

from sampler.extract import Extraction, find_regions
from sampler.extract.naming import printable
from sampler.model import ContentKind, PartKind, value_of
from sampler.runtime.places import shipped

CACHE: Final = Path(__file__).parents[2] / ".bench" / "wheels-macos"
WHEELS: Final = {
    "markupsafe==3.0.2 macosx_10_9_universal2": "9025b4018f3a1314059769c7bf15441064b2207cb3f065e6ea1e7359cb46db9d",
    "cffi==1.17.1 macosx_10_9_x86_64": "a45e3c6913c5b87b3ff120dcdc03f6131fa0065027d0ed7ee6190736a74cd401",
    "msgpack==1.1.0 macosx_11_0_arm64": "6ad622bf7756d5a497d5b6836e7fc3752e2dd6f4c648e24b1803f6048596f701",
}
ZERO_FILLED: Final = ("ZEROFILL", "GB_ZEROFILL", "THREAD_LOCAL_ZEROFILL")


def wheel(words: str, digest: str) -> Path:
    """One wheel, downloaded unless it is there already."""
    for path in CACHE.glob("*.whl"):
        if hashlib.sha256(path.read_bytes()).hexdigest() == digest:
            return path
    requirement, platform = words.split()
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted = CACHE / f"{digest}.txt"
    wanted.write_text(f"{requirement} --hash=sha256:{digest}\n")
    arguments = ["--only-binary=:all:", "--platform", platform, "--python-version", "311", "--implementation", "cp"]
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--dest",
        str(CACHE),
    ]
    subprocess.run([*command, *arguments, "-r", str(wanted)], check=True, timeout=100)
    return next(path for path in CACHE.glob("*.whl") if hashlib.sha256(path.read_bytes()).hexdigest() == digest)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Mach-O files by name: the samples, and every extension module of the wheels."""
    samples = (path for path in sorted(shipped("samples_fixture").glob("macho/*/*")) if path.suffix != ".json")
    found = {path.name: path.read_bytes() for path in samples}
    for words, digest in WHEELS.items():
        with zipfile.ZipFile(wheel(words, digest)) as opened:
            names = [name for name in opened.namelist() if name.endswith((".so", ".dylib"))]
            assert names
            found |= {f"{words}: {name}": opened.read(name) for name in names}
    return found


@pytest.fixture(scope="module")
def images(files: dict[str, bytes], oracle: Callable[[str], Any]) -> Iterator[dict[str, list[Any]]]:
    """The same files as lief reads them: a list of images each."""
    lief = oracle("lief")
    lief.logging.disable()
    parsed = {name: lief.MachO.parse(list(data)) for name, data in files.items()}
    yield {name: list(images) for name, images in parsed.items()}
    parsed.clear()  # images of lief do not keep alive what they belong to


def survey(data: bytes) -> Extraction:
    return find_regions(data, ContentKind.EXECUTABLE, "application/x-mach-binary")


def word(enumerated: Any) -> str:
    return str(enumerated).rpartition(".")[2]


def prefix(found: Extraction, index: int, images: list[Any]) -> str:
    names = [region.name for region in found.regions if region.kind is PartKind.SLICE]
    return f"{names[index]}/" if len(images) > 1 else ""


def test_segments_and_sections_are_those_of_lief(files: dict[str, bytes], images: dict[str, list[Any]]) -> None:
    """Names, offsets and lengths agree in every image, thin or in a fat binary, and there is no problem."""
    fat = 0
    for name, data in files.items():
        found = survey(data)
        assert found.problems == (), name
        ours = {(region.kind, region.name, region.offset, region.length) for region in found.regions}
        theirs = set()
        for index, image in enumerate(images[name]):
            base, before = image.fat_offset, prefix(found, index, images[name])
            for row in image.segments:
                theirs.add((PartKind.SEGMENT, f"{before}{row.name}", base + row.file_offset, row.file_size))
            for row in image.sections:
                length = 0 if word(row.type) in ZERO_FILLED else row.size
                title = f"{before}{row.segment_name},{row.name}"
                theirs.add((PartKind.SECTION, title, base + row.offset, length))
        kinds = (PartKind.SEGMENT, PartKind.SECTION)
        assert {row for row in ours if row[0] in kinds} == {row for row in theirs if row[3]}, name
        fat += len(images[name]) > 1
    assert fat >= 1


def test_facts_are_those_of_lief(files: dict[str, bytes], images: dict[str, list[Any]]) -> None:
    """Libraries, UUID, the oldest system, the entry point and the signature's place, of the first image."""
    signed = 0
    for name, data in files.items():
        found, image = survey(data), images[name][0]
        fields = found.fields
        libraries = tuple(row.name for row in image.libraries if word(row.command) != "ID_DYLIB")
        assert value_of(fields, "sampler.file.macho.shared_libraries") == (libraries or None), name
        identity = bytes(image.uuid.uuid).hex() if image.has_uuid else None
        ours = value_of(fields, "sampler.file.macho.uuid")
        assert (str(ours).replace("-", "") if ours else None) == identity, name
        minimum = minimum_of(image)
        if minimum:
            shown = str(value_of(fields, "sampler.file.macho.minimum_os")).split(".")
            assert [int(part) for part in shown] == minimum[: len(shown)], name
        if image.has_main_command:
            assert value_of(fields, "sampler.file.macho.entrypoint") == image.main_command.entrypoint, name
        assert value_of(fields, "file.code_signature.exists") == (True if image.has_code_signature else None), name
        for index, each in enumerate(images[name]):
            if each.has_code_signature:
                title = prefix(found, index, images[name]).rstrip("/")
                place = each.fat_offset + each.code_signature.data_offset, each.code_signature.data_size
                [region] = [
                    row for row in found.regions if row.kind is PartKind.CERTIFICATE and row.name == title
                ]  # fmt: skip
                assert (region.offset, region.length) == place, name
                signed += 1
    assert signed >= 2


def minimum_of(image: Any) -> list[int]:
    if image.has_build_version:
        return list(image.build_version.minos)
    return list(image.version_min.version) if image.has_version_min else []


def test_symbols_are_those_of_lief(files: dict[str, bytes], images: dict[str, list[Any]]) -> None:
    """The names that the first image wants of others, and their number."""
    with_imports = 0
    for name, data in files.items():
        fields = survey(data).fields
        wanted = {
            symbol.name
            for symbol in images[name][0].symbols
            if symbol.raw_type & 0xEF == 1 and word(symbol.origin) == "SYMTAB"
        }
        assert value_of(fields, "sampler.file.macho.imports_count") == len(wanted), name
        shown = value_of(fields, "file.macho.imports") or ()
        assert isinstance(shown, tuple)
        assert list(shown) == sorted(map(printable, wanted))[: len(shown)], name
        with_imports += bool(wanted)
    assert with_imports >= 5


def test_the_symhash_is_that_of_yara(files: dict[str, bytes], images: dict[str, list[Any]]) -> None:
    """Of every thin image with imports, yara-x's own function gives the same."""
    compared = 0
    for name, data in files.items():
        digest = value_of(survey(data).fields, "file.macho.symhash")
        if digest is None or len(images[name]) > 1:
            continue
        rule = f'import "macho" rule same {{ condition: macho.symhash() == "{digest}" }}'
        assert len(list(yara_x.compile(rule).scan(data).matching_rules)) == 1, name
        compared += 1
    assert compared >= 4


def test_slices_are_those_of_the_fat_header(files: dict[str, bytes], images: dict[str, list[Any]]) -> None:
    """Each program of a fat binary is a slice where lief finds it, and is the thin file that it would be alone."""
    for name, data in files.items():
        if len(images[name]) < 2:
            continue
        found = survey(data)
        slices = [region for region in found.regions if region.kind is PartKind.SLICE]
        assert [region.offset for region in slices] == [image.fat_offset for image in images[name]]
        first = survey(data[slices[0].offset : slices[0].offset + slices[0].length])
        apart = {field for field in found.fields if field.name != "sampler.file.macho.architectures"}
        assert apart == {field for field in first.fields if field.name != "sampler.file.macho.architectures"}
        assert value_of(found.fields, "sampler.file.macho.architectures") == ("x86_64", "arm64")
