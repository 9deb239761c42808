"""``sampler queue search``: finding what hosts have submitted."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import click
import msgspec

from sampler.cli.moments import MOMENT
from sampler.cli.options import choice_of, config_option
from sampler.cli.output import json_option, print_ndjson, short_time, size_text, warn
from sampler.cli.queue_clients import with_client
from sampler.cli.sections import wrapped
from sampler.limits import SEARCH_PAGE_MAX_COUNT, TLSH_DISTANCE_MAX
from sampler.model import Conclusion, Reason, SubmissionState
from sampler.wire.search_messages import SearchHit, SearchPage, SearchRequest, Where
from sampler.worker import PeopleClient

_CONDITION: Final = re.compile(r"(?P<field>[a-z][a-z0-9_.]*)(?P<how>>=|<=|=)(?P<value>.*)", re.DOTALL)
_HOW: Final[Mapping[str, Literal["at_least", "at_most"]]] = {">=": "at_least", "<=": "at_most"}


@click.command()
@click.argument("hashes", metavar="[HASH]", nargs=-1)
@click.option("--where", "-w", multiple=True, metavar="FIELD=VALUE", help="Also FIELD=BEGINNING*, FIELD>=N, FIELD<=N.")
@click.option("--rule", help="Name of a rule that matched; a * at the end stands for the rest.")
@click.option("--reason", type=choice_of(Reason))
@click.option("--tenant", help="For administrators; others find what is their own.")
@click.option("--device", metavar="ID")
@click.option("--state", type=choice_of(SubmissionState))
@click.option("--verdict", type=choice_of(Conclusion))
@click.option("--family")
@click.option("--since", type=MOMENT, metavar="TIME", help="2026-11-25, 2026-11-25T12:00Z, 12h, 7d …")
@click.option("--until", type=MOMENT, metavar="TIME")
@click.option("--near", metavar="TLSH", help="Objects that are like this one, the nearest first.")
@click.option("--within", type=click.IntRange(0, TLSH_DISTANCE_MAX), default=30, show_default=True)
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True)
@click.option("--full", is_flag=True, help="With --json: all fields, matches and contents too.")
@config_option("client")
@json_option
def search(
    hashes: tuple[str, ...],
    where: tuple[str, ...],
    rule: str | None,
    reason: str | None,
    tenant: str | None,
    device: str | None,
    state: str | None,
    verdict: str | None,
    family: str | None,
    since: datetime | None,
    until: datetime | None,
    near: str | None,
    within: int,
    limit: int,
    full: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Find submissions, the newest first.

    HASH is a hash that the object, a content or a field has (MD5, SHA-1,
    SHA-256, imphash …), or its first four characters or more. All
    conditions have to hold. With --json, one hit a line, as they come.
    """
    if len(hashes) > 1:
        raise click.UsageError("give one hash; each of several has its own search")
    named = ((("rule.name", rule),) if rule else ()) + ((("event.reason", reason),) if reason else ())
    request = SearchRequest(
        hash=hashes[0].lower() if hashes else None,
        where=(*(_named(field, value) for field, value in named), *map(_condition, where)),
        tenant=tenant,
        device=device,
        state=None if state is None else SubmissionState(state),
        conclusion=None if verdict is None else Conclusion(verdict),
        family=family,
        since=since,
        until=until,
        near=near.upper() if near else None,
        within=within,
        limit=min(limit, SEARCH_PAGE_MAX_COUNT),
        full=full and as_json,
    )
    with_client(config, lambda client: _print(client, request, limit, as_json=as_json))


async def _print(client: PeopleClient, request: SearchRequest, limit: int, *, as_json: bool) -> None:
    """Page after page, up to ``limit`` hits."""
    count, page = 0, SearchPage()
    async for page in _pages(client, request):
        shown = page.hits[: limit - count]
        count += len(shown)
        if as_json:
            print_ndjson(shown)
        else:
            click.echo("".join(f"{line}\n" for hit in shown for line in _lines(hit)), nl=False)
        if count >= limit:
            break
    _say_what_is_missing(page, limited=count >= limit and page.after is not None)


async def _pages(client: PeopleClient, request: SearchRequest) -> AsyncIterator[SearchPage]:
    while True:
        page = await client.search(request)
        yield page
        if page.after is None:
            return
        request = msgspec.structs.replace(request, after=page.after)


def _say_what_is_missing(page: SearchPage, *, limited: bool) -> None:
    if page.behind:
        warn(f"{page.behind} submissions came or moved on just now; the index has them in a moment")
    if page.crowded:
        warn("too many objects are like this one to measure them all; search for one of those found to see more")
    if limited:
        warn("there may be more; give --limit, or more conditions")


def _lines(hit: SearchHit) -> Iterator[str]:
    """A hit in two lines or more, none longer than 80 columns."""
    verdict = f"  {hit.verdict.conclusion} ({hit.verdict.score})" if hit.verdict else ""
    yield f"{hit.id}  {short_time(hit.received)}  {hit.state}{verdict}"
    yield f"  {hit.object.sha256}  {'destroyed' if hit.contents_destroyed else size_text(hit.object.size)}"
    near = (f"distance {hit.distance}",) if hit.distance is not None else ()
    yield from wrapped(", ".join((*near, *hit.rules)))


def _condition(text: str) -> Where:
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise click.UsageError(f"--where {text!r}: write FIELD=VALUE, FIELD=BEGINNING*, FIELD>=N or FIELD<=N")
    if found["how"] == "=":
        return _named(found["field"], found["value"])
    return Where(field=found["field"], how=_HOW[found["how"]], value=found["value"])


def _named(field: str, value: str) -> Where:
    if value.endswith("*"):
        return Where(field=field, how="begins", value=value[:-1])
    return Where(field=field, value=value)
