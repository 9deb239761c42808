"""The words of Mach-O: processors, kinds, flags, platforms, versions (``mach-o/loader.h``, ``mach/machine.h``)."""

from __future__ import annotations

from typing import Final

KINDS: Final = {
    1: "object", 2: "execute", 3: "fvmlib", 4: "core", 5: "preload", 6: "dylib", 7: "dylinker", 8: "bundle",
    9: "dylib_stub", 10: "dsym", 11: "kext_bundle", 12: "fileset",
}  # fmt: skip

_PROCESSORS: Final = {
    6: "m68k", 7: "x86", 0x01000007: "x86_64", 12: "arm", 0x0100000C: "arm64", 0x0200000C: "arm64_32", 18: "ppc",
    0x01000012: "ppc64", 14: "sparc", 11: "hppa",
}  # fmt: skip
_VARIANTS: Final = {
    (0x01000007, 8): "x86_64h", (0x0100000C, 2): "arm64e", (12, 6): "armv6", (12, 9): "armv7", (12, 11): "armv7s",
    (12, 12): "armv7k",
}  # fmt: skip
_CAPABILITIES: Final = 0x00FFFFFF
"""The rest of a subtype is flags."""

_FLAGS: Final = {
    0x1: "noundefs", 0x2: "incrlink", 0x4: "dyldlink", 0x8: "bindatload", 0x10: "prebound", 0x20: "split_segs",
    0x80: "twolevel", 0x100: "force_flat", 0x2000: "subsections_via_symbols", 0x8000: "weak_defines",
    0x10000: "binds_to_weak", 0x20000: "allow_stack_execution", 0x40000: "root_safe", 0x80000: "setuid_safe",
    0x100000: "no_reexported_dylibs", 0x200000: "pie", 0x800000: "has_tlv_descriptors", 0x1000000: "no_heap_execution",
    0x2000000: "app_extension_safe",
}  # fmt: skip

PLATFORMS: Final = {
    1: "macos", 2: "ios", 3: "tvos", 4: "watchos", 5: "bridgeos", 6: "mac_catalyst", 7: "ios_simulator",
    8: "tvos_simulator", 9: "watchos_simulator", 10: "driverkit", 11: "visionos", 12: "visionos_simulator",
}  # fmt: skip

SIGNATURE_FLAGS: Final = {
    0x1: "host", 0x2: "adhoc", 0x100: "hard", 0x200: "kill", 0x400: "expires", 0x800: "restrict", 0x1000: "enforcement",
    0x2000: "library_validation", 0x10000: "runtime", 0x20000: "linker_signed",
}  # fmt: skip


def processor(cpu: int, subtype: int) -> str:
    """``x86_64``, ``arm64e``; a number for one that is not known."""
    return _VARIANTS.get((cpu, subtype & _CAPABILITIES)) or _PROCESSORS.get(cpu, f"{cpu:#x}")


def header_flags(flags: int) -> tuple[str, ...]:
    """The names of the header's flags; those without a name are left out."""
    return named_flags(flags, _FLAGS)


def named_flags(flags: int, names: dict[int, str]) -> tuple[str, ...]:
    """The names of the bits that are set."""
    return tuple(name for bit, name in names.items() if flags & bit)


def version(packed: int) -> str:
    """``10.13`` or ``10.13.6``: sixteen bits, eight, eight."""
    major, minor, patch = packed >> 16, packed >> 8 & 0xFF, packed & 0xFF
    return f"{major}.{minor}.{patch}" if patch else f"{major}.{minor}"
