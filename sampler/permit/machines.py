"""Names of machines of somebody's own network: by their ending, behind a word that says so, and of a share."""

from __future__ import annotations

import re
from typing import Final

from sampler.permit.addresses import is_internal, is_private
from sampler.permit.names import ADDRESS, HOST

_ENDING: Final = re.compile(
    r"(?<![\w.~/\\-])(?:[\w-]+\.)+(?:local|lan|corp|localdomain|intranet)(?![\w-]|\.\w)"
    r"|(?<![\w.~/\\-])(?:[\w-]+\.){2,}arpa(?![\w-]|\.\w)"
    r"|(?<![\w.~/\\-])(?=[a-z.]{0,253}[\d-])(?:[\w-]+\.){2,}internal(?![\w-]|\.\w)"
    r"|(?<![\w.~/\\-])(?:[\w-]+\.)+(?:fritz\.box)(?![\w-]|\.\w)",
    re.IGNORECASE,
)
"""Endings that packages and settings rarely have; ``.home`` and ``.private`` they have."""
_SAID: Final = re.compile(
    r"((?<![a-z])(?:[\w.-]{0,32}hostname|[\w-]{0,16}host|computername|userdomain|server)(?:=|\"\s?:\s?)\"?)([\w.-]+)",
    re.IGNORECASE,
)
_SHARE: Final = re.compile(
    r"(?<![\\\w:~])(\\\\(?:\?\\UNC\\)?)(?!\?|wsl[.$]|\.\\|tsclient\\|localhost)([\w.~$-]+)(?=[\\@])"
)
_SHARE_ALONE: Final = re.compile(r"(\\\\)(?!\?|wsl[.$]|\.)([\w.-]+)")
_FORWARD_SHARE: Final = re.compile(r"(//)([\w.-]+)(?=/)")
_AUTOMOUNT: Final = re.compile(r"(/net/)([\w.-]+)(?=/)")
_MOUNTED: Final = re.compile(r"((?:mount|cifs|smb)\s{1,4}//)([\w-]+)(?=/)", re.IGNORECASE)
_ROOTS: Final = frozenset(
    {"bin", "boot", "dev", "etc", "home", "lib", "media", "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp",
     "usr", "var", "users", "volumes"}
)  # fmt: skip
_NAME: Final = re.compile(r"[\w.-]+|\[[\w:%.]+\]")
_NOBODYS: Final = frozenset({"localhost", "none", "null", "true", "false", "unknown", "server", "host"})


def redact_machines(text: str) -> str:
    """``text`` with names of machines that only their owner's network knows replaced by ``~host``."""
    text = _ENDING.sub(HOST, text)
    return _MOUNTED.sub(_server, redact_shares(redact_said_machines(text)))


def redact_said_machines(text: str) -> str:
    """``text`` without names that stand behind ``host=``, ``server=`` and the like, also in a path of GVfs."""
    return _SAID.sub(lambda match: match[1] + without_machine(match[2]), text)


def redact_shares(text: str) -> str:
    """``\\\\SERVER\\share`` without the server."""
    return _SHARE.sub(_server, text)


def redact_share_path(path: str) -> str:
    """A whole path on another machine without that machine: ``\\\\SERVER\\x``, ``//SERVER/x``, ``/net/SERVER/x``."""
    for pattern in (_SHARE_ALONE, _FORWARD_SHARE, _AUTOMOUNT):
        match = pattern.match(path)
        if match and match[2].lower() not in _ROOTS and (pattern is not _FORWARD_SHARE or is_internal(match[2])):
            return _server(match) + path[match.end() :]
    return path


def without_machine(name: str) -> str:
    """``name``, or what stands in the place of one that only its owner's network knows."""
    if not _NAME.fullmatch(name) or name.lower() in _NOBODYS or name.isdecimal() or not is_internal(name):
        return name
    return ADDRESS if is_private(name) else HOST


def _server(match: re.Match[str]) -> str:
    return match[1] + (ADDRESS if is_private(match[2]) else HOST)
