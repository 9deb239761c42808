"""A program's arguments one by one: what each carries itself, and what the one before it announces.

Each argument is redacted by itself, never a joined command line, whose blanks may stand anywhere. Which option takes
what is said in ``options``; this module walks the arguments and knows which program each of them is for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sampler.permit import options
from sampler.permit.accounts import names_nobody
from sampler.permit.credentials import names_secret
from sampler.permit.machines import redact_share_path, without_machine
from sampler.permit.names import PLACEHOLDER, SECRET, USER

_OPERATORS: Final = frozenset({"|", "||", "&&", ";", "&"})
_WRAPPERS: Final = frozenset(
    {"", "sudo", "doas", "env", "nohup", "nice", "time", "timeout", "exec", "setsid", "stdbuf"}
)
"""Before the program that is really run."""
_WRAPPER_OPTIONS: Final = frozenset({"-u", "-g", "-n", "-C", "-S", "--user", "--group"})
_OPTION: Final = re.compile(r"-{1,2}[A-Za-z][\w-]*(?:=.*)?", re.DOTALL)
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")
_OPERAND: Final = re.compile(r"([\w.+%-]+)@(\[[\w:%.]+\]|[\w.-]+)(:.*)?", re.DOTALL)
_IN_DOMAIN: Final = re.compile(r"(?!HK|NT |BUILTIN|~)([A-Z][A-Z0-9_-]{1,14}\\)([\w.$-]+)(:.*)?", re.DOTALL)
_SQLPLUS: Final = re.compile(r"([^/\s]+/)[^@\s]+(@.*)?", re.DOTALL)
_MOUNTS: Final = frozenset({"mount", "mount.cifs", "sshfs"})
_LISTS: Final = {
    "&": re.compile(r"[\w.\[\]]+=[^&\s]*(?:&[\w.\[\]]+=[^&\s]*)+"),
    ",": re.compile(r"[\w.]+=[^,\s]*(?:,[\w.]+(?:=[^,\s]*)?)+"),
}
"""What a form sends, and options of a mount: each name with its own value."""
_DRIVE: Final = re.compile(r"[A-Za-z]:|\*|LPT\d:?", re.IGNORECASE)
_TREATED: Final = re.compile(PLACEHOLDER)
_SETTINGS: Final = re.compile(r"(?:aws_)?(?:secret_access_key|session_token)")


@dataclass(frozen=True, slots=True)
class _Place:
    """An argument, the one before it, and the program that both are for."""

    argument: str
    before: str
    program: str
    logs_in: bool
    """Whether ``login`` is among the arguments."""


def redact_each(arguments: tuple[str, ...], treat: Callable[[str], str], line: Callable[[str], str]) -> tuple[str, ...]:
    """As many arguments as came in.

    ``treat`` is applied to what is left of each, ``line`` to one that is a command line of its own (``sh -c LINE``).
    """
    piped = _secrets_in_pipes(arguments)
    positional = _secrets_by_position(arguments)
    return tuple(
        SECRET if number in piped or number in positional else _redact(place, treat, line)
        for number, place in enumerate(_places(arguments))
    )


def program_of(argument: str) -> str:
    """A program's bare name: no folder, no ``.exe``, in lower case."""
    return re.split(r"[\\/]", argument)[-1].lower().removesuffix(".exe")


def _places(arguments: tuple[str, ...]) -> Iterator[_Place]:
    program, before, logs_in = "", "", "login" in arguments
    for argument in arguments:
        if argument in _OPERATORS:
            program = ""
        elif program in _WRAPPERS and before not in _WRAPPER_OPTIONS and not _is_beside_program(argument):
            program = program_of(argument)
        yield _Place(argument, before, program, logs_in)
        before = argument
        program = "" if argument.endswith(";") else program


def _is_beside_program(argument: str) -> bool:
    return argument.startswith("-") or _ASSIGNMENT.match(argument) is not None


def _redact(place: _Place, treat: Callable[[str], str], line: Callable[[str], str]) -> str:
    argument, before, program = place.argument, place.before, place.program
    if not _OPTION.fullmatch(argument):
        if options.announces_secret(before, argument, program, logs_in=place.logs_in):
            return SECRET
        if options.announces_user(before, program):
            return _without_user(argument, treat)
        if options.announces_host(before, program):
            return treat(without_machine(argument))
        if program in options.SHELLS and before.lower() in options.COMMAND_OPTIONS and " " in argument:
            return line(argument)
        if program == "aws" and _SETTINGS.fullmatch(before):
            return SECRET
    return _redact_own(argument, program, treat)


def _redact_own(argument: str, program: str, treat: Callable[[str], str]) -> str:
    separator = "," if program in _MOUNTS else "&"
    if _LISTS[separator].fullmatch(argument):
        return separator.join(_redact_single(piece, program, treat) for piece in argument.split(separator))
    return _redact_single(argument, program, treat)


def _redact_single(argument: str, program: str, treat: Callable[[str], str]) -> str:
    if (option := options.glued_secret(argument, program)) is not None:
        return option + SECRET
    if (option := options.glued_user(argument, program)) is not None:
        return option + _without_user(argument.removeprefix(option), treat)
    if (option := options.glued_host(argument, program)) is not None:
        return option + treat(without_machine(argument.removeprefix(option).strip('"')))
    for separator in ("=", ":"):
        name, found, value = argument.partition(separator)
        if found and value and value[0] != "=" and (treated := _redact_named(name, value, treat)) is not None:
            return f"{name}{separator}{treated}"
    return treat(_redact_operand(argument, program, treat))


def _redact_named(name: str, value: str, treat: Callable[[str], str]) -> str | None:
    """The value of an option or a variable that says what it is."""
    if _TREATED.fullmatch(value):
        return value
    if names_secret(name, value):
        return SECRET
    if options.names_user(name):
        return _without_user(value, treat)
    machine = without_machine(value) if options.names_host(name) else value
    return machine if machine != value else None


def _without_user(account: str, treat: Callable[[str], str]) -> str:
    return treat(account) if names_nobody(account) or _TREATED.match(account) else USER


def _redact_operand(argument: str, program: str, treat: Callable[[str], str]) -> str:
    if program in options.OVER_SSH and (match := _OPERAND.fullmatch(argument)):
        return f"{_without_user(match[1], treat)}@{without_machine(match[2])}{match[3] or ''}"
    if program == "sqlplus" and (match := _SQLPLUS.fullmatch(argument)):
        return f"{match[1]}{SECRET}{match[2] or ''}"
    if match := _IN_DOMAIN.fullmatch(argument):
        return f"{match[1]}{_without_user(match[2], treat)}{match[3] or ''}"
    if program in options.SHARES or argument.startswith("\\\\"):
        return redact_share_path(argument)
    return argument


def _secrets_in_pipes(arguments: tuple[str, ...]) -> frozenset[int]:
    """What ``echo`` hands to a program that reads a password from its input."""
    readers = {"chpasswd", "--password-stdin", "-S"}
    if "|" not in arguments or program_of(arguments[0]) not in ("echo", "printf") or not readers & set(arguments):
        return frozenset()
    return frozenset(range(1, arguments.index("|")))


def _secrets_by_position(arguments: tuple[str, ...]) -> frozenset[int]:
    """``net user NAME SECRET``, ``net use X: SHARE SECRET``, ``htpasswd -b FILE NAME SECRET`` and the like."""
    program, verb = (program_of(arguments[0]), arguments[1].lower()) if len(arguments) > 2 else ("", "")
    if program == "htpasswd" and "b" in verb and verb.startswith("-"):
        return frozenset({len(arguments) - 1})
    if program == "bitsadmin" and verb == "/setcredentials":
        return frozenset({len(arguments) - 1})
    if program == "wpa_passphrase" or (program == "rclone" and verb == "obscure"):
        return frozenset({len(arguments) - 1})
    if program == "smbclient" and arguments[1].startswith(("//", "\\\\")) and not arguments[2].startswith("-"):
        return frozenset({2})
    if program not in ("net", "net1") or verb not in ("use", "user"):
        return frozenset()
    operands = [number for number in range(2, len(arguments)) if _is_operand_of_net(arguments[number])]
    return frozenset(operands[1:] if verb == "user" else operands)


def _is_operand_of_net(argument: str) -> bool:
    return not argument.startswith(("/", "\\", "~host")) and _DRIVE.fullmatch(argument) is None
