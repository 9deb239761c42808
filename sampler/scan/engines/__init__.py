"""The engines behind one interface: yara-python, which is always there, yara-x and boreal, which are extras.

It owns the only doors to these libraries, one module each, imported when its engine is asked for. All of them give the
same answer to the same rules; where the libraries differ, the adapters bring them together, and what stays different
is listed in the conformance tests. It never decides which engine is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final

from sampler.errors import RulesError
from sampler.scan.engine import Engine

_ADAPTERS: Final = {
    "yara": "sampler.scan.engines.yara",
    "yara-x": "sampler.scan.engines.yara_x",
    "boreal": "sampler.scan.engines.boreal",
}

ENGINE_NAMES: Final = tuple(_ADAPTERS)

__all__ = ["ENGINE_NAMES", "engine_of"]


def engine_of(name: str) -> Engine:
    """The engine with this name.

    Raises:
        RulesError: there is none, or its library is not installed; it says what to do.
    """
    if name not in _ADAPTERS:
        raise RulesError(f"there is no engine {name!r}; there are {', '.join(ENGINE_NAMES)}")
    try:
        engine: Engine = import_module(_ADAPTERS[name]).ENGINE
    except ImportError as error:
        what = f"the engine {name} cannot be loaded ({error})"
        raise RulesError(f"{what}; install it with: pip install 'sampler[{name}]'") from error
    return engine
