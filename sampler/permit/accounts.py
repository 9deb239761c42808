"""Accounts that every machine has: their names tell nobody apart."""

from __future__ import annotations

from typing import Final

SYSTEM_ACCOUNTS: Final = frozenset(
    {
        "adm", "audio", "backup", "bin", "daemon", "disk", "games", "irc", "kmem", "lp", "mail", "man", "messagebus",
        "news", "nobody", "nogroup", "operator", "postgres", "proxy", "shadow", "sshd", "staff", "sudo", "sync", "sys",
        "syslog", "systemd-journal", "systemd-network", "systemd-resolve", "systemd-timesync", "tty", "utmp", "uucp",
        "video", "wheel", "www-data",
    }
)  # fmt: skip
"""Of Unix systems; ``root`` stands for itself."""

_SPOKEN: Final = SYSTEM_ACCOUNTS | {
    "root", "admin", "administrator", "apache", "everyone", "git", "guest", "mysql", "nginx", "redis", "sa", "svn",
    "system", "users",
}  # fmt: skip
_NO_NAMES: Final = frozenset(
    {"", "*", "-", "any", "empty", "false", "field", "nil", "no", "none", "not", "null", "on", "off", "true", "unknown"}
)


def names_nobody(account: str) -> bool:
    """Whether a text in an account's place is a number, a word for none, or an account that tells nobody apart."""
    bare = account.strip("\"'").casefold()
    return bare in _SPOKEN or bare in _NO_NAMES or (bare.isascii() and bare.replace(":", "").isdecimal())
