"""What a sentence says about its concepts: the phrases that negate, hedge, date, attribute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import resources

from notekin.search.phrases import Phrases

TABLE = "assertion_rules.txt"
"""The rules, and how they are written."""


class Effect(Enum):
    """What a phrase does to the concepts in its reach."""

    NEGATED = "negated"
    POSSIBLE = "possible"
    HISTORICAL = "historical"
    HYPOTHETICAL = "hypothetical"
    OTHER = "other"
    NOW = "now"
    STOP = "stop"
    NOTHING = "nothing"


class Side(Enum):
    """Where the concepts stand that a phrase speaks of."""

    AFTER = "after"
    BEFORE = "before"


class Reach(Enum):
    """How far a phrase reaches within its sentence, where nothing ends it sooner."""

    CLAUSE = "clause"
    LIST = "list"
    COMMA = "comma"
    NEAR = "near"


@dataclass(frozen=True, slots=True)
class Rule:
    """What the phrases under one heading of the table do.

    Attributes:
        effect: What it is.
        side: Where the concepts stand.
        reach: How far away they may.
        stops: For STOP: the effects that end.
        ends_at: Words that end the reach of these phrases alone.
    """

    effect: Effect
    side: Side = Side.AFTER
    reach: Reach = Reach.CLAUSE
    stops: frozenset[Effect] = frozenset()
    ends_at: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Trigger:
    """A phrase in a sentence: words ``start`` up to, not including, ``end``; and what it does."""

    start: int
    end: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Triggers:
    """The phrases of a sentence: what does something, what ends that, what only looks so.

    Attributes:
        doing: Those that do something.
        stops: Those that end what these do; not looked for where there is none.
        seeming: Those that do nothing, as words from, up to.
    """

    doing: tuple[Trigger, ...]
    stops: tuple[Trigger, ...]
    seeming: tuple[tuple[int, int], ...]


def triggers_in(words: Sequence[str]) -> Triggers:
    """Return the phrases of a sentence, given as words between ``^`` and ``$``, in order.

    Most sentences hold none that does anything; those that would end it are not looked for.
    """
    known = tables()
    found = known.doing.find(words)
    doing = tuple(
        Trigger(match.start, match.end, rule)
        for match in found
        for rule in match.meanings
        if rule.effect is not Effect.NOTHING
    )
    seeming = tuple(
        (match.start, match.end)
        for match in found
        if any(rule.effect is Effect.NOTHING for rule in match.meanings)
    )
    if not doing:
        return Triggers((), (), seeming)
    stops = [
        match
        for match in known.stops.find(words)
        if not any(one.start <= match.start and match.end <= one.end for one in found)
    ]
    return Triggers(
        doing,
        tuple(Trigger(match.start, match.end, rule) for match in stops for rule in match.meanings),
        seeming,
    )


@dataclass(frozen=True, slots=True)
class Tables:
    """The phrases that do something, and those that end what others do."""

    doing: Phrases[Rule]
    stops: Phrases[Rule]


@cache
def tables() -> Tables:
    """Return the phrases of the table, read once."""
    written = resources.files("notekin.search").joinpath(TABLE).read_text("utf-8")
    lines = [line.strip() for line in written.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    lists = dict(_lists(lines))
    phrases = list(_phrases(lines))
    return Tables(
        Phrases([one for one in phrases if one[1].effect is not Effect.STOP], lists),
        Phrases([one for one in phrases if one[1].effect is Effect.STOP], lists),
    )


def _lists(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, equals, words = line.partition("} = ")
        if equals:
            yield name[1:], words


def _phrases(lines: Sequence[str]) -> Iterator[tuple[str, Rule]]:
    rule: Rule | None = None
    for line in lines:
        if line.startswith("["):
            rule = _rule(line)
        elif rule is not None:
            yield line, rule


def _rule(heading: str) -> Rule:
    """Return the rule that a heading of the table means."""
    inside, _, words = heading.partition("] ends at: ")
    effect, *rest = inside.strip("[]").split(", ")
    if effect == Effect.STOP.value:
        named = {Effect(name) for name in rest if name != "all"}
        return Rule(Effect.STOP, stops=frozenset(named or set(Effect)))
    if effect in {Effect.NOTHING.value, Effect.NOW.value}:
        return Rule(Effect(effect))
    side, reach = rest
    return Rule(Effect(effect), Side(side), Reach(reach), ends_at=frozenset(words.split()))
