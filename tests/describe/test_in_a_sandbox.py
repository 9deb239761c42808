from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
from sampler.describe import describe_content, load_libmagic
contents = [Path(name).read_bytes() for name in sys.argv[1:]]
load_libmagic()
sys.meta_path.clear()
for content in contents:
    sys.stdout.write(describe_content(content, b"name").kind + "\\n")
"""

CONTENTS = {
    "outlook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(1024, b"\0") + "__substg1.0_".encode("utf-16-le"),
    "little": b"\xff\xfe" + "$a = Get-Item x\n$b = 1\n".encode("utf-16-le"),
    "big": b"\xfe\xff" + "$a = Get-Item x\n$b = 1\n".encode("utf-16-be"),
    "text": b"It rained. caf\xe9\n",
    "empty": b"",
}


def test_nothing_is_imported_while_describing(launchers: list[Path], tmp_path: Path) -> None:
    """Once libmagic is loaded, a child in its sandbox needs to load nothing any more, whatever the content."""
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    paths = [launchers[0], *(tmp_path / name for name in CONTENTS)]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *paths], check=True, capture_output=True, timeout=60)
    assert done.stdout.decode().split() == ["executable", "mail", "script", "script", "other", "empty"]
