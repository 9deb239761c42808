"""The peer of `sampler scan`: the ``yara`` program, of exactly the engine that Sampler runs.

Distributions ship other versions, whose compiled rules are of another format. So it is built here from the source
package of the yara-python that is installed, which holds libyara and the program, with the macros and the
optimization of its wheel: same engine, same modules, same compiled rules.

``python -m benchmarks.scan.peers`` builds it.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final

import yara

from benchmarks.scan.corpus import BENCH, FETCH_SECONDS, CorpusError, run

SOURCES_SHA256: Final = {"4.5.4": "4c682170f3d5cb3a73aa1bd0dc9ab1c0957437b937b7a83ff6d7ffd366415b9c"}
"""Of the source packages that are known to build by this recipe."""
COMPILE_SECONDS: Final = 300.0

_MACROS: Final = (
    "_GNU_SOURCE",
    "USE_LINUX_PROC",
    "HAVE_STDBOOL_H",
    "HAVE_MEMMEM",
    "HASH_MODULE",
    "HAVE_LIBCRYPTO",
    "DOTNET_MODULE",
    "BUCKETS_128",
    "CHECKSUM_1B",
    "NDEBUG",
)
"""Those of the wheel for Linux, whose modules are the same: neither dex nor macho, cuckoo or magic."""
_FLAGS: Final = ("-O3", "-std=c99", "-w", "-fwrapv", "-pthread", *(f"-D{macro}" for macro in _MACROS))
_LEFT_OUT: Final = ("/pb_tests/", "/cuckoo/", "/magic/", "/demo/", "/dex/", "/macho/", "/proc/")
_PROGRAM: Final = ("yara.c", "args.c", "common.c", "threading.c")
_NEEDS: Final = "the yara program is built with gcc and OpenSSL's headers: apt-get install gcc libc6-dev libssl-dev"


class PeerError(Exception):
    """A program to compare with cannot be had, or is another one than it should be."""


class PeerMissing(PeerError):
    """It is not installed; ``str()`` says how to get it."""


def main() -> None:
    """Build it, and say where it is."""
    try:
        print(yara_program(BENCH.absolute()))
    except PeerError as error:
        sys.exit(f"peers: {error}")


def yara_program(bench: Path) -> Path:
    """The program, built if it is not there yet.

    Raises:
        PeerError: the source package or what it is built with cannot be had, or the build is another engine than ours.
    """
    wanted = version("yara-python")
    program = bench / f"yara-{wanted}" / "yara"
    if not program.exists():
        _build(_sources(bench, wanted), program)
    _check(program)
    return program


def _sources(bench: Path, wanted: str) -> Path:
    """The unpacked source package."""
    if wanted not in SOURCES_SHA256:
        raise PeerError(f"yara-python {wanted} is installed; {', '.join(SOURCES_SHA256)} is known here. Add its hash.")
    downloads = bench / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    package = downloads / f"yara_python-{wanted}.tar.gz"
    if not package.exists():
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps"]
        try:
            run([*pip, "--no-binary", ":all:", f"yara-python=={wanted}"], downloads, FETCH_SECONDS, "pip's settings")
        except CorpusError as error:
            raise PeerError(str(error)) from error
    if sha256(package.read_bytes()).hexdigest() != SOURCES_SHA256[wanted]:
        raise PeerError(f"{package} is not the package that was published under this version; remove it")
    with tarfile.open(package) as archive:
        archive.extractall(bench / f"yara-{wanted}", filter="data")
    return bench / f"yara-{wanted}" / f"yara_python-{wanted}" / "yara"


def _build(sources: Path, program: Path) -> None:
    """Compile every file by itself, two at a time, and link them; ``program`` appears only when it is whole."""
    library = sources / "libyara"
    files = [file for file in sorted(library.rglob("*.c")) if not any(part in str(file) for part in _LEFT_OUT)]
    files += [library / "proc" / "linux.c", *(sources / "cli" / name for name in _PROGRAM)]
    objects = program.parent / "objects"
    objects.mkdir(exist_ok=True)
    include = (f"-I{library / 'include'}", f"-I{library}")
    targets = [objects / f"{number}.o" for number in range(len(files))]
    with ThreadPoolExecutor(2) as pool:
        commands = [("-c", *include, str(file), "-o", str(to)) for file, to in zip(files, targets, strict=True)]
        list(pool.map(_gcc, commands))
    linked = program.with_suffix(".linking")
    _gcc((*map(str, targets), "-o", str(linked), "-lcrypto", "-lm"))
    linked.rename(program)


def _gcc(arguments: Sequence[str]) -> None:
    try:
        subprocess.run(("gcc", *_FLAGS, *arguments), check=True, capture_output=True, timeout=COMPILE_SECONDS)
    except FileNotFoundError as error:
        raise PeerMissing(_NEEDS) from error
    except subprocess.CalledProcessError as error:
        raise PeerError(f"{_NEEDS}\n{error.stderr.decode(errors='replace')[-1000:]}") from error


def _check(program: Path) -> None:
    """The same engine with the same modules, or no comparison."""
    said = _output(program, "--version")
    if said != yara.YARA_VERSION:
        raise PeerError(f"{program} is version {said}, yara-python has {yara.YARA_VERSION}; remove its folder")
    modules = sorted(_output(program, "--module-names").split())
    if modules != sorted(yara.modules):
        raise PeerError(f"{program} has the modules {modules}, yara-python {sorted(yara.modules)}; remove its folder")


def _output(program: Path, option: str) -> str:
    done = subprocess.run((program, option), check=True, capture_output=True, timeout=COMPILE_SECONDS)
    return done.stdout.decode("ascii").strip()


if __name__ == "__main__":
    main()
