"""What matching rules ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.limits import MATCH_CONTEXT_MAX_BYTES
from sampler.model import Ask, RuleMatch, Sampling
from sampler.scan import asked_of
from sampler.scan.asking import DEFAULT_SELECTORS, AskError, ask_of, parse_ask

NOTHING = Ask(Sampling.NONE)
SELECTORS = ("header", "section", "section:.text", "overlay", "resource:RT_RCDATA", "matches", "tail")


def rule(name: str = "r", **meta: str | int | bool) -> RuleMatch:
    return RuleMatch(name, "a.yar", meta=tuple(meta.items()))


metadata = st.fixed_dictionaries(
    {},
    optional={
        "sampling": st.sampled_from([*Sampling, "everything", ""]) | st.integers() | st.booleans(),
        "parts": st.lists(st.sampled_from([*SELECTORS, "soul"]), min_size=1).map(",".join) | st.booleans(),
        "context": st.integers(-10, MATCH_CONTEXT_MAX_BYTES + 10) | st.text(max_size=3),
        "author": st.text(max_size=5),
    },
)
rules = st.builds(lambda name, meta: rule(name, **meta), st.sampled_from("abcdef"), metadata)
asks = st.builds(
    Ask,
    st.sampled_from(Sampling),
    st.lists(st.sampled_from(SELECTORS), unique=True).map(tuple),
    st.integers(0, MATCH_CONTEXT_MAX_BYTES),
)


@given(matches=st.lists(rules, min_size=1), overrides=st.dictionaries(st.sampled_from("abcdef"), asks))
def test_never_less_than_any_rule(matches: list[RuleMatch], overrides: dict[str, Ask]) -> None:
    """What is asked for is as much as the most demanding rule or its override asks, and no more than that."""
    ask = asked_of(matches, default=NOTHING, overrides=overrides)
    each = [overrides.get(match.rule) or ask_of(match) for match in matches]
    assert ask.sampling.rank == max(one.sampling.rank for one in each)
    for one in each:
        if one.sampling.rank >= Sampling.PARTS.rank:
            assert ask.context_bytes >= one.context_bytes
            assert set(ask.selectors) >= set(one.selectors)


@given(matches=st.lists(rules, min_size=1), default=asks)
def test_order_and_repetition_do_not_matter(matches: list[RuleMatch], default: Ask) -> None:
    """The same rules in another order, or twice, ask for the same."""
    ask = asked_of(matches, default=default)
    for others in (matches[::-1], matches * 2):
        other = asked_of(others, default=default)
        assert (other.sampling, set(other.selectors), other.context_bytes) == (
            ask.sampling,
            set(ask.selectors),
            ask.context_bytes,
        )


@given(default=asks)
def test_the_default_is_for_no_match(default: Ask) -> None:
    """Where no rule matched, the default applies as it is; where one did, it does not count."""
    assert asked_of((), default=default) == default
    assert asked_of([rule(sampling="none")], default=default) == NOTHING


def test_a_rule_that_says_nothing() -> None:
    """A rule without sampling metadata asks for metadata."""
    assert asked_of([rule(author="us")], default=NOTHING) == Ask(Sampling.METADATA)


def test_parts_without_selectors() -> None:
    """A rule that wants parts and does not say which gets the usual ones, also beside a rule that does say."""
    assert asked_of([rule(sampling="parts")], default=NOTHING) == Ask(Sampling.PARTS, DEFAULT_SELECTORS)
    both = asked_of([rule(sampling="parts", parts="tail"), rule(sampling="parts")], default=NOTHING)
    assert both.selectors == ("tail", *DEFAULT_SELECTORS)


def test_only_rules_that_ask_for_bytes_say_which() -> None:
    """Selectors and context of a rule that asks for metadata widen nothing that another rule asks for."""
    modest = rule("m", sampling="metadata", parts="section", context=1000)
    ask = asked_of([modest, rule(sampling="parts", parts="header", context=16)], default=NOTHING)
    assert ask == Ask(Sampling.PARTS, ("header",), 16)


def test_an_override_replaces() -> None:
    """An override replaces what the rule's own metadata asks for, upwards and downwards."""
    greedy = rule("greedy", sampling="whole", parts="section", context=64)
    assert asked_of([greedy], default=NOTHING, overrides={"greedy": NOTHING}) == NOTHING
    assert asked_of([rule("a")], default=NOTHING, overrides={"a": Ask(Sampling.PARTS)}).selectors == DEFAULT_SELECTORS


def test_reading_selectors() -> None:
    """Selectors are separated by commas, with or without blanks, and counted once."""
    ask = parse_ask({"sampling": "parts", "parts": " header , section:.text,header", "context": 256})
    assert ask == Ask(Sampling.PARTS, ("header", "section:.text"), 256)


@pytest.mark.parametrize(
    "meta",
    [
        {"sampling": "Whole"},
        {"sampling": True},
        {"parts": ""},
        {"parts": 3},
        {"parts": "header,,tail"},
        {"parts": "section:"},
        {"parts": "match"},
        {"parts": "section:" + "x" * 300},
        {"parts": ",".join(f"section:{number}" for number in range(300))},
        {"context": "256"},
        {"context": MATCH_CONTEXT_MAX_BYTES + 1},
    ],
)
def test_what_cannot_be_asked_for(meta: dict[str, str | int | bool]) -> None:
    """A value of the wrong type, unknown or out of range is refused; such a rule asks for metadata."""
    with pytest.raises(AskError, match=next(iter(meta))):
        parse_ask(meta)
    assert ask_of(RuleMatch("r", "a.yar", meta=tuple(meta.items()))) == Ask(Sampling.METADATA)
