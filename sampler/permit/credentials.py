"""Secrets in a text: tokens that can be told by their form, and whatever stands behind a name that says "secret"."""

from __future__ import annotations

import re
from typing import Final

from sampler.permit.names import MAIL, SECRET

_KEYWORD: Final = (
    r"(?<!~)(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|credential|authorization|auth|cookie|session[_-]?id"
    r"|(?:api|access|private|secret|account|encryption|signing|storage|master)[_-]?key|signature)"
    r"s?(?:[_.-][\w.-]{0,32}|\d{0,4})"
)
"""A name that says that a secret follows; ``author`` and ``tokenize`` do not."""

_BY_FORM: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,32}PRIVATE KEY-----)?",
        r"eyJ[\w-]{8,2048}\.[\w-]{4,}(?:\.[\w-]*)*",  # JSON Web Token, RFC 7519
        r"\b(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA)[A-Z2-7]{16}\b",  # AWS
        r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}",
        r"glpat-[\w-]{16,}",
        r"xox[abeoprs]-[\w-]{10,}",  # Slack
        r"AIza[\w-]{30,}|ya29\.[\w-]{16,}",  # Google
        r"\b[rsp]k_(?:live|test)_\w{10,}",  # Stripe
        r"\bsk-[\w-]{20,}",
        r"\bnpm_[A-Za-z0-9]{30,}|\bpypi-[\w-]{30,}",
        r"\bsmp_[a-z]+_[\w-]{40,}",  # ours
        r"\bSG\.[\w-]{16,}\.[\w-]{16,}",  # SendGrid
        r"(?<=[Bb]earer )[^\s~]\S{7,}|(?<=[Bb]asic )[A-Za-z0-9+/=]{8,}",
    )
)
_BEHIND_WORD: Final = re.compile(
    rf"({_KEYWORD}[\"']?\s{{0,4}}[=:]\s{{0,4}}(?:Bearer |Basic |Digest )?)({SECRET}|\"[^\"]*\"|'[^']*'|\S+)",
    re.IGNORECASE,
)
_MAIL_ADDRESS: Final = re.compile(r"[\w.+%-]{1,64}@[\w-]+(?:\.[\w-]+)+(?:@[\w.-]*)*")

_SECRET_OPTION: Final = re.compile(rf"(?:-{{1,2}}|/)?[\w.-]*{_KEYWORD}", re.IGNORECASE)
_SHORT_OPTIONS: Final = frozenset({"-p", "-P", "-pw", "-pass", "-storepass", "-keypass"})
_LOGIN_OPTIONS: Final = frozenset({"-u", "-U", "--user", "--proxy-user", "--proxy"})
_OPTION: Final = re.compile(r"-{1,2}[A-Za-z][\w-]*(?:=.*)?", re.DOTALL)
_GLUED: Final = frozenset(
    {"mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "sshpass", "7z", "7za", "rar", "unrar"}
)
"""Programs that take a password glued to ``-p``."""


def redact_secrets(text: str) -> str:
    """``text`` with what looks like a secret replaced by ``~secret`` and mail addresses by ``~mail``."""
    for pattern in _BY_FORM:
        text = pattern.sub(SECRET, text)
    text = _BEHIND_WORD.sub(rf"\1{SECRET}", text)
    return _MAIL_ADDRESS.sub(MAIL, text)


def announces_secret(argument: str, value: str) -> bool:
    """Whether ``value``, the argument after ``argument``, is what a secret's option takes (``--password VALUE``)."""
    if _OPTION.fullmatch(value):
        return False
    if argument in _LOGIN_OPTIONS:
        return ":" in value
    return argument in _SHORT_OPTIONS or (
        argument.startswith(("-", "/")) and _SECRET_OPTION.fullmatch(argument) is not None
    )


def without_own_secret(argument: str, program: str) -> str:
    """One argument without the secret it carries itself: ``--password=VALUE``, ``TOKEN=VALUE``, ``-pVALUE``."""
    for separator in ("=", ":"):
        name, found, value = argument.partition(separator)
        if found and value and _SECRET_OPTION.fullmatch(name):
            return f"{name}{separator}{SECRET}"
    if program in _GLUED and argument.startswith("-p") and len(argument) > 2:
        return f"-p{SECRET}"
    return argument
