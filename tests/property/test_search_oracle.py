"""The fast search equals the plain one: every note scored by its best passage, sorted."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from notekin.search.filters import condition_of
from notekin.search.retrieval import Searcher
from notekin.types import Note
from tests.support.notes import commit, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder(dim=8)
WORDS = st.sampled_from(["fever", "cough", "rash", "pain", "stroke", "fall", "fracture", "sepsis"])
TEXTS = st.lists(WORDS, max_size=40).map(" ".join)
NOTES = st.builds(
    lambda number, text, category: note(f"n{number}", text, category=category),
    st.integers(0, 12),
    TEXTS,
    st.sampled_from(["a", "b", "c"]),
)
COMMITS = st.lists(
    st.lists(NOTES, min_size=1, max_size=8, unique_by=lambda one: one.note_id),
    min_size=1,
    max_size=4,
)


def plain(
    live: dict[str, Note], query: str, k: int, categories: list[str] | None
) -> dict[str, float]:
    """Return the score of each of the k best notes, with numpy and a dict alone."""
    vector = ENCODER.encode([query])[0]
    scores = {
        one.note_id: float((ENCODER.encode_notes([one.text])[0].passage_vectors @ vector).max())
        for one in live.values()
        if categories is None or one.category in categories
    }
    return dict(sorted(scores.items(), key=lambda pair: -pair[1])[:k])


@settings(max_examples=60, deadline=None)
@given(
    COMMITS,
    TEXTS.filter(bool),
    st.integers(1, 20),
    st.none() | st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=2),
)
def test_search_finds_what_a_plain_scan_of_everything_finds(
    commits: list[list[Note]], query: str, k: int, categories: list[str] | None
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = store_of(Path(folder) / "store", ENCODER)
        live: dict[str, Note] = {}
        for notes in commits:
            commit(store, ENCODER, *notes)
            live |= {one.note_id: one for one in notes}
        condition = None if categories is None else condition_of({"category": categories})
        hits = Searcher(store.snapshot(), ENCODER).search(query, k, condition).hits
        expected = plain(live, query, k, categories)
        assert np.allclose([hit.score for hit in hits], list(expected.values()), atol=1e-5)
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
        for hit in hits:
            best = hit.evidence[0]
            assert live[hit.note_id].text[best.start : best.end] == best.text
            assert abs(best.score - hit.score) < 1e-5
            assert categories is None or hit.category in categories
        store.close()
