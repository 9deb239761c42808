"""The short words for file types that public rule sets compare with (``filetype == "EXE"``). Pure.

They are the words of LOKI's list of signatures, and those that rules written for THOR use beside them (``Python``,
``PowerShell``, ``BATCH``, ``ASP``). What only a whole file tells has no word of its own here: a dump of LSASS is
``MDMP``, an MSI package is ``OLE``, Base64 is text.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_TYPES: Final = {
    "EXE": ("application/x-dosexec",),
    "ELF": (
        "application/x-executable", "application/x-pie-executable", "application/x-sharedlib", "application/x-object",
        "application/x-coredump",
    ),
    "MACH-O": ("application/x-mach-binary",),
    "Class": ("application/x-java-applet",),
    "DEX": ("application/x-dex",),
    "WASM": ("application/wasm",),
    "SWF": ("application/vnd.adobe.flash.movie",),
    "LNK": ("application/x-ms-shortcut",),
    "PDF": ("application/pdf",),
    "RTF": ("text/rtf",),
    "OLE": ("application/CDFV2",),
    "Office": (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.ms-visio.drawing.main+xml",
    ),
    "CHM": ("application/vnd.ms-htmlhelp",),
    "ONE": ("application/onenote",),
    "ZIP": ("application/zip",),
    "JAR": ("application/java-archive",),
    "APK": ("application/vnd.android.package-archive",),
    "GZIP": ("application/gzip",),
    "BZip2": ("application/x-bzip2",),
    "XZ": ("application/x-xz",),
    "ZSTD": ("application/zstd",),
    "7Zip": ("application/x-7z-compressed",),
    "RAR": ("application/x-rar",),
    "CAB": ("application/vnd.ms-cab-compressed",),
    "TAR": ("application/x-tar",),
    "TARZ": ("application/x-compress",),
    "ARJ": ("application/x-arj",),
    "DEB": ("application/vnd.debian.binary-package",),
    "RPM": ("application/x-rpm",),
    "GIF": ("image/gif",),
    "JPEG": ("image/jpeg",),
    "PNG": ("image/png",),
    "BMP": ("image/bmp",),
    "ICO": ("image/vnd.microsoft.icon",),
    "SVG": ("image/svg+xml",),
    "WINPCAP": ("application/vnd.tcpdump.pcap",),
    "MDMP": ("application/x-dmp",),
    "EVTX": ("application/x-ms-evtx",),
    "Registry Hive": ("application/x-ms-registry-hive",),
    "SQLite": ("application/vnd.sqlite3",),
    "VMDK": ("application/x-vmdk",),
    "VHD": ("application/x-vhd", "application/x-vhdx"),
    "UNIX SCRIPT": (
        "text/x-shellscript", "text/x-perl", "text/x-ruby", "text/x-lua", "text/x-tcl", "text/x-awk", "text/x-gawk",
        "text/x-nawk",
    ),
    "Python": ("text/x-script.python",),
    "JavaScript": ("application/javascript",),
    "PHP": ("text/x-php",),
    "JSP": ("text/x-jsp",),
    "ASP": ("text/x-asp",),
    "VBS": ("text/x-vbscript",),
    "PowerShell": ("text/x-powershell",),
    "BATCH": ("text/x-msdos-batch",),
    "XML": ("text/xml",),
    "HTML": ("text/html",),
}  # fmt: skip
FILE_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {name: word for word, names in _TYPES.items() for name in names}
)
"""Word by MIME type, as ``quick_type`` names it."""


def file_type_word(mime_type: str) -> str:
    """The word for a type; empty for one that has none, text among them."""
    return FILE_WORDS.get(mime_type, "")
