from __future__ import annotations

import pytest

from sampler.permit import HostNames
from sampler.permit.arguments import program_of
from sampler.permit.redaction import redact_arguments

HOST = HostNames(pseudonym_key=b"k" * 32)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sudo mysql -phunter2", "sudo mysql -p~secret"),
        ("env A=b mysql -phunter2", "env A=b mysql -p~secret"),
        ("a | mysql -phunter2", "a | mysql -p~secret"),
        ("ssh -p 2222 x.example.org", "ssh -p 2222 x.example.org"),
        ("docker login -p hunter2", "docker login -p ~secret"),
        ("docker run -p 80:80", "docker run -p 80:80"),
        ("openssl enc -k hunter2", "openssl enc -k ~secret"),
        ("curl -ubob:hunter2", "curl -u~secret"),
        ("curl -b sid=1", "curl -b ~secret"),
        ("curl -b jar.txt", "curl -b jar.txt"),
        ("psql -U nora -h db01", "psql -U ~user -h ~host"),
        ("psql -U postgres -h db.example.org", "psql -U postgres -h db.example.org"),
        ("id -u root", "id -u root"),
        ("ssh nora@web-01:x", "ssh ~user@~host:x"),
        ("ssh root@web-01", "ssh root@~host"),
        ("npm i react@latest", "npm i react@latest"),
        ("runas /user:CONTOSO\\eva", "runas /user:~user"),
        ("icacls x /grant CONTOSO\\eva:F", "icacls x /grant CONTOSO\\~user:F"),
        ("reg query HKLM\\SOFTWARE", "reg query HKLM\\SOFTWARE"),
        ("net user bob Hunter2! /add", "net user bob ~secret /add"),
        ("net use X: \\\\fs\\s Hunter2!", "net use X: \\\\~host\\s ~secret"),
        ("htpasswd -b f bob hunter2", "htpasswd -b f bob ~secret"),
        ("echo bob:hunter2 | chpasswd", "echo ~secret | chpasswd"),
        ("echo hello | cat", "echo hello | cat"),
        ("sqlplus scott/tiger7@ORCL", "sqlplus scott/~secret@ORCL"),
        ("aws configure set aws_secret_access_key x/y", "aws configure set aws_secret_access_key ~secret"),
        ("mstsc /v:PC-MEIER", "mstsc /v:~host"),
    ],
)
def test_options_by_program(line: str, expected: str) -> None:
    """What an option takes depends on whose option it is, also behind sudo, assignments and pipes."""
    assert redact_arguments(tuple(line.split()), HOST) == tuple(expected.split())


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("mysql -phunter2 shop && ls", "mysql '-p~secret' shop && ls"),
        ("ls -la | sort", "ls -la | sort"),
        ("sh -c \"sh -c 'sh -c x'\"", "sh -c \"sh -c 'sh -c x'\""),
    ],
)
def test_a_line_within_an_argument(script: str, expected: str) -> None:
    """What a shell is to run is taken apart as well, and keeps its look where nothing changes."""
    assert redact_arguments(("sh", "-c", script), HOST)[2] == expected


def test_lines_within_lines_end() -> None:
    """Command lines nested without end are not followed without end."""
    line = "x"
    for _ in range(40):
        line = f'sh -c "{line} y"'
    assert len(redact_arguments(("sh", "-c", line), HOST)) == 3


@pytest.mark.parametrize("path", ["/usr/bin/MySQL", "C:\\x\\mysql.exe", "mysql"])
def test_a_program_is_known_by_its_bare_name(path: str) -> None:
    """Neither folder nor ending nor case hides a program."""
    assert program_of(path) == "mysql"
