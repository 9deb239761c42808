"""Takes what is no file: stretches of a process's memory, and the boot records of a disk.

What this room owns: how a process and a device are opened for a peer, what of them is read, and what is kept when a
part of it cannot be read. Invariants: a process or an image is opened with no more rights than the peer has, and the
kernel decides; nothing is stopped, written or traced; every read has a ceiling and a deadline; a page or sector that
cannot be read costs that page and is named. It never parses the bytes that it reads: what a partition table says comes
from a sandboxed child. This is the one place that opens block devices.
"""

from sampler.capture.disk import BootReader, Disk, open_disk
from sampler.capture.holding import OpenProcess, open_process
from sampler.capture.maps import Mapped, RegionClass, parse_maps
from sampler.capture.memory import MemoryReading
from sampler.capture.selecting import Selected, select_regions
from sampler.capture.windows import windows_in

__all__ = [
    "BootReader",
    "Disk",
    "Mapped",
    "MemoryReading",
    "OpenProcess",
    "RegionClass",
    "Selected",
    "open_disk",
    "open_process",
    "parse_maps",
    "select_regions",
    "windows_in",
]
