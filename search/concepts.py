"""What a query speaks of, and the sentences of a note that speak of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from notekin.search.assertion import assess_in, assess_within
from notekin.search.phrase_notation import places_in, words_in
from notekin.search.sentences import WIDEST, sentence_around, sentences_of
from notekin.search.triggers import triggers_in
from notekin.search.wording import wanted_of
from notekin.sections import sections_of
from notekin.storage.wanted import Phrase, Wanted
from notekin.types import Assertion, Experiencer, Polarity, Span, Temporality
from notekin.words import Word, read_words, words_of

_SAY_LITTLE = frozenset(
    {"a", "no", "not", "without", "on", "off", "becaus", "after", "any", "with"}
)
"""Terms that are looked for only in a query that has no others."""
_APART = 1
"""How far apart, in words, those may stand that are judged together: side by side."""


@dataclass(frozen=True, slots=True)
class Concept:
    """Something that a query speaks of, in one word or several that mean one thing.

    Attributes:
        words: Each word by its terms: one, or several where it is spelled in several ways.
        others: Other ways to say all of the words.
        asked: How the query speaks of it: ``no fever`` asks for fever, negated.
    """

    words: tuple[tuple[str, ...], ...]
    others: tuple[Phrase, ...]
    asked: Assertion


@dataclass(frozen=True)
class Mention:
    """A sentence that speaks of what a query asks.

    Attributes:
        sentence: Where it stands in the text.
        terms: Where the words stand that are the query's, or say the same; in order.
        parts: The query's words that it says: numbers of the concept and of the word in it.
        judge: Works out what it says of each concept.
    """

    sentence: Span
    terms: tuple[Span, ...]
    parts: frozenset[tuple[int, int]]
    judge: Callable[[], Mapping[Concept, Assertion]]

    @cached_property
    def assertions(self) -> Mapping[Concept, Assertion]:
        """Each concept that it speaks of, and how; worked out when it is asked for."""
        return self.judge()

    @cached_property
    def assertion(self) -> Assertion:
        """How it speaks of all of them together: as of the one that is furthest from so."""
        return max(self.assertions.values(), key=distance)


def distance(assertion: Assertion) -> tuple[bool, ...]:
    """Return how far an assertion is from saying that a thing is so, of the patient, now."""
    return (
        assertion.polarity is Polarity.NEGATED,
        assertion.experiencer is Experiencer.OTHER,
        assertion.temporality is Temporality.HYPOTHETICAL,
        assertion.polarity is Polarity.POSSIBLE,
        assertion.temporality is Temporality.HISTORICAL,
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """A word of a text, or several, that say words of a concept."""

    start: int
    end: int
    first: int
    last: int
    parts: frozenset[tuple[int, int]]


class Concepts:
    """The concepts of one query, ready to be found in texts."""

    def __init__(self, query: str) -> None:
        self.all = tuple(_concepts(query))
        self._words: dict[str, list[tuple[int, int]]] = {}
        self._phrases: dict[str, list[tuple[int, Phrase]]] = {}
        for at, concept in enumerate(self.all):
            for part, terms in enumerate(concept.words):
                for term in terms:
                    self._words.setdefault(term, []).append((at, part))
            for phrase in concept.others:
                self._phrases.setdefault(phrase[0][0], []).append((at, phrase))
        distant = {term for some in self._phrases.values() for _, said in some for term, _ in said}
        self._told = self._words.keys() | distant
        """All terms that say something of a concept, or a part of it."""

    @property
    def size(self) -> int:
        """How many words the query has that say something."""
        return sum(len(concept.words) for concept in self.all)

    @property
    def wanted(self) -> list[Wanted]:
        """The concepts as the store looks them up; words have the numbers of ``Mention.parts``."""
        return [Wanted(concept.words, concept.others) for concept in self.all]

    @property
    def terms(self) -> list[str]:
        """Terms that begin what says one of the concepts, as ``notekin.words`` gives them."""
        return [*self._words, *self._phrases]

    def mentions(self, text: str, start: int, end: int, section: str | None) -> tuple[Mention, ...]:
        """Return the sentences of ``text[start:end]`` that speak of a concept, in order.

        Args:
            text: The note; sentences are read whole, beyond the stretch, to be understood.
            start: Of the stretch to look in.
            end: Of the stretch.
            section: The title of the section in which the stretch stands.
        """
        said = self._said(text, start, end)
        if not said:
            return ()
        found = []
        sentences = sentences_of(text, start, end)
        for sentence in sentences:
            inside = [one for one in said if sentence[0] <= one.start < sentence[1]]
            if inside:
                title = _title(text, start, sentence, section)
                is_whole = sentence not in {sentences[0], sentences[-1]}
                found.append(self._mention(text, sentence, is_whole, inside, title))
        return tuple(found)

    def _mention(
        self,
        text: str,
        sentence: Span,
        is_whole: bool,
        said: Sequence[_Said],
        section: str | None,
    ) -> Mention:
        return Mention(
            sentence,
            tuple(_merged((one.start, one.end) for one in said)),
            frozenset(part for one in said for part in one.parts),
            lambda: self._judged(text, sentence if is_whole else None, said, section),
        )

    def _judged(
        self, text: str, sentence: Span | None, said: Sequence[_Said], section: str | None
    ) -> Mapping[Concept, Assertion]:
        """Return each concept that is spoken of, and how: where most of its words stand.

        Args:
            text: The note.
            sentence: The sentence in which they begin; None where it may go on beyond.
            said: The words.
            section: The title of the section in which they stand.
        """
        whole = sentence or sentence_around(text, said[0].start, said[0].end)
        found: dict[int, tuple[int, Assertion]] = {}
        for run in _runs(said):
            parts = {part for one in run for part in one.parts}
            start, end = run[0].start, max(one.end for one in run)
            if end <= whole[1] <= whole[0] + WIDEST:
                assertion = assess_within(text, whole, start, end, section)
            else:
                assertion = assess_in(text, start, end, section)
            for at in {concept for concept, _ in parts}:
                size, before = found.get(at, (0, assertion))
                nearer = size == len(parts) and distance(assertion) < distance(before)
                if len(parts) > size or nearer:
                    found[at] = (len(parts), assertion)
        return {self.all[at]: assertion for at, (_, assertion) in sorted(found.items())}

    def _said(self, text: str, start: int, end: int) -> list[_Said]:
        """Return the words of a stretch that are the query's or say the same, in order."""
        words = read_words(text[start:end])
        known = [
            Word(term, words.starts[first], words.ends[last], first)
            for term, first, last in zip(words.terms, words.firsts, words.lasts, strict=True)
            if term in self._told
        ]
        if not known:
            return []
        places: dict[tuple[str, int], Word] = {(word.term, word.place): word for word in known}
        found = []
        for word in known:
            if parts := self._words.get(word.term):
                found.append(_said_by(word, word, start, frozenset(parts)))
            for at, phrase in self._phrases.get(word.term, ()):
                last = _last_of(phrase, word, places)
                if last is not None:
                    parts = [(at, part) for part in range(len(self.all[at].words))]
                    found.append(_said_by(word, last, start, frozenset(parts)))
        return found


def _concepts(query: str) -> Iterator[Concept]:
    """Give the concepts of a query; the words that only negate, date or attribute are none."""
    plain = _without_triggers(query)
    wanted = _telling(plain) or _telling(query) or wanted_of(query)
    words = words_of(query)
    for one in wanted:
        terms = {term for spelled in one.words for term in spelled}
        places = [word for word in words if word.term in terms]
        asked = assess_in(query, places[0].start, places[0].end, None) if places else Assertion()
        yield Concept(one.words, one.others, asked)


def _telling(query: str) -> list[Wanted]:
    """Return what a query wants said, without words that by themselves say nothing."""
    return [one for one in wanted_of(query) if one.words[0][0] not in _SAY_LITTLE]


def _without_triggers(query: str) -> str:
    """Return the query with blanks for what negates, dates or attributes its concepts."""
    triggers = triggers_in(["^", *words_in(query), "$"])
    places = places_in(query)
    plain = query
    for trigger in triggers.doing:
        for start, end in places[max(trigger.start - 1, 0) : trigger.end - 1]:
            plain = plain[:start] + " " * (end - start) + plain[end:]
    return plain


def _title(text: str, start: int, sentence: Span, section: str | None) -> str | None:
    """Return the section of a sentence of a stretch: the stretch's, or one that begins in it."""
    begun = sections_of(text[start : sentence[1]])
    title = next((one.title for one in begun if one.start <= sentence[0] - start < one.end), None)
    return title or section


def _said_by(first: Word, last: Word, offset: int, parts: frozenset[tuple[int, int]]) -> _Said:
    return _Said(first.start + offset, last.end + offset, first.place, last.place, parts)


def _last_of(phrase: Phrase, first: Word, places: Mapping[tuple[str, int], Word]) -> Word | None:
    """Return the last word of a phrase that begins with this one; None where it does not."""
    last: Word | None = first
    for term, distant in phrase[1:]:
        last = places.get((term, first.place + distant))
        if last is None:
            return None
    return last


def _runs(said: Sequence[_Said]) -> Iterator[list[_Said]]:
    """Give the words in runs of those that stand together."""
    run: list[_Said] = []
    for one in sorted(said, key=lambda one: (one.first, one.last)):
        if run and one.first - max(before.last for before in run) > _APART:
            yield run
            run = []
        run.append(one)
    yield run


def _merged(spans: Iterator[Span]) -> Iterator[Span]:
    """Give spans in order, those that overlap as one."""
    current: Span | None = None
    for start, end in sorted(spans):
        if current is not None and start < current[1]:
            current = (current[0], max(current[1], end))
            continue
        if current is not None:
            yield current
        current = (start, end)
    if current is not None:
        yield current
