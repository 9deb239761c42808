"""Frozen values that the stages exchange. Standard library only; no value here does any input or output."""

from sampler.model.candidate import (
    ActivitySource,
    BootSource,
    Candidate,
    DescriptorSource,
    Failure,
    FileSource,
    KeptSource,
    MemorySelection,
    PathSource,
    Peer,
    ProcessMemorySource,
    Reason,
    Source,
    Subject,
)
from sampler.model.examination import (
    ContentKind,
    Examination,
    PartKind,
    Problem,
    Region,
    RuleMatch,
    StringHit,
)
from sampler.model.fields import Field, FieldValue, value_of
from sampler.model.finding import Ask, Covered, Finding, Omission, Part, Plan, Proof, Treated
from sampler.model.known import KnownFrom, KnownVerdict
from sampler.model.lookup import LookUpQuestion, LookUpRefusal
from sampler.model.parcel import Content, Parcel, Refusal, Scope, StatementRef
from sampler.model.record import ObjectRecord
from sampler.model.scanned import FileVersion, Scanned
from sampler.model.snapshot import FileStat, Snapshot
from sampler.model.spent import Spent
from sampler.model.states import AskState, ObjectState, Sampling, SubmissionState, TaskState, WholeSwitch
from sampler.model.verdict import Conclusion, Verdict
from sampler.model.verdict_call import VerdictCall
from sampler.model.waiting import Waiting

__all__ = [
    "ActivitySource",
    "Ask",
    "AskState",
    "BootSource",
    "Candidate",
    "Conclusion",
    "Content",
    "ContentKind",
    "Covered",
    "DescriptorSource",
    "Examination",
    "Failure",
    "Field",
    "FieldValue",
    "FileSource",
    "FileStat",
    "FileVersion",
    "Finding",
    "KeptSource",
    "KnownFrom",
    "KnownVerdict",
    "LookUpQuestion",
    "LookUpRefusal",
    "MemorySelection",
    "ObjectRecord",
    "ObjectState",
    "Omission",
    "Parcel",
    "Part",
    "PartKind",
    "PathSource",
    "Peer",
    "Plan",
    "Problem",
    "ProcessMemorySource",
    "Proof",
    "Reason",
    "Refusal",
    "Region",
    "RuleMatch",
    "Sampling",
    "Scanned",
    "Scope",
    "Snapshot",
    "Source",
    "Spent",
    "StatementRef",
    "StringHit",
    "Subject",
    "SubmissionState",
    "TaskState",
    "Treated",
    "Verdict",
    "VerdictCall",
    "Waiting",
    "WholeSwitch",
    "value_of",
]
