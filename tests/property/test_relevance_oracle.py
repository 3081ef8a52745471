"""The fast relevance equals the plain one on any notes, however they are cut into segments."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from notekin.storage.deleting import Condemned
from notekin.storage.relevance_oracle import relevance_of
from notekin.storage.wanted import Wanted
from notekin.types import Note
from tests.support.notes import commit, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder(dim=4)
WORDS = st.sampled_from(["fever", "cough", "the", "of", "x-ray", "pain", "chest", "7"])
TEXTS = st.lists(WORDS, max_size=90).map(" ".join)
TITLES = st.none() | st.lists(WORDS, max_size=4).map(" ".join)
NOTES = st.builds(
    lambda number, text, title: note(f"n{number}", text, title=title),
    st.integers(0, 9),
    TEXTS,
    TITLES,
)
COMMITS = st.lists(
    st.lists(NOTES, min_size=1, max_size=6, unique_by=lambda one: one.note_id),
    min_size=1,
    max_size=4,
)
TERMS = st.sampled_from(["fever", "cough", "ray", "xray", "pain", "chest", "7", "absent"])
SPELLINGS = st.lists(TERMS, min_size=1, max_size=2, unique=True).map(tuple)
PHRASES = st.tuples(TERMS, st.lists(st.tuples(TERMS, st.integers(1, 3)), max_size=2)).map(
    lambda pair: ((pair[0], 0), *pair[1])
)
WANTED = st.lists(
    st.builds(
        Wanted,
        st.lists(SPELLINGS, min_size=1, max_size=3, unique=True).map(tuple),
        st.lists(PHRASES, max_size=3).map(tuple),
    ),
    max_size=4,
)


@settings(max_examples=80, deadline=None)
@given(COMMITS, WANTED, st.integers(0, 9))
def test_relevance_is_what_its_definition_says(
    commits: list[list[Note]], wanted: list[Wanted], gone: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = store_of(Path(folder) / "store", ENCODER)
        live: dict[str, Note] = {}
        for notes in commits:
            commit(store, ENCODER, *notes)
            live |= {one.note_id: one for one in notes}
        with store.write() as writer:
            writer.delete(Condemned.of([f"n{gone}"], []))
        live.pop(f"n{gone}", None)
        snapshot = store.snapshot()
        by_key = {int(snapshot.find(name).note_key): one for name, one in live.items()}
        texts = {key: one.text for key, one in by_key.items()}
        titles = {key: one.title for key, one in by_key.items()}
        expected = relevance_of(texts, wanted, titles)
        keys = np.array(sorted(by_key), np.int64)
        relevance = snapshot.relevance(wanted)
        every = np.arange(1, 60)  # dead ones and those that never were, too
        found = relevance.of(every)
        assert np.allclose(found, [expected.get(key, 0) for key in every.tolist()], atol=1e-6)
        most = relevance.at_most()
        assert most.keys.tolist() == [key for key in keys.tolist() if expected[key] > 0]
        exact = relevance.of(most.keys)
        assert np.all(most.scores >= exact - 1e-6)
        assert np.all((exact >= 0) & (exact <= 1))
        store.close()
