from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from sampler.limits import SEARCH_TERMS_MAX_COUNT, SEARCH_VALUE_MAX_CHARACTERS, SEARCH_VALUES_OF_FIELD_MAX_COUNT
from sampler.model import Conclusion, SubmissionState, Verdict
from sampler.queue import search_terms as t
from sampler.queue.search_terms import Standing
from sampler.wire.messages import ContentMessage, Fields, Manifest, ObjectMessage, StatementMessage

NOW = datetime(2026, 1, 2, tzinfo=UTC)
QUEUED = Standing("d1", "bank", SubmissionState.QUEUED)
DONE = Standing("d1", "bank", SubmissionState.DONE, Verdict(Conclusion.MALICIOUS, 90, "Lab", NOW, "Emotet"))


def manifest(fields: Fields | None = None, matches: list[Fields] | None = None, *hashes: str) -> Manifest:
    return Manifest(
        id="11111111-1111-4111-8111-111111111111",
        created=NOW,
        object=ObjectMessage(sha256="a" * 64, size=5),
        statement=StatementMessage(id="basic", version=1, digest="0" * 64),
        fields=fields or {},
        matches=matches or [],
        contents=[ContentMessage(sha256=each, size=1) for each in hashes],
    )


def test_a_document_has_all_that_is_kept() -> None:
    """Fields of the manifest and of its matches, contents, and where it stands, as text without case."""
    fields: Fields = {"file.name": "A.EXE", "x.list": ["P", "Q"], "x.flag": False, "x.number": 1.5, "file.size": 5}
    document = t.document_of(manifest(fields, [{"rule.name": "R"}, {"rule.name": "S"}], "b" * 64), DONE)
    assert document == {
        "@device": ["d1"],
        "@tenant": ["bank"],
        "@state": ["done"],
        "@conclusion": ["malicious"],
        "@analyzer": ["lab"],
        "@family": ["emotet"],
        "file.hash.sha256": ["a" * 64],
        "file.size": ["5"],
        "related.hash": ["a" * 64, "b" * 64],
        "file.name": ["a.exe"],
        "x.list": ["p", "q"],
        "x.flag": ["false"],
        "x.number": ["1.5"],
        "rule.name": ["r", "s"],
    }


def test_what_looks_like_a_hash_is_found_as_one() -> None:
    """In whatever field it stands, as text or in a list; other texts are none."""
    fields: Fields = {"file.pe.imphash": "C" * 32, "x.list": ["d" * 40, "e" * 41], "x.text": "f" * 63}
    assert t.document_of(manifest(fields), QUEUED)["related.hash"] == ["a" * 64, "c" * 32, "d" * 40]


def test_the_index_knows_values_and_beginnings() -> None:
    """Every value has its number; hashes, rules and file names have those of their beginnings too."""
    terms = t.terms_of(t.document_of(manifest({"file.name": "invoice.exe", "x.a": "invoice"}), QUEUED))
    for name, value in (("file.name", "invoice.exe"), ("x.a", "invoice"), ("@state", "queued"), ("file.size", "5")):
        assert t.term_of(name, value) in terms
    for prefix in ("invo", "invoi", "invoice.", "invoice.e"):
        assert t.prefix_term_of("file.name", prefix) in terms
    assert t.prefix_term_of("file.name", "invX") not in terms
    assert t.prefix_term_of("file.name", "inv") is None
    assert t.prefix_term_of("x.a", "invo") is None


def test_what_nobody_looks_for_takes_no_room() -> None:
    """Moments and offsets of strings are not in the index."""
    fields: Fields = {"file.mtime": "2026-01-02T03:04:05Z"}
    found = t.document_of(manifest(fields, [{"sampler.rule.strings": ["$a:1:2"]}]), QUEUED)
    terms = t.terms_of(found)
    assert t.term_of("file.mtime", found["file.mtime"][0]) not in terms
    assert t.term_of("sampler.rule.strings", "$a:1:2") not in terms


def test_what_changes_leaves_nothing_outdated() -> None:
    """The numbers of every other state and conclusion are outdated, and none of the present ones."""
    before, after = t.standing_terms(QUEUED), t.standing_terms(DONE)
    assert t.term_of("@state", "queued") in t.outdated_terms(DONE)
    assert t.term_of("@conclusion", "benign") in t.outdated_terms(DONE)
    assert not after & t.outdated_terms(DONE)
    assert before - after == {t.term_of("@state", "queued")}


def test_one_submission_takes_so_much_of_the_index_and_no_more() -> None:
    """However many values a host sends; where it stands and its hashes come first."""
    names: Fields = {"file.pe.imports": [f"name{number}" for number in range(1000)]}
    terms = t.terms_of(t.document_of(manifest(names), QUEUED))
    assert t.term_of("file.pe.imports", f"name{SEARCH_VALUES_OF_FIELD_MAX_COUNT - 1}") in terms
    assert t.term_of("file.pe.imports", f"name{SEARCH_VALUES_OF_FIELD_MAX_COUNT}") not in terms
    many: Fields = {f"x.field{number}": [f"{number}.{each}" for each in range(64)] for number in range(40)}
    terms = t.terms_of(t.document_of(manifest(many), DONE))
    assert len(terms) == SEARCH_TERMS_MAX_COUNT
    assert t.standing_terms(DONE) | {t.term_of("related.hash", "a" * 64)} <= terms


def test_long_values_are_found_by_what_counts_of_them() -> None:
    """The index looks at so many characters; the document has all of them."""
    long = "x" * SEARCH_VALUE_MAX_CHARACTERS
    assert t.term_of("x.a", long + "y") == t.term_of("x.a", long + "z")


@given(st.text(max_size=300), st.text(max_size=300))
def test_numbers_fit_into_any_database(name: str, value: str) -> None:
    """63 bits, whatever the text, lone surrogates among it."""
    assert 0 <= t.term_of(name, value + "\ud800") < 2**63
