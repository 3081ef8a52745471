"""Notes speak of a meaning, and hold a phrase, where a plain reading of all they say finds it."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from notekin.search.assertion import assess_whole
from notekin.search.cohort.meanings import MOST_PLACES, as_worded
from notekin.search.cohort.phrases import Sought
from notekin.search.cohort.rules import Asserted, Criterion
from notekin.search.cohort.screening import ASSERTIONS
from notekin.search.cohort.speaking import PASSAGES_HEARD, Speaking
from notekin.search.concepts import Concepts, distance
from notekin.storage.contents import Content
from notekin.types import Assertion, Note, Span
from tests.support.notes import note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder(dim=8)
WORDS = st.sampled_from(
    ["heart", "failure", "Failing", "no", "x-ray", "chest", "Possible", "mother", "the", ".", "\n"]
)
TEXTS = st.lists(WORDS, max_size=40).map(" ".join)
MEANINGS = st.sampled_from(
    ["heart failure", "no heart failure", "chest x-ray", "heart", "shortness of breath", "the"]
)


Place = tuple[Span, Assertion]


def places_plainly(meaning: str, content: Content, nearest: Sequence[int]) -> list[Place]:
    """Return span and assertion of each place, from every passage read."""
    concepts = Concepts(meaning)
    passages = content.passages
    every = [
        one
        for at in dict.fromkeys([*nearest, *range(len(passages))])
        for one in concepts.mentions(
            content.text, passages[at].start, passages[at].end, passages[at].section
        )
    ]
    most = max((len(one.parts) for one in every), default=0)
    if most:
        return [
            (
                one.sentence,
                max((as_worded(c.asked, said) for c, said in one.assertions.items()), key=distance),
            )
            for one in every
            if len(one.parts) == most
        ][:MOST_PLACES]
    best = passages[nearest[0]]
    said = assess_whole(content.text, best.start, best.end, best.section)
    return [] if said is None else [((best.start, best.end), said)]


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=5), MEANINGS)
def test_notes_speak_where_a_reading_of_every_passage_finds_it(
    texts: list[str], meaning: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        notes: list[Note] = [note(f"n{at}", text) for at, text in enumerate(texts)]
        store = store_of(Path(folder) / "store", ENCODER, *notes)
        snapshot = store.snapshot()
        keys = np.array(sorted(snapshot.find(one.note_id).note_key for one in notes), np.int64)
        speaking = Speaking(snapshot, ENCODER.encode)
        found = speaking.of_meaning(Criterion("c", meaning, asserted=Asserted()), keys)
        query = ENCODER.encode([meaning])[0]
        for key in keys.tolist():
            (content,) = snapshot.contents([key])
            nearness = snapshot.passage_vectors(key) @ query
            nearest = np.argsort(-nearness, kind="stable")[:PASSAGES_HEARD].tolist()
            rows = np.flatnonzero(found.note == key)
            spans = zip(found.start[rows].tolist(), found.end[rows].tolist(), strict=True)
            said = [ASSERTIONS[code] for code in found.assertion[rows].tolist()]
            assert list(zip(spans, said, strict=True)) == places_plainly(meaning, content, nearest)
        store.close()


PHRASES = st.sampled_from(
    [
        ("heart failure",),
        ("heart failure " * 4,),
        ("x-ray", "the heart"),
        ("no heart failing",),
        ("xray of mother",),
        ("the",),
    ]
)
ENDLESS = st.sampled_from([0, 0, 0, 50]).map(lambda often: "heart failure " * often)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.builds(str.__add__, ENDLESS, TEXTS), min_size=1, max_size=5), PHRASES)
def test_notes_hold_phrases_where_a_reading_of_the_whole_finds_them(
    texts: list[str], phrases: tuple[str, ...]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        notes: list[Note] = [note(f"n{at}", text) for at, text in enumerate(texts)]
        store = store_of(Path(folder) / "store", ENCODER, *notes)
        snapshot = store.snapshot()
        keys = np.array(sorted(snapshot.find(one.note_id).note_key for one in notes), np.int64)
        speaking = Speaking(snapshot, ENCODER.encode)
        found = speaking.of_phrases(Criterion("c", phrases=phrases), keys)
        for key in keys.tolist():
            rows = np.flatnonzero(found.note == key)
            spans = list(zip(found.start[rows].tolist(), found.end[rows].tolist(), strict=True))
            assert spans == Sought(phrases).places_in(snapshot.contents([key])[0].text)
        store.close()
