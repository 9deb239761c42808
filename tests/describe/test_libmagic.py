from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from sampler.describe import describe_content, libmagic, load_libmagic
from sampler.errors import LibmagicMissing


@pytest.fixture
def unloaded() -> Iterator[None]:
    """The library as if it had not been asked for yet, before and after."""
    load_libmagic.cache_clear()
    yield
    load_libmagic.cache_clear()


@pytest.mark.usefixtures("unloaded")
def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where libmagic cannot be loaded, the error names it and how to get it."""
    monkeypatch.setitem(sys.modules, "magic", None)
    with pytest.raises(LibmagicMissing, match=r"libmagic cannot be loaded.*pip install pylibmagic.*libmagic1"):
        describe_content(b"anything", None)


@pytest.mark.usefixtures("unloaded")
def test_the_system_s_own_library_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pylibmagic no database of its own is named, so the library finds the system's."""
    monkeypatch.setitem(sys.modules, "pylibmagic", None)
    assert libmagic._database() is None


def test_the_parent_never_loads_it() -> None:
    """Importing this room loads neither libmagic nor its bindings: only the process that parses does."""
    program = "import sys, sampler.describe; sys.exit('magic' in sys.modules or 'pylibmagic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


def test_works_without_a_path_or_compiler() -> None:
    """With nothing in the environment the library that came along is found, by no tool of the system."""
    program = "from sampler.describe import describe_content as d; print(d(b'%PDF-1.4\\n', None).mime_type)"
    done = subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env={}, capture_output=True)
    assert done.stdout == b"application/pdf\n"


@pytest.mark.parametrize("answer", ["", "no type", "text/plain\n", "a/" + "b" * 500, "cannot open `x' (No such file)"])
def test_an_answer_that_is_no_type_is_not_passed_on(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """What does not look like a MIME type becomes application/octet-stream."""
    monkeypatch.setattr(load_libmagic(), "from_buffer", lambda _: answer)
    assert libmagic.mime_type_of(b"x") == "application/octet-stream"
