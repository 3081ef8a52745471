"""Whether a note affirms, negates or attributes what it speaks of: ConText's three dimensions.

The phrases and what they do are in search/assertion_rules.txt; here is how far they reach.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

from notekin.search.phrase_notation import places_in, words_in
from notekin.search.sentences import sentence_around, sentences_of
from notekin.search.triggers import Effect, Reach, Side, Trigger, Triggers, triggers_in
from notekin.sections import sections_of
from notekin.types import Assertion, Experiencer, Polarity, Span, Temporality

_NEAR_WORDS = 5
_TARGET = "<target>"
_NEXT = "<item>"
_OPENS = re.compile(
    "following|these|symptoms|signs|for|of|include|includes|including|any|below|with"
    "|have|develop|experience|notice"
)
"""Words before a colon that opens what a phrase speaks of: ``negative for the following:``."""
_PARTS = frozenset({":", ";", "\n", _NEXT})
_LINKS = frozenset({"and", "or", "nor", "/", "vs", "versus", "&"})
_VERB = re.compile(
    "is|was|are|were|has|had|have|will|would|can|could|does|did|do|shows|showed|continues"
)
_CLAUSE_BEGINS = frozenset({",", ";", ":", "the"})
"""Where to look no further back from a concept for what begins its clause."""
_GLUED = re.compile(r"(?<![^\s(/])[?+-](?=[^\W\d_])")
"""A sign that is written together with the word after it alone: ``?PE``, ``+cough``."""
_ANSWERED = re.compile(
    r":\s*(no|none|nil|denies|denied|negative|absent)(?=\s+[^:.;,\n]{1,40}:\s*"
    r"(?:no|none|nil|denies|denied|negative|absent|yes|reports|positive|present)\b)",
    re.IGNORECASE,
)
"""An answer with which no more than the question is over: ``Rash: no Cough: yes``."""
_ITEM = re.compile(r"(?<=[^\n] )\d{1,2}(?=[.)] )|^1(?=[.)] )")
"""The number of an item of a list that goes on in its line: ``1. Gout 2. Asthma``."""
_CUT_SHORT = frozenset({"neg", "pos", "hx", "hist", "poss", "prob", "susp", "prev"})
"""Words of the phrases that may be written with a full stop, which says nothing."""
_BULLETS = frozenset({"-", "*", "\u2022", "\u00b7"})
_HISTORICAL = frozenset(
    {
        "past medical history",
        "past surgical history",
        "past medical and surgical history",
        "past psychiatric history",
    }
)
_ENDING = {
    Effect.NEGATED: frozenset({Effect.POSSIBLE}),
    Effect.POSSIBLE: frozenset({Effect.NEGATED, Effect.HYPOTHETICAL}),
}
"""Which phrases end the reach of others as a stop does: ``may be operated on if pain recurs``."""


def assess(text: str, start: int, end: int) -> Assertion:
    """Return how a note speaks of ``text[start:end]``: by its sentence, and by its section."""
    return assess_in(text, start, end, section_at(text, start))


def assess_in(text: str, start: int, end: int, section: str | None) -> Assertion:
    """Return how a note speaks of ``text[start:end]``, which stands in a section of this title.

    The same as ``assess`` where the section is known already; it reads the sentence alone.
    """
    return assess_within(text, sentence_around(text, start, end), start, end, section)


def assess_within(
    text: str, sentence: Span, start: int, end: int, section: str | None
) -> Assertion:
    """Return how a note speaks of ``text[start:end]``; the same, where its sentence is known, too.

    The sentence is what ``sentence_around`` gives.
    """
    first, last = sentence
    read = _sentence(text[first:last])
    if not read.places:
        return _assertion(set(), section)
    begins, ends = read.span(start - first, end - first)
    return _assertion(read.effects_on(begins, ends), section)


def assess_whole(text: str, start: int, end: int, section: str | None) -> Assertion | None:
    """Return how a note speaks of most of what ``text[start:end]`` says, where no word is named.

    None where no word stands there: that asserts nothing.
    """
    if not any(map(str.isalnum, text[start:end])):
        return None
    counts: Counter[Effect] = Counter()
    size = 0
    for first, last in sentences_of(text, start, end):
        sentence = _sentence(text[first:last])
        spoken = sentence.spoken()
        size += len(spoken)
        if sentence.triggers.doing:
            for at in spoken:
                counts.update(sentence.effects_on(at, at + 1))
    most = {effect for effect, count in counts.items() if 2 * count > size}
    return _assertion(most, section)


def section_at(text: str, place: int) -> str | None:
    """Return the title of the section that holds a place of the text; None before the first."""
    sections = sections_of(text)
    return next((part.title for part in sections if part.start <= place < part.end), None)


def _assertion(effects: set[Effect], section: str | None) -> Assertion:
    if Effect.NOW in effects:
        section = None  # a note may turn to the patient without a heading
    other = Effect.OTHER in effects or section == "family history"
    return Assertion(
        _polarity(effects),
        Experiencer.OTHER if other else Experiencer.PATIENT,
        _temporality(effects, section),
    )


def _polarity(effects: set[Effect]) -> Polarity:
    if Effect.NEGATED in effects:
        return Polarity.NEGATED
    return Polarity.POSSIBLE if Effect.POSSIBLE in effects else Polarity.AFFIRMED


def _temporality(effects: set[Effect], section: str | None) -> Temporality:
    if Effect.HYPOTHETICAL in effects:
        return Temporality.HYPOTHETICAL
    if Effect.HISTORICAL in effects or section in _HISTORICAL:
        return Temporality.HISTORICAL
    return Temporality.CURRENT


@lru_cache(maxsize=256)
def _sentence(text: str) -> _Sentence:
    found = words_in(text)
    if _may_need_marks(text):
        found = _with_marks(found, text)
    kept = _kept(found)
    words = ["^", *(found[at] for at in kept), "$"]
    triggers = triggers_in(words)
    places = places_in(text) if triggers.doing or triggers.seeming else []
    return _Sentence(words, [places[at] for at in kept] if places else [], triggers)


def _may_need_marks(text: str) -> bool:
    return "?" in text or "+" in text or text.count(":") > 1 or " 2. " in text or " 2) " in text


def _with_marks(found: Sequence[str], text: str) -> list[str]:
    """Return the words with marks for ``?PE``, ``-fever`` beside ``+cough``, answers and items."""
    glued = {match.start(): match[0] for match in _GLUED.finditer(text)}
    signs = {"?": "<asks>"} | ({"-": "<minus>"} if "+" in glued.values() else {})
    marks = {at: signs.get(sign, sign) for at, sign in glued.items()}
    marks |= {match.start(1): "<no>" for match in _ANSWERED.finditer(text)}
    if " 2. " in text or " 2) " in text:
        marks |= {match.start(): _NEXT for match in _ITEM.finditer(text)}
    if not marks:
        return list(found)
    places = places_in(text)
    return [marks.get(start, word) for word, (start, _) in zip(found, places, strict=True)]


def _kept(found: Sequence[str]) -> Sequence[int]:
    """Return which words and signs count: not those that end the sentence or an abbreviation."""
    size = len(found)
    while size and found[size - 1] in {".", "!"}:
        size -= 1
    if "." not in found[:size]:
        return range(size)
    return [at for at in range(size) if found[at] != "." or found[max(at - 1, 0)] not in _CUT_SHORT]


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence as words between ``^`` and ``$``, and the phrases in it.

    Attributes:
        words: The words, and ``^`` and ``$``.
        places: Where each word stands; empty where there is no phrase.
        triggers: The phrases.
    """

    words: Sequence[str]
    places: Sequence[tuple[int, int]]
    triggers: Triggers

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return which words stand in these characters: from, up to."""
        first = bisect_right(self.places, start, key=itemgetter(1))
        last = max(first, bisect_left(self.places, end, key=itemgetter(0)))
        return first + 1, last + 1

    def spoken(self) -> list[int]:
        """Return which words say something, and not how something else is said."""
        said = {
            at
            for one in (*self.triggers.doing, *self.triggers.stops)
            for at in range(one.start, one.end)
        }
        return [at for at, word in enumerate(self.words) if at not in said and len(word) > 3]

    def effects_on(self, begins: int, ends: int) -> set[Effect]:
        """Return what the sentence does to the words from ``begins`` up to ``ends``."""
        triggers = self.triggers
        every = [(one.start, one.end) for one in (*triggers.doing, *triggers.stops)]
        if any(first < ends and last > begins for first, last in (*every, *triggers.seeming)):
            hidden = [
                _TARGET if begins <= at < ends else word for at, word in enumerate(self.words)
            ]
            triggers = triggers_in(hidden)
        return {
            one.rule.effect for one in triggers.doing if self._reaches(one, triggers, begins, ends)
        }

    def _reaches(self, trigger: Trigger, triggers: Triggers, begins: int, ends: int) -> bool:
        if trigger.rule.effect is Effect.NOW:
            return all(one.rule.effect is not Effect.OTHER for one in triggers.doing)
        if trigger.rule.side is Side.AFTER:
            gap = range(trigger.end, begins)
            apart = trigger.end > begins
        else:
            gap = range(ends, trigger.start)
            apart = trigger.start < ends
        if apart or self._is_ended(trigger, triggers, gap):
            return False
        if trigger.rule.effect is Effect.NEGATED and self._begins_clause(trigger, gap, ends):
            return False
        return self._is_in_reach(trigger, gap) and self._crosses_signs(trigger, gap)

    def _is_ended(self, trigger: Trigger, triggers: Triggers, gap: range) -> bool:
        """Say whether a word or another phrase between the two ends what this one does."""
        rule = trigger.rule
        if any(one.start in gap and rule.effect in one.rule.stops for one in triggers.stops):
            return True
        if rule.ends_at and any(self.words[at] in rule.ends_at for at in gap):
            return True
        ending = _ENDING.get(rule.effect, ())
        return any(one.start in gap and one.rule.effect in ending for one in triggers.doing)

    def _begins_clause(self, trigger: Trigger, gap: range, ends: int) -> bool:
        """Say whether a new clause is about the concept: ``no rash, the cough is worse``."""
        if trigger.rule.side is Side.BEFORE:
            return False
        at = gap.stop - 1
        while at in gap and self.words[at] not in _CLAUSE_BEGINS and self.words[at] not in _LINKS:
            at -= 1
        if at not in gap or self.words[at] != "the":
            return False
        before = self.words[at - 1] if self.words[at - 1] != "and" else self.words[at - 2]
        if before not in {",", ";"}:
            return False
        for word in self.words[ends:]:
            if word == "," or word in _LINKS:
                return False
            if _VERB.fullmatch(word):
                return True
        return False

    def _is_in_reach(self, trigger: Trigger, gap: range) -> bool:
        """Say whether the concept is as near as the phrase's reach asks."""
        commas = [at for at in gap if self.words[at] == ","]
        match trigger.rule.reach:
            case Reach.CLAUSE:
                return True
            case Reach.NEAR:
                return not commas and len(gap) <= _NEAR_WORDS
            case Reach.COMMA:
                return not commas
            case Reach.LIST:
                return not commas or self._is_list(trigger, gap, commas)

    def _is_list(self, trigger: Trigger, gap: range, commas: list[int]) -> bool:
        """Say whether the commas between the two part the items of a list."""
        if any(_VERB.fullmatch(self.words[at]) for at in gap):
            return False
        if trigger.rule.side is Side.BEFORE:
            return any(self.words[at] in _LINKS for at in range(commas[-1] + 1, gap.stop))
        rest = range(commas[-1] + 1, len(self.words))
        for at in rest:
            if self.words[at] in _LINKS:
                return True
            if self.words[at] == ";" or _VERB.fullmatch(self.words[at]):
                return False
        return False

    def _crosses_signs(self, trigger: Trigger, gap: range) -> bool:
        """Say whether the phrase holds across the colons, semicolons and lines between the two."""
        return all(self._crosses(trigger, gap, at) for at in gap if self.words[at] in _PARTS)

    def _crosses(self, trigger: Trigger, gap: range, at: int) -> bool:
        """Say whether the phrase holds across one of them."""
        after = trigger.rule.side is Side.AFTER
        if self.words[at] == ":":
            opens = at == gap.start or _OPENS.fullmatch(self.words[at - 1])
            return after and bool(opens)
        if self.words[at] == ";":
            return after and self.words[gap.start] == ":"
        begins = self.words[at] == _NEXT or self._begins_item(at)
        return not begins or (after and self._introduces(trigger, self.words[at]))

    def _begins_item(self, newline: int) -> bool:
        """Say whether the line that begins here is an item of a list."""
        word, sign = self.words[newline + 1], self.words[min(newline + 2, len(self.words) - 1)]
        return word in _BULLETS or (word == "<n>" and sign in {".", ")"})

    def _introduces(self, trigger: Trigger, begins: str) -> bool:
        """Say whether the phrase stands before a list's first item, or in the line before it."""
        return not any(
            self.words[at] == begins and (begins == _NEXT or self._begins_item(at))
            for at in range(trigger.start)
        )
