"""Whether a store on disk and one in dicts hold the same, note by note and search by search."""

from __future__ import annotations

import numpy as np

from notekin.storage.conditions import AllOf, Condition, Missing, Not, OneOf
from notekin.storage.keys import Keys, passage_key
from notekin.storage.nearest import Nearest
from notekin.storage.oracle import OracleSnapshot
from notekin.storage.snapshot import Snapshot
from notekin.types import NoteKey, Vectors
from notekin.words import words_of

CONDITIONS: list[Condition] = [
    AllOf(()),
    OneOf("category", ("a",)),
    Not(OneOf("category", ("a",))),
    Missing("category"),
    OneOf("patient_id", ("p1", "p2")),
]

SECTIONS = ["plan", "history"]


def hold_the_same(real: Snapshot, plain: OracleSnapshot) -> None:
    """See that both hold the same notes, with the same facts, texts, passages and vectors."""
    keys = [NoteKey(key) for key in real.select(AllOf(())).tolist()]
    assert keys == sorted(plain.kept)
    assert real.notes(keys) == plain.notes(keys)
    for key in keys:
        assert real.text(key) == plain.text(key)
        assert real.passages(key) == plain.passages(key)
        assert np.array_equal(real.note_vector(key), plain.note_vector(key))
        assert np.array_equal(real.passage_vectors(key), plain.passage_vectors(key))
        keys_of_passages = [passage_key(key, place) for place in range(len(plain.passages(key)))]
        families = [part.family or -1 for part in plain.passages(key)]
        assert real.families(np.array(keys_of_passages)).tolist() == families


def find_the_same_words(real: Snapshot, plain: OracleSnapshot, text: str) -> None:
    """See that both find the same notes, with the same scores, by the words of a text."""
    terms = [word.term for word in words_of(text)]
    for condition in CONDITIONS:
        allowed = real.select(condition)
        assert np.array_equal(real.with_phrase(text, allowed), plain.with_phrase(text, allowed))
        for sections in (None, SECTIONS, SECTIONS[:1]):
            found = real.lexical(terms, allowed, sections)
            expected = plain.lexical(terms, allowed, sections)
            assert np.array_equal(found.keys, expected.keys)
            assert np.allclose(found.scores, expected.scores, atol=1e-6)


def find_the_same(real: Snapshot, plain: OracleSnapshot, query: Vectors, count: int) -> None:
    """See that both find the same, with each filter, for a query of shape (1, dim)."""
    for condition in CONDITIONS:
        allowed = real.select(condition)
        assert np.array_equal(allowed, plain.select(condition))
        _agree(
            real.nearest_passages(query, count, allowed),
            plain.nearest_passages(query, 10_000, allowed),
            count,
        )
        _agree(
            real.nearest_passages(query, count, allowed, SECTIONS),
            plain.nearest_passages(query, 10_000, allowed, SECTIONS),
            count,
        )
        _agree(
            real.nearest_notes(query, count, allowed),
            plain.nearest_notes(query, 10_000, allowed),
            count,
        )


def _agree(found: Nearest, plain: tuple[Vectors, Keys], count: int) -> None:
    """The same scores in the same order, each that of its key; equal scores may change places."""
    scores, keys = found.scores, found.keys
    every = dict(zip(plain[1][0].tolist(), plain[0][0].tolist(), strict=True))
    assert scores.shape[1] == min(count, len(every))
    assert np.allclose(scores, plain[0][:, :count], atol=1e-5)
    assert np.allclose(scores[0], [every[key] for key in keys[0].tolist()], atol=1e-5)
    assert len(set(keys[0].tolist())) == keys.shape[1]
