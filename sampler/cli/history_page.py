"""What left this machine as one page that stands by itself: no script, nothing loaded from elsewhere, all text escaped.

The page forbids itself everything but its own style (Content Security Policy Level 3), so that even a text that got
around the escaping could do nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Final

from sampler.cli.history_plots import Bars, bars_by_name, bars_over_time, shown
from sampler.cli.history_sums import LeftObject, Sums, buckets
from sampler.cli.output import size_text, time_text

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2733; --faint: #66727f; --line: #d5dbe1; --bar: #2f6f9f; --page: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #dde4ea; --faint: #97a3af; --line: #37414b; --bar: #6fb1e0; --page: #14191e; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 2rem auto;
  max-width: 1180px; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
svg { width: 100%; max-width: 920px; height: auto; } svg text { font-size: 12px; fill: var(--faint); }
.bar { fill: var(--bar); } .grid { stroke: var(--line); }
.table { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
th { position: sticky; top: 0; background: var(--page); }
td.number { text-align: right; white-space: nowrap; } td.when { white-space: nowrap; }
code { font: 12px ui-monospace, monospace; overflow-wrap: anywhere; } .faint { color: var(--faint); }
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
_COLUMNS: Final = ("left", "object", "for", "under", "what", "travelled", "became")


def page_of(sums: Sums, made: datetime, digest: str) -> Iterator[str]:
    """The page, piece by piece.

    Args:
        sums: of the whole journal.
        made: now, UTC.
        digest: of the journal's last entry, which names its state.
    """
    yield "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    yield '<meta name=viewport content="width=device-width, initial-scale=1">\n'
    yield "<meta name=referrer content=no-referrer>\n"
    yield f"<title>What left this machine</title>\n<style>{_STYLE}</style>\n<h1>What left this machine</h1>\n"
    count = sums.objects.total()
    sent = size_text(sums.sent_bytes.total())
    yield f"<p>{_objects(count)} left, and {sent} of contents. Made {time_text(made)} from the journal whose last\n"
    yield f"entry is <code>{shown(digest)}</code>; <code>sampler history verify</code> checks it.\n"
    yield from _plots(sums)
    yield from _table(sums, count)
    yield "</html>\n"


def _plots(sums: Sums) -> Iterator[str]:
    step, objects = buckets(sums.objects)
    yield from _plot(f"Objects by {step}", objects, str, bars_over_time)
    step, sent = buckets(sums.sent_bytes)
    yield from _plot(f"Bytes of contents by {step}", sent, size_text, partial(bars_over_time, base=2))
    yield from _plot("Objects by scope", sums.scopes.most_common(), _objects, bars_by_name)
    yield from _plot("Objects by reason", sums.reasons.most_common(), _objects, bars_by_name)


def _plot(
    title: str, bars: Bars, say: Callable[[int], str], draw: Callable[[str, Bars, Callable[[int], str]], Iterator[str]]
) -> Iterator[str]:
    yield f"<h2>{shown(title)}</h2>\n"
    if any(value for _, value in bars):
        yield from draw(title, bars, say)
    else:
        yield "<p class=faint>None.</p>\n"


def _table(sums: Sums, count: int) -> Iterator[str]:
    yield "<h2>What left, newest first</h2>\n"
    if len(sums.rows) < count:
        yield f"<p>The newest {len(sums.rows)} of {count};\n"
        yield "<code>sampler history export --format jsonl</code> has all.\n"
    yield "<div class=table><table>\n<thead><tr>"
    yield "".join(f"<th scope=col>{column}</th>" for column in _COLUMNS) + "</tr></thead>\n<tbody>\n"
    for row in sums.rows:
        yield from _row(row)
    yield "</tbody></table></div>\n<p>Every field of one object and the rule that let it through:\n"
    yield "<code>sampler explain ID</code>. To take one back: <code>sampler recall ID</code>. To stop all:\n"
    yield "<code>sampler consent withdraw</code>.\n"


def _row(row: LeftObject) -> Iterator[str]:
    yield f"<tr><td class=when>{time_text(row.left)}</td>\n"
    yield f"<td>{shown(row.name)}<br><code>{shown(row.event_id)}</code><br>"
    yield f"<code class=faint>{shown(row.sha256)}</code></td>\n"
    yield f"<td>{shown(row.reason)}</td><td>{shown(', '.join(sorted(row.scopes)))}"
    yield f"<br><span class=faint>{shown(row.statement)}</span></td>\n"
    yield f"<td>{row.fields} fields, {row.contents} contents; the object has {size_text(row.size)}</td>\n"
    yield f"<td class=number>{size_text(row.sent_bytes)}</td><td>{'<br>'.join(map(shown, _fate(row)))}</td></tr>\n"


def _fate(row: LeftObject) -> Iterator[str]:
    yield row.outcome or "on its way"
    if row.verdict:
        yield row.verdict
    if row.receipt:
        yield f"receipt: {row.receipt}"
    if row.recalled:
        yield f"recall {row.recalled}"


def _objects(count: int) -> str:
    return f"{count} object{'' if count == 1 else 's'}"
