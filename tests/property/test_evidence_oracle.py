"""A note's evidence is what a plain reading of all its passages finds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notekin.search.asserted import Asserted, is_asserted
from notekin.search.assertion import assess_whole
from notekin.search.concepts import Concepts, Mention, distance
from notekin.search.evidence import SHOWN, WORDS_COUNT, Witness
from notekin.storage.records import StoredPassage
from notekin.types import Span, Vectors
from tests.support.telling import told_plainly

WORDS = st.sampled_from(
    ["heart", "failure", "Fever", "no", "x-ray", "chest", "Possible", "mother", "the", "well", "."]
)
STRETCHES = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)
QUERIES = st.sampled_from(["heart failure", "no fever", "chest x-ray", "fever", "the", "Zzz"])
PASSAGES = st.lists(
    st.tuples(STRETCHES, st.sampled_from([None, "family history", "plan"]), st.floats(-1, 1)),
    min_size=1,
    max_size=7,
)
SECTIONS = st.none() | st.just(["plan"])
Shown = tuple[Span, Span | None]
"""A passage, and the sentence of it that matched best."""
ASSERTED = st.lists(st.sampled_from(Asserted), max_size=2, unique=True)


def note_of(parts: Sequence[tuple[str, str | None, float]]) -> tuple[str, list[StoredPassage]]:
    """Return a text of these stretches, and each as a passage."""
    text, passages = "", []
    for stretch, section, _ in parts:
        start = len(text)
        text += stretch + ". \n\n"
        passages.append(StoredPassage(start, len(text), 1, section, start))
    return text, passages


def heard_plainly(
    query: str,
    text: str,
    passages: Sequence[StoredPassage],
    scores: Vectors,
    sections: Sequence[str] | None,
    asserted: Sequence[Asserted],
) -> tuple[list[Shown], bool]:
    """Return what is to be shown, and whether it holds what is asked; all passages are read."""
    concepts = Concepts(query)
    told = told_plainly(text, passages, concepts.wanted)

    def best(one: StoredPassage) -> Mention | None:
        found = concepts.mentions(text, one.start, one.end, one.section)
        return max(
            found,
            key=lambda said: (
                len(said.parts),
                is_asserted(asserted, said.assertions, said.assertion),
                tuple(not far for far in distance(said.assertion)),
            ),
            default=None,
        )

    def size(one: StoredPassage) -> int:
        said = best(one)
        return len(said.parts) if said else 0

    def holds(one: StoredPassage) -> bool:
        said = best(one)
        if said is not None:
            return is_asserted(asserted, said.assertions, said.assertion)
        whole = assess_whole(text, one.start, one.end, one.section)
        return whole is not None and is_asserted(asserted, {}, whole)

    def shown(some: Sequence[StoredPassage]) -> list[Shown]:
        bests = [best(one) for one in some[:SHOWN]]
        return [
            ((one.start, one.end), said.sentence if said else None)
            for one, said in zip(some, bests, strict=False)
        ]

    worth = [
        float(scores[at] + np.float32(WORDS_COUNT / max(concepts.size, 1) * len(told.get(at, ()))))
        for at in range(len(passages))
    ]
    inside = [
        one
        for _, one in sorted(zip(worth, passages, strict=True), key=lambda pair: -pair[0])
        if sections is None or one.section in sections
    ]
    if not asserted:
        return shown(inside), bool(inside)
    most = max(map(size, inside), default=0)
    held = [one for one in inside if size(one) == most] if most else inside[:1]
    held = [one for one in held if holds(one)]
    return shown(held or inside), bool(held)


@settings(max_examples=400, deadline=None)
@example("fever", [("no Fever . Fever", None, 1.0)], None, [])
@example(
    "heart failure",
    [("heart . failure", None, 1.0), ("heart failure", None, 0.0)],
    None,
    [Asserted.AFFIRMED],
)
@given(QUERIES, PASSAGES, SECTIONS, ASSERTED)
def test_evidence_is_what_a_plain_reading_finds(
    query: str,
    parts: list[tuple[str, str | None, float]],
    sections: list[str] | None,
    asserted: list[Asserted],
) -> None:
    text, passages = note_of(parts)
    vectors = np.array([[score] for _, _, score in parts], np.float32)
    concepts = Concepts(query)
    witness = Witness(np.ones(1, np.float32), concepts, sections, asserted)
    said = witness.hear(text, passages, vectors, told_plainly(text, passages, concepts.wanted))
    expected = heard_plainly(query, text, passages, vectors[:, 0], sections, asserted)
    assert ([(one.passage, one.sentence) for one in said.evidence], said.holds) == expected
