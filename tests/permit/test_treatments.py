from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.model import Field, FieldValue
from sampler.permit import HostNames, Treatment
from sampler.permit.treatments import TRUNCATED_MAX_CHARACTERS, apply

HOST = HostNames(
    homes=(("/home/alice", "alice"),),
    users=frozenset({"alice", "mail"}),
    host_names=frozenset({"orchid7"}),
    pseudonym_key=b"k" * 32,
)
_names = st.sampled_from(
    ["file.path", "file.origin_url", "process.args", "process.command_line", "source.ip", "sampler.note", "file.owner"]
)
_texts = st.text(max_size=30) | st.sampled_from(
    [
        "/home/alice/x",
        "https://u:p@evil.example.com/a?b",
        "--password=x y",
        "alice",
        "root",
        "www-data",
        "10.0.0.1",
        "~p_" + "0" * 16,
    ]
)
_values: st.SearchStrategy[FieldValue] = (
    _texts | st.lists(_texts, max_size=3).map(tuple) | st.integers() | st.floats(allow_nan=False) | st.booleans()
)


def _value(treatment: Treatment, value: FieldValue, name: str = "file.owner") -> FieldValue | None:
    treated = apply(treatment, Field(name, value), HOST)
    return None if treated is None else treated.value


@given(st.sampled_from(Treatment), _names, _values)
def test_every_treatment_is_idempotent(treatment: Treatment, name: str, value: FieldValue) -> None:
    """Treating what was treated changes nothing, for every treatment, field and value."""
    once = apply(treatment, Field(name, value), HOST)
    assert once is None or apply(treatment, once, HOST) == once


@given(st.sampled_from(Treatment), _names, _values)
def test_a_treatment_keeps_the_fields_name(treatment: Treatment, name: str, value: FieldValue) -> None:
    """A treatment changes a value, never what it is called."""
    treated = apply(treatment, Field(name, value), HOST)
    assert treated is None or treated.name == name


def test_keep_keeps_and_drop_drops() -> None:
    """The two simplest do what they say."""
    assert (_value(Treatment.KEEP, "alice"), _value(Treatment.DROP, "alice")) == ("alice", None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", "root"),
        ("33", "system"),
        ("1000", "person"),
        ("99999999999999", "person"),
        (0, "root"),
        (33, "system"),
        (65534, "system"),
        (1000, "person"),
        ("root", "root"),
        ("www-data", "system"),
        ("alice", "person"),
        ("stranger", "person"),
        ("mail", "person"),
    ],
)
def test_class_says_only_what_kind_of_account(value: FieldValue, expected: str) -> None:
    """Numbers and names become one of three words; a name that is not known is a person's."""
    assert _value(Treatment.CLASS, value) == expected


def test_pseudonyms_are_keyed() -> None:
    """A pseudonym is the same for the same name on one machine and another on every other machine."""
    other = HostNames(pseudonym_key=b"o" * 32)
    here, elsewhere = _value(Treatment.PSEUDONYM, "bob"), apply(Treatment.PSEUDONYM, Field("file.group", "bob"), other)
    assert elsewhere is not None
    assert here == _value(Treatment.PSEUDONYM, "bob", "process.user.name") != elsewhere.value
    assert "bob" not in str(here)


def _pseudonym(host: HostNames, now: datetime, name: str = "bob") -> FieldValue | None:
    treated = apply(Treatment.PSEUDONYM, Field("file.owner", name), host.at(now))
    return None if treated is None else treated.value


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)), st.integers(0, 90))  # noqa: DTZ001  # hypothesis wants them so
def test_pseudonyms_rotate(now: datetime, days: int) -> None:
    """A name keeps its pseudonym within a period of 30 days from the epoch, and has another one in each other."""
    period = timedelta(days=30)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    later = now + timedelta(days=days)
    is_same = (now - epoch) // period == (later - epoch) // period
    assert (_pseudonym(HOST, now) == _pseudonym(HOST, later)) is is_same


def test_pseudonyms_of_two_machines_cannot_be_compared() -> None:
    """Neither a pseudonym nor a period's key of one machine helps with those of another machine or period."""
    now = datetime(2026, 11, 25, tzinfo=UTC)
    other = HostNames(pseudonym_key=b"o" * 32)
    names = [f"name{number}" for number in range(100)]
    assert not {_pseudonym(HOST, now, name) for name in names} & {_pseudonym(other, now, name) for name in names}
    keys = [HOST.at(now + timedelta(days=30 * number)).pseudonym_key for number in range(12)]
    assert len({*keys, HOST.pseudonym_key}) == 13
    assert all(len(key) == 32 for key in keys)


@pytest.mark.parametrize("value", ["root", "www-data"])
def test_accounts_of_every_machine_keep_their_name(value: str) -> None:
    """Accounts that tell nobody apart stay readable; one that a person has does not."""
    assert _value(Treatment.PSEUDONYM, value) == value
    assert _value(Treatment.PSEUDONYM, "mail") != "mail"


def test_truncate_cuts() -> None:
    """Only the beginning of a text leaves."""
    assert _value(Treatment.TRUNCATE, "x" * 1000) == "x" * TRUNCATED_MAX_CHARACTERS


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("file.origin_url", "https://u:p@evil.example.com/a?b", "https://evil.example.com/a"),
        ("file.origin_url", "http://10.0.0.1/", None),
        ("source.ip", "10.0.0.1", None),
        ("source.ip", "8.8.8.8", "8.8.8.8"),
        ("process.args", ("x", "--password", "y z"), ("x", "--password", "~secret")),
        ("process.command_line", "x --password 'y z'", "x --password '~secret'"),
        ("sampler.detections", ("found in /home/bob/x",), ("found in ~user/x",)),
        ("process.pid", 7, 7),
    ],
)
def test_redact_goes_by_what_the_field_is(name: str, value: FieldValue, expected: FieldValue | None) -> None:
    """URLs, addresses, arguments and free text are each redacted in their own way."""
    assert _value(Treatment.REDACT, value, name) == expected
