"""The page on fields is current, and everything that the code says of an object is on it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fuzz import signatures
from sampler.describe import (
    DebianOwnership,
    Digests,
    activity_fields,
    agreement_fields,
    ancestors,
    file_fields,
    hash_fields,
    host_fields,
    origin_fields,
    process_fields,
)
from sampler.describe.authenticode import signature_fields
from sampler.examine.child import ObjectExaminer
from sampler.examine.messages import ExamineRequest
from sampler.examine.rules_child import RulesExaminer
from sampler.model import ContentKind, Field, FileStat, Finding, Plan, Reason, RuleMatch, Sampling, Snapshot, StringHit
from sampler.permit import fields_page, shipped_names, shipped_statement
from sampler.permit.facts import fields_of, fields_of_match
from sampler.scan import RuleSet, RuleSettings, ScanLimits

COMMITTED = Path(__file__).parents[2] / "docs" / "fields.md"
SAMPLES = Path(__file__).parents[2] / "samples_fixture"
KNOWN = {known.name: known for known in fields_page.known_fields()}
REFRESH = "add it to sampler/permit/fields.toml, and decide in the statements how it leaves, if it does"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def examiner(tmp_path_factory: pytest.TempPathFactory) -> ObjectExaminer:
    """What a child does, with a rule that never matches."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "none.yar").write_text("rule silent { condition: false }")
    return ObjectExaminer(RulesExaminer(RuleSet.load(RuleSettings((folder,))), ScanLimits()))


def check(fields: Iterable[Field]) -> set[str]:
    """Each field is on the page with the type that it has; their names."""
    names = set()
    for field in fields:
        assert field.name in KNOWN, f"{field.name} is on no page: {REFRESH}"
        assert type_of(field.value) == KNOWN[field.name].type.replace("date", "keyword").replace("ip", "keyword"), field
        names.add(field.name)
    return names


def type_of(value: object) -> str:
    return {bool: "boolean", int: "long", float: "float", tuple: "keyword[]", str: "keyword"}[type(value)]


def test_the_committed_page_is_current() -> None:
    """docs/fields.md is what the code makes; refresh: python -m sampler.permit.fields_page > docs/fields.md."""
    assert COMMITTED.read_text("utf-8") == fields_page.page()


def test_running_the_module_prints_the_page() -> None:
    """``python -m sampler.permit.fields_page`` writes the page to standard output and nothing else."""
    printed = subprocess.run([sys.executable, "-m", "sampler.permit.fields_page"], check=True, capture_output=True)
    assert (printed.stdout.decode(), printed.stderr) == (fields_page.page(), b"")


@pytest.mark.parametrize("name", shipped_names())
def test_statements_list_known_fields_alone(name: str) -> None:
    """A line of a statement about a field that nothing knows is a mistake; prefixes have fields of theirs."""
    for pattern in shipped_statement(name).rules:
        if pattern.endswith(".*"):
            assert pattern.startswith("process.") or any(known.startswith(pattern[:-1]) for known in KNOWN), pattern
        else:
            assert pattern in KNOWN, f"{pattern}: {REFRESH}"


def test_every_known_field_is_decided_about() -> None:
    """The wider statement has a line for every field that is known, be it to drop it."""
    assert [name for name in KNOWN if shipped_statement("extended").rule_for(name) is None] == []


def test_what_a_maker_writes_is_treated() -> None:
    """Paths, targets, links and names that whoever made a file put into it never leave as they are."""
    words = ("pdb", "path", "rpath", "target", "location", "arguments", "urls", "url", "members", "working_directory")
    kept = {
        name
        for name in KNOWN
        for statement in map(shipped_statement, shipped_names())
        if (rule := statement.rule_for(name)) is not None
        and rule.treatment == "keep"
        and any(name.endswith((f".{word}", f"_{word}")) for word in words)
    }
    assert kept == set()


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("[a-z]*/*/*[!n]")), ids=lambda path: path.name)
def test_fields_of_samples(path: Path, examiner: ObjectExaminer) -> None:
    """Everything that is found in a sample's content is on the page."""
    content = path.read_bytes()
    check(examiner.examine(ExamineRequest("", len(content)), content).fields)


def test_fields_of_a_signed_program() -> None:
    """The facts of a signature that has all that one can have are on the page."""
    image = signatures.program()
    root = signatures.issue("Root", authority=True, usages=())
    stamper = signatures.issue("Stamper of all", root, usages=(signatures.STAMPING,))
    content = signatures.indirect_data(signatures.image_digest(image))
    signer = signatures.issue("Signer", root)
    second = ("1.3.6.1.4.1.311.2.4.1", signatures.sign(signer, content))
    whole = signatures.sign(signer, content, certificates=(root,), stamped_by=stamper, unsigned=(second,))
    names = check(signature_fields(signatures.attach(image, whole), signatures.NOW))
    wrong = signatures.attach(image, signatures.sign(signer, signatures.indirect_data(b"\0" * 32)))
    names |= check(signature_fields(wrong, signatures.NOW))
    listed = {name for name in KNOWN if "file.code_signature" in name}
    assert listed - names == {f"file.code_signature.{word}" for word in ("trusted", "signing_id", "team_id")}


def test_fields_of_a_file_its_name_and_its_origin(tmp_path: Path) -> None:
    """What file system, name, caller and attributes say of a file is on the page."""
    mark = b"[ZoneTransfer]\nZoneId=3\nHostUrl=https://a.example/\nReferrerUrl=https://b.example/\n"
    attributes = (
        ("user.xdg.origin.url", b"https://a.example/"),
        ("user.xdg.referrer.url", b"https://a.example/"),
        ("user.Zone.Identifier", mark),
    )
    stat = FileStat(0o100644, 0, 0, 1, 1, 1, 1, 1, 1, attributes)
    snapshot = Snapshot(-1, 1, "0" * 64, stat, b"/srv/a.pdf.exe")
    names = check(origin_fields(snapshot, "https://c.example/"))
    assert names == {name for name in KNOWN if name.startswith(("file.origin_", "sampler.file.origin."))}
    check((*file_fields(snapshot), *hash_fields("0" * 64, "0" * 32, "0" * 40), *host_fields()))
    assert len(check(agreement_fields(snapshot.path, ContentKind.DOCUMENT, "application/pdf"))) == 2
    check(DebianOwnership().fields(b"/bin/sh", Digests("0" * 32)))
    check(DebianOwnership().fields(os.fsencode(tmp_path / "none"), Digests()))


def test_fields_of_a_process() -> None:
    """What is read of a process and of those above it is on the page."""
    check(process_fields(os.getpid()))
    check(activity_fields(os.getpid(), os.fsencode(sys.executable), os.getuid(), (b"/usr/lib/libc.so.6",)))
    for above in ancestors(os.getpid()):
        check(above)


def test_fields_of_a_finding() -> None:
    """What is said of the event and of the rules that matched is on the page."""
    finding = Finding(
        event_id="00000000-0000-4000-8000-000000000000",
        created=NOW,
        reason=Reason.DETECTION,
        tree_root="",
        sha256="0" * 64,
        size=1,
        kind=ContentKind.OTHER,
        mime_type="text/plain",
        ruleset_version="1",
        plan=Plan(Sampling.METADATA),
        path=None,
        detections=("Eicar",),
        matches=(),
        fields=(),
        problems=(),
    )
    meta = (("author", "x"), ("reference", "x"), ("version", "1"), ("uuid", "x"), ("description", "x"))
    match = RuleMatch("rule", "file.yar", ("tag",), (*meta, ("severity", "high")), (StringHit("$a", 0, 1),), 1)
    check((*fields_of(finding), *fields_of_match(match)))


def test_fields_that_no_sample_has() -> None:
    """Every field whose name stands in the code is on the page, whether a sample shows it or not."""
    written = set[str]()
    for path in sorted((Path(__file__).parents[2] / "sampler").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                written |= {str(node.args[0].value)} if called in ("add_field", "Field") else set()
    assert len(written) > 100
    assert sorted(written - set(KNOWN)) == [], REFRESH
