"""What the corpus is made of: a fixed list, chosen so that every kind of file that people scan is there.

Versions are fixed where the index keeps old ones. Debian's move with its releases: the manifest says what was fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sampler.limits import MIB

KEPT_AS_ARCHIVE_MAX_BYTES: Final = 8 * MIB
"""A package up to this size is also part of the corpus as the archive that it is."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel of PyPI, for one platform."""

    name: str
    version: str
    platform: str

    @property
    def folder(self) -> str:
        """Where it is unpacked, below the corpus."""
        return f"{self.name}-{self.version}-{self.platform}"


DEBIAN: Final = (
    "ant",  # jars
    "bash-completion",  # small scripts
    "binutils-x86-64-linux-gnu",  # ELF
    "busybox",
    "coreutils",
    "debian-policy",  # HTML, PDF
    "desktop-base",  # images
    "emacs-common",  # many packed texts
    "ghostscript",
    "git",
    "gnupg",
    "grub-pc-bin",  # boot code
    "ipxe",  # ISO and boot images
    "libc6",
    "libcommons-compress-java",
    "libmaven3-core-java",
    "libreoffice-java-common",
    "libx11-doc",
    "memtest86+",
    "nmap-common",
    "nsis",  # small PE files
    "openjdk-17-jre-headless",
    "openssl",
    "perl-modules-5.36",
    "php8.2-cli",
    "samba-libs",
    "scummvm",  # one large ELF file
    "sqlmap",  # scripts
    "syslinux-common",
    "systemd",
    "texlive-base",  # PDF, fonts
)

WHEELS: Final = (
    Wheel("PyQt5-Qt5", "5.15.2", "win_amd64"),
    Wheel("cryptography", "45.0.7", "win_amd64"),
    Wheel("lxml", "6.0.2", "win_amd64"),
    Wheel("numpy", "2.2.6", "win_amd64"),
    Wheel("pandas", "2.3.3", "win_amd64"),
    Wheel("pillow", "11.3.0", "win_amd64"),
    Wheel("psutil", "7.0.0", "win_amd64"),
    Wheel("pywin32", "311", "win_amd64"),
    Wheel("scipy", "1.15.3", "win_amd64"),
    Wheel("matplotlib", "3.10.6", "manylinux2014_x86_64"),
    Wheel("numpy", "2.2.6", "manylinux2014_x86_64"),
    Wheel("scipy", "1.15.3", "manylinux2014_x86_64"),
    Wheel("setuptools", "80.9.0", "any"),
    Wheel("pip", "25.2", "any"),
)
