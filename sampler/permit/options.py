"""Options of programs: which of them takes a secret, the name of a person, or the name of a machine.

What is said here of a program is from its manual. An option that says "secret" by its name takes one in any program.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from sampler.permit.credentials import names_secret

_MYSQL: Final = frozenset({"mysql", "mysqldump", "mysqladmin", "mysqlimport", "mariadb", "mariadb-dump"})
_POSTGRES: Final = frozenset({"psql", "pg_dump", "pg_dumpall", "pg_restore", "pg_basebackup", "createdb", "dropdb"})
_LDAP: Final = frozenset({"ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldappasswd", "ldapwhoami"})
_PACKERS: Final = frozenset({"7z", "7za", "7zr", "rar", "unrar"})
_MOSQUITTO: Final = frozenset({"mosquitto_pub", "mosquitto_sub", "mosquitto_rr"})
_SNMP: Final = frozenset({"snmpwalk", "snmpbulkwalk", "snmpget", "snmpgetnext", "snmpset", "snmptable", "snmptrap"})
_AS_USER: Final = frozenset({"sudo", "doas", "runuser", "psexec", "psexec64", "pkill", "crontab", "svn", "winrs"})
OVER_SSH: Final = frozenset({"ssh", "scp", "sftp", "rsync", "mosh", "sshfs", "ssh-copy-id", "autossh", "plink", "pscp"})
"""Programs whose operands are ``user@host:path``."""
SHARES: Final = frozenset({"mount", "umount", "smbclient", "smbget", "mount.cifs", "net"})
"""Programs whose operands are ``//host/share``."""
SHELLS: Final = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "su", "cmd", "powershell", "pwsh"})
"""Programs that take a command line as one argument."""
COMMAND_OPTIONS: Final = frozenset({"-c", "-lc", "-ec", "/c", "/k", "-command"})
"""Before that argument."""

_PASSWORD_OPTIONS: Final = frozenset({"-p", "-pw", "-pass", "-storepass", "-keypass"})
_NO_PASSWORD: Final = frozenset(
    {
        "adb", "cc", "cp", "df", "docker", "find", "g++", "gcc", "git", "grep", "install", "iptables", "jstack", "kill",
        "less", "ls", "lsof", "mkdir", "mv", "nc", "netcat", "netstat", "nmap", "node", "perl", "pgrep", "ping",
        "podman", "ps", "pstree", "python", "python3", "redis-cli", "redis-server", "rm", "rmdir", "rsync", "ruby",
        "scp", "sftp",
        "ss", "ssh", "ssh-copy-id", "sshd", "sshfs", "svchost", "systemctl", "tar", "taskset", "tcpdump", "telnet",
        "top", "touch", "unzip", "zip", "nginx", *_POSTGRES, *_MOSQUITTO,
    }
)  # fmt: skip
"""Programs whose ``-p`` is a port, a process, a mode or a switch; with ``login`` among the arguments it is none."""

_Options = Mapping[str, frozenset[str]]


def _by_program(*rows: tuple[frozenset[str], frozenset[str]]) -> _Options:
    return {program: options for programs, options in rows for program in programs}


_SECRETS: Final = _by_program(
    (frozenset({"openssl"}), frozenset({"-k", "-K", "-pass", "-passin", "-passout"})),
    (_LDAP, frozenset({"-w"})),
    (frozenset({"redis-cli"}), frozenset({"-a"})),
    (frozenset({"schtasks"}), frozenset({"/rp"})),
    (frozenset({"signtool"}), frozenset({"/p"})),
    (frozenset({"unzip", "zip", "zipcloak", "ipmitool", "sqlcmd", "bcp", *_MOSQUITTO}), frozenset({"-P"})),
    (frozenset({"curl"}), frozenset({"--oauth2-bearer"})),
    (_SNMP, frozenset({"-c", "-A", "-X"})),
    (frozenset({"nmcli"}), frozenset({"password", "psk", "wifi-sec.psk", "802-11-wireless-security.psk"})),
)
_GLUED: Final = _by_program(
    (_MYSQL, frozenset({"-p"})),
    (_PACKERS, frozenset({"-p", "-hp"})),
    (frozenset({"xfreerdp", "wfreerdp"}), frozenset({"/p:"})),
    (frozenset({"sshpass"}), frozenset({"-p"})),
    (frozenset({"winrs"}), frozenset({"-p:"})),
    (frozenset({"sqlcmd", "bcp"}), frozenset({"-P"})),
    (_LDAP, frozenset({"-w"})),
)
_LOGINS: Final = frozenset({"-u", "-U", "--user", "--proxy-user", "--proxy", "-x"})
_GLUED_LOGINS: Final = re.compile(r"(-u|--user=|--proxy-user=)[^:]+:.")
_USERS: Final = _by_program(
    (_AS_USER | _MYSQL | _MOSQUITTO | {"curl", "docker"}, frozenset({"-u", "--user"})),
    (_POSTGRES | {"smbclient", "ipmitool", "sqlcmd"}, frozenset({"-U"})),
    (frozenset({"ssh", "rlogin"}), frozenset({"-l"})),
    (frozenset({"schtasks"}), frozenset({"/ru", "/u"})),
)
_GLUED_USERS: Final = _by_program(
    (_MYSQL, frozenset({"-u"})),
    (frozenset({"winrs"}), frozenset({"-u:"})),
    (frozenset({"xfreerdp", "wfreerdp"}), frozenset({"/u:"})),
)
_USER_NAMES: Final = re.compile(
    r"(?:-D|-{1,2}|/)?(?:[\w.-]*[._-])?(?:user(?:[._-]?name)?|login|logname|ru)", re.IGNORECASE
)
_USER_OPTIONS: Final = frozenset({"--user", "--username", "--user-name", "--login", "-username", "-user", "/user"})
_HOSTS: Final = _by_program(
    (_MYSQL | _POSTGRES | _MOSQUITTO | {"redis-cli", "mongo", "mongosh"}, frozenset({"-h"})),
    (frozenset({"sqlcmd", "bcp"}), frozenset({"-S"})),
)
_GLUED_HOSTS: Final = _by_program(
    (_MYSQL, frozenset({"-h"})),
    (frozenset({"mstsc", "xfreerdp", "wfreerdp"}), frozenset({"/v:"})),
    (frozenset({"wmic"}), frozenset({"/node:"})),
    (frozenset({"winrs"}), frozenset({"-r:"})),
)
_HOST_NAMES: Final = re.compile(r"(?:-D|-{1,2}|/)?(?:[\w.-]*[._-])?(?:host(?:[._-]?name)?|server)", re.IGNORECASE)
_HOST_OPTIONS: Final = frozenset({"--host", "--hostname", "--server", "--db-host", "--dbhost"})


def announces_secret(option: str, value: str, program: str, *, logs_in: bool) -> bool:
    """Whether ``value``, the argument after ``option``, is a secret (``--password VALUE``, ``curl -u NAME:VALUE``)."""
    if option in _LOGINS:
        return _is_login(option, value, program)
    if option in _PASSWORD_OPTIONS:
        return logs_in or (program != "ffmpeg" if option != "-p" else program not in _NO_PASSWORD)
    if option in _SECRETS.get(program, ()):
        return True
    if program == "curl" and option in ("-b", "--cookie"):
        return "=" in value
    return option.startswith(("-", "/")) and names_secret(option, value)


def _is_login(option: str, value: str, program: str) -> bool:
    if option in ("-x", "--proxy"):
        return "@" in value and (option != "-x" or program == "curl")
    if program == "lftp" and "," in value:
        return True
    return ":" in value and "://" not in value and not value.replace(":", "").isdecimal()


def glued_secret(argument: str, program: str) -> str | None:
    """The option at the start of ``argument`` whose secret is glued to it (``mysql -pVALUE``), or ``None``."""
    login = _GLUED_LOGINS.match(argument) if program in ("curl", "wget", "http") else None
    return login[1] if login else _glued(argument, _GLUED.get(program, frozenset()))


def announces_user(option: str, program: str) -> bool:
    """Whether the argument after ``option`` is somebody's name."""
    return option.lower() in _USER_OPTIONS or option in _USERS.get(program, ())


def glued_user(argument: str, program: str) -> str | None:
    """As ``glued_secret``, for somebody's name."""
    return _glued(argument, _GLUED_USERS.get(program, frozenset()))


def names_user(name: str) -> bool:
    """Whether ``name``, of an option or a variable, says that somebody's name follows."""
    return _USER_NAMES.fullmatch(name) is not None


def announces_host(option: str, program: str) -> bool:
    """Whether the argument after ``option`` is a machine's name."""
    return option.lower() in _HOST_OPTIONS or option in _HOSTS.get(program, ())


def glued_host(argument: str, program: str) -> str | None:
    """As ``glued_secret``, for a machine's name."""
    return _glued(argument, _GLUED_HOSTS.get(program, frozenset()))


def names_host(name: str) -> bool:
    """Whether ``name``, of an option or a variable, says that a machine's name follows."""
    return _HOST_NAMES.fullmatch(name) is not None


def _glued(argument: str, options: frozenset[str]) -> str | None:
    return next((option for option in options if argument.startswith(option) and len(argument) > len(option)), None)
