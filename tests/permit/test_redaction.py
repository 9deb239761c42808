from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.permit import HostNames
from sampler.permit.redaction import redact_address, redact_arguments, redact_command_line, redact_path, redact_text

HOST = HostNames(
    homes=(("/home/alice", "alice"), ("/srv/people/ben stone", "ben")),
    users=frozenset({"alice", "ben", "jsmith"}),
    host_names=frozenset({"orchid7", "orchid7.example.com"}),
    pseudonym_key=b"k" * 32,
)
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
_pieces = st.sampled_from(
    [
        "alice",
        "ben",
        "jsmith",
        "orchid7",
        "/home/alice",
        "/srv/people/ben stone",
        "/",
        "\\",
        " ",
        "=",
        ":",
        "@",
        "~user",
        "~secret",
        "~mail",
        "--password",
        "-p",
        "token",
        "'",
        '"',
        "x.example.com",
        "https://",
        "u:p@",
        "10.0.0.1",
        "::1",
        "fe80::1",
        JWT,
        "ghp_" + "a" * 24,
        "AKIAIOSFODNN7EXAMPLE",
        "?q=1",
        "#",
        "%2F",
        "\n",
        "\udcff",
        ".",
        "C:\\Users\\Bob",
        "Bearer ",
        "authorization",
        ";",
        "/root",
        "00:11:22:33:44:55",
    ]
)
texts = st.lists(_pieces | st.text(max_size=2), max_size=8).map("".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password=hunter2", "password=~secret"),
        ('{"api_key": "a b c"}', '{"api_key": ~secret}'),
        ("Authorization: Bearer abcdefghijk", "Authorization: Bearer ~secret"),
        (f"t {JWT} t", "t ~secret t"),
        ("AKIAIOSFODNN7EXAMPLE", "~secret"),
        ("ghp_" + "a1B2" * 9, "~secret"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "~secret"),
        ("write to bob@mail.example.org now", "write to ~mail now"),
        ("at 192.168.7.8, not 8.8.8.8", "at ~address, not 8.8.8.8"),
        ("fe80::1%eth0 and 2606:4700::1111", "~address and 2606:4700::1111"),
        ("mac 00:11:22:aa:BB:cc", "mac ~address"),
        ("see /home/bob/x and /root/y", "see ~user/x and ~user/y"),
        ("see https://u:p@evil.example.com/alice/a?q=1#f!", "see https://evil.example.com/~user/a"),
        ("see http://10.1.2.3/admin", "see ~address"),
        ("ben@orchid7", "~user@~host"),
        ("author=Bob, tokenize=1, 12:30:45, std::vector", "author=Bob, tokenize=1, 12:30:45, std::vector"),
        ("Win.Trojan.Agent-6417283-0", "Win.Trojan.Agent-6417283-0"),
    ],
)
def test_free_text(text: str, expected: str) -> None:
    """Secrets, mail, private addresses, homes, URLs' private parts and names go; what is harmless stays."""
    assert redact_text(text, HOST) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("x", "--password", "hunter 2"), ("x", "--password", "~secret")),
        (("x", "--password=my secret", "y"), ("x", "--password=~secret", "y")),
        (("x", "-p", "hunter2"), ("x", "-p", "~secret")),
        (("mysql", "-phunter2"), ("mysql", "-p~secret")),
        (("/usr/bin/mysql", "-phunter2"), ("/usr/bin/mysql", "-p~secret")),
        (("find", "-print"), ("find", "-print")),
        (("x", "--api-key", "abc", "--verbose"), ("x", "--api-key", "~secret", "--verbose")),
        (("x", "--password", "--verbose"), ("x", "--password", "--verbose")),
        (("x", "/password:hunter2"), ("x", "/password:~secret")),
        (("curl", "-u", "bob:pw"), ("curl", "-u", "~secret")),
        (("sudo", "-u", "www-data"), ("sudo", "-u", "www-data")),
        (("curl", "-H", "Cookie: a=b; c=d"), ("curl", "-H", "Cookie:~secret")),
        (("env", "DB_PASSWORD=a b"), ("env", "DB_PASSWORD=~secret")),
        (("x", "--out=/home/some one/x"), ("x", "--out=~user/x")),
        (("x", "/home/some one/x"), ("x", "~user/x")),
        (("cc", "-I/home/bob/include"), ("cc", "-I/~user/include")),
        ((), ()),
    ],
)
def test_arguments_one_by_one(arguments: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """An option's value is its own or the next argument, blanks and all; options that only look alike stay."""
    assert redact_arguments(arguments, HOST) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x --password 'my secret' y", "x --password '~secret' y"),
        ("x --password hunter2", "x --password '~secret'"),
        ("x --say 'unbalanced --password hunter2", "x --say ''\"'\"'unbalanced' --password '~secret'"),
    ],
)
def test_a_command_line_is_taken_apart(line: str, expected: str) -> None:
    """A command line is redacted argument by argument, also one that no shell would take."""
    assert redact_command_line(line, HOST) == expected


@given(texts)
def test_redacting_text_twice_is_redacting_it_once(text: str) -> None:
    """Redacted text is left alone."""
    once = redact_text(text, HOST)
    assert redact_text(once, HOST) == once


@given(st.lists(texts, max_size=4).map(tuple))
def test_redacting_arguments_twice_is_redacting_them_once(arguments: tuple[str, ...]) -> None:
    """Redacted arguments are left alone, and as many come out as went in."""
    once = redact_arguments(arguments, HOST)
    assert redact_arguments(once, HOST) == once
    assert len(once) == len(arguments)


@given(texts)
def test_redacting_a_command_line_twice_is_redacting_it_once(line: str) -> None:
    """A redacted command line is left alone, quotes and all."""
    once = redact_command_line(line, HOST)
    assert redact_command_line(once, HOST) == once


@given(texts, st.sampled_from(["jsmith", "orchid7", "/home/alice", "/srv/people/ben stone"]), texts)
def test_no_name_and_no_home_survives(before: str, name: str, after: str) -> None:
    """Names of people and of the machine, and home folders, are nowhere in a redacted text."""
    redacted = redact_text(f"{before} {name} {after}", HOST).lower()
    assert not [gone for gone in ("jsmith", "orchid7", "/home/alice", "ben stone") if gone in redacted]


@given(texts, texts)
def test_no_short_name_survives_as_a_word(before: str, after: str) -> None:
    """Short names are gone wherever they stand alone."""
    redacted = redact_text(f"{before} ben alice {after}", HOST)
    assert not {"ben", "alice"} & set(redacted.split())


@given(texts, st.sampled_from([JWT, "ghp_" + "a" * 24]), texts)
def test_no_token_survives(before: str, token: str, after: str) -> None:
    """A token that can be told by its form is nowhere in a redacted text."""
    assert token not in redact_text(f"{before} {token} {after}", HOST)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("10.0.0.1", None),
        ("::1", None),
        ("::ffff:10.0.0.1", None),
        ("orchid7", None),
        ("", None),
    ],
)
def test_only_public_addresses_leave(address: str, expected: str | None) -> None:
    """Private addresses, and what is no address, are dropped."""
    assert redact_address(address) == expected


@pytest.mark.parametrize(
    "piece",
    [
        "eyJ",
        "password",
        "a@",
        "1.",
        ":",
        "http://",
        "-----BEGIN ",
        "a.b-",
        "'",
        '"',
        "token=",
        "4111 ",
        "DE89",
        "a://",
        "host=",
        "<password ",
        "10.0.0.",
        "x.internal.",
        "\\\\a",
        "%40",
        "user=",
        "authorization:",
        "jsmith",
        "~user",
    ],
)
def test_long_texts_take_no_longer_than_their_length(piece: str) -> None:
    """A text of a hostile peer cannot make the agent think for minutes: the test's own time-out is the limit."""
    assert len(redact_text(piece * (32_000 // len(piece)), HOST)) <= 64_000


@pytest.mark.parametrize("piece", ["'", '"', "\\", "a ", "sh -c '", "C:\\", "| ", "-p ", "x=", "net use "])
def test_long_command_lines_take_no_longer_than_their_length(piece: str) -> None:
    """Neither quotes without end nor thousands of arguments make the agent think for minutes."""
    line = piece * (32_000 // len(piece))
    assert redact_command_line(redact_command_line(line, HOST), HOST) == redact_command_line(line, HOST)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/bob@example.org/x", "/srv/~mail/x"),
        ("/srv/10.0.0.1/x", "/srv/~address/x"),
        ("/opt/10.0.19041.1/x", "/opt/10.0.19041.1/x"),
        (r"\\fs\Users\bob\x", r"\\~host\%USERPROFILE%\x"),
        (r"C:\$Recycle.Bin\S-1-5-21-1-2-3-1001\x", r"C:\$Recycle.Bin\~id\x"),
        ("/srv/glpat-abcdefghij0123456789/x", "/srv/~secret/x"),
        ("/gvfs/smb-share:server=nas,share=x", "/gvfs/smb-share:server=~host,share=x"),
        ("/srv/4111111111111111.log", "/srv/4111111111111111.log"),
    ],
)
def test_paths_hold_more_than_homes(path: str, expected: str) -> None:
    """Mail, private addresses, other machines, Windows' identifiers and tokens go from paths; long numbers stay."""
    assert redact_path(path, HOST) == expected
