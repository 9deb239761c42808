"""Settings: one TOML file a role, every value also from the environment, nothing unknown accepted.

The environment variable of ``spool.max_bytes`` of the agent is ``SAMPLER_AGENT_SPOOL__MAX_BYTES``: the role, then the
sections and the key, joined by two underscores. Its text is read as a TOML value where that works and as a plain string
otherwise.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from sampler.errors import SettingsError

T = TypeVar("T", bound=msgspec.Struct)

_UNKNOWN_KEY = re.compile(r"unknown field `(?P<key>[^`]*)`(?: - at `\$(?P<at>[^`]*)`)?")
_BAD_VALUE = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<at>[^`]*)`)?$", re.DOTALL)


def load_settings(kind: type[T], role: str, file: Path | None, environment: Mapping[str, str]) -> T:
    """Read the settings of a role (``agent``, ``queue``, ``client``).

    Args:
        kind: a struct whose defaults are the role's documented defaults and that forbids unknown fields.
        role: prefix of the environment's names.
        file: the TOML file, or ``None`` for defaults and environment only.
        environment: usually ``os.environ``.

    Raises:
        SettingsError: it names the file or variable, the key, its line, and what would be right.
    """
    values: dict[str, Any] = {}
    text = ""
    if file is not None:
        text, values = _read_file(file)
    overrides = _from_environment(role, environment, kind)
    for path, value, _ in overrides:
        _put(values, path, value)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(kind, str(error), file, text, overrides)) from error


def _read_file(file: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = file.read_text("utf-8")
        return text, tomllib.loads(text)
    except FileNotFoundError as error:
        raise SettingsError(f"{file}: there is no such file; name another one with --config") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from error
    except ValueError as error:  # TOMLDecodeError is one, and so is what int() says of thousands of digits
        raise SettingsError(f"{file}: not valid TOML: {error}") from error


_Override = tuple[tuple[str, ...], Any, str]


def _from_environment(role: str, environment: Mapping[str, str], kind: type[msgspec.Struct]) -> list[_Override]:
    prefix = f"SAMPLER_{role.upper()}_"
    found: list[_Override] = []
    for name, text in sorted(environment.items()):
        if name.startswith(prefix):
            path = tuple(name.removeprefix(prefix).lower().split("__"))
            found.append((path, _toml_value(text), name))
    return found


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:  # as above
        return text


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for section in path[:-1]:
        below = values.setdefault(section, {})
        if not isinstance(below, dict):
            return
        values = below
    values[path[-1]] = value


def _explain(kind: type[msgspec.Struct], error: str, file: Path | None, text: str, overrides: list[_Override]) -> str:
    if unknown := _UNKNOWN_KEY.search(error):
        section = tuple(part for part in (unknown["at"] or "").split(".") if part)
        path = (*section, unknown["key"])
        known = _known_keys(kind, section)
        near = difflib.get_close_matches(unknown["key"], known, 1)
        advice = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return f"{_place(path, file, text, overrides)}: unknown key {'.'.join(path)!r}; {advice}"
    bad = _BAD_VALUE.match(error)
    assert bad is not None  # the pattern matches any text
    path = tuple(part for part in (bad["at"] or "").split(".") if part)
    return f"{_place(path, file, text, overrides)}: bad value for {'.'.join(path) or 'the file'!r}: {bad['what']}"


def _known_keys(kind: type[msgspec.Struct], section: tuple[str, ...]) -> list[str]:
    for name in section:
        below = next((field.type for field in msgspec.structs.fields(kind) if field.encode_name == name), None)
        if not (isinstance(below, type) and issubclass(below, msgspec.Struct)):
            return []
        kind = below
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def _place(path: tuple[str, ...], file: Path | None, text: str, overrides: list[_Override]) -> str:
    for where, _, name in overrides:
        if where == path:
            return f"environment variable {name}"
    return f"{file}:{_line_of(path, text)}"


def _line_of(path: tuple[str, ...], text: str) -> int:
    """The line on which a key stands, by reading section headings and keys; 1 where it cannot be told."""
    section: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if bare.startswith("["):
            section = tuple(part.strip(" \"'") for part in bare.strip("[] ").split("."))
            if section == path:
                return number
        key = bare.partition("=")[0].strip(" \"'")
        if key and (*section, *key.split(".")) == path:
            return number
    return 1
