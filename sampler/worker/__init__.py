"""Whoever takes work from the queue: the client for people and workers, the lease loop, and the analyzers.

It owns the people's side of the HTTP interface. What it downloads is verified against its SHA-256 before anything
looks at it, lies in files that are private and not executable, and is gone when the task is. It talks to the queue
only as a holder of a bearer token, follows no redirect, and never runs a sample: an analyzer decides what to do with
one, under limits and a deadline.
"""

from sampler.worker.analyzers import (
    Analyzer,
    AnalyzerFailure,
    AnalyzerVerdict,
    DemoAnalyzer,
    ExecAnalyzer,
    Owner,
    ProcessLimits,
    capa,
    clamscan,
    gives_namespaces,
    rules_scan,
)
from sampler.worker.client import PeopleClient
from sampler.worker.downloading import download_in
from sampler.worker.loop import Worker
from sampler.worker.ports import Ending, Tally, TaskQueue
from sampler.worker.proving import Standing, standing_of, standing_of_bytes
from sampler.worker.settings import ClientSettings, load_client_settings

__all__ = [
    "Analyzer",
    "AnalyzerFailure",
    "AnalyzerVerdict",
    "ClientSettings",
    "DemoAnalyzer",
    "Ending",
    "ExecAnalyzer",
    "Owner",
    "PeopleClient",
    "ProcessLimits",
    "Standing",
    "Tally",
    "TaskQueue",
    "Worker",
    "capa",
    "clamscan",
    "download_in",
    "gives_namespaces",
    "load_client_settings",
    "rules_scan",
    "standing_of",
    "standing_of_bytes",
]
