"""The fast search equals the plain one, in every mode: every note scored, sorted."""

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notekin.search import ranking
from notekin.search.filters import condition_of
from notekin.search.finding import Finder
from notekin.search.mode import Mode
from notekin.search.request import Request
from notekin.search.retrieval import Searcher
from notekin.search.wording import wanted_of
from notekin.storage import side_by_side
from notekin.storage.relevance_oracle import relevance_of
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
    live: dict[str, Note], query: str, k: int, categories: list[str] | None, mode: Mode
) -> dict[str, float]:
    """Return the score of each of the k best notes, with loops, numpy and a dict alone."""
    vector = ENCODER.encode([query])[0]
    wanted = wanted_of(query)
    names = list(live)
    relevances = relevance_of({at: live[name].text for at, name in enumerate(names)}, wanted)
    weight = 1 + 0.3 * math.log(max(sum(len(one.words) for one in wanted), 1) / 5)
    weight = min(max(weight, 0.5), 1.5)
    scores = {}
    for at, name in enumerate(names):
        if categories is not None and live[name].category not in categories:
            continue
        cosine = float((ENCODER.encode_notes([live[name].text])[0].passage_vectors @ vector).max())
        if mode is Mode.HYBRID:
            scores[name] = (relevances[at] + weight * max(cosine, 0)) / (1 + weight)
        elif mode is Mode.DENSE:
            scores[name] = cosine
        elif relevances[at] > 0:
            scores[name] = relevances[at]
    return dict(sorted(scores.items(), key=lambda pair: -pair[1])[:k])


@settings(max_examples=120, deadline=None)
@given(
    COMMITS,
    TEXTS.filter(bool),
    st.integers(1, 20),
    st.none() | st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=2),
    st.sampled_from(Mode),
    st.sampled_from([1, 50]),
    st.sampled_from([0, side_by_side.WORTH_IT]),
)
def test_search_finds_what_a_plain_scan_of_everything_finds(
    commits: list[list[Note]],
    query: str,
    k: int,
    categories: list[str] | None,
    mode: Mode,
    candidates: int,
    rows_for_threads: int,
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        few_candidates(candidates),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(side_by_side, "WORTH_IT", rows_for_threads)
        store = store_of(Path(folder) / "store", ENCODER)
        live: dict[str, Note] = {}
        for notes in commits:
            commit(store, ENCODER, *notes)
            live |= {one.note_id: one for one in notes}
        condition = None if categories is None else condition_of({"category": categories})
        snapshot = store.snapshot()
        hits = Finder(snapshot, ENCODER).search(query, Request(k, condition, mode)).hits
        expected = plain(live, query, k, categories, mode)
        assert np.allclose([hit.score for hit in hits], list(expected.values()), atol=1e-5)
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
        everything = plain(live, query, len(live), categories, mode)
        for hit in hits:
            assert abs(everything[hit.note_id] - hit.score) < 1e-5
            best = hit.evidence[0]
            assert live[hit.note_id].text[best.start : best.end] == best.text
            assert categories is None or hit.category in categories
        scored = Searcher(snapshot, ENCODER).score(query, condition, mode)
        assert np.all(np.diff(scored.keys) > 0)
        assert np.allclose(
            sorted(scored.scores, reverse=True), list(everything.values()), atol=1e-5
        )
        store.close()


@contextmanager
def few_candidates(count: int) -> Iterator[None]:
    """Let searches begin with so few candidates that what they leave out has to be found."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "FEWEST_CANDIDATES", count)
        patch.setattr(ranking, "FIRST_FETCH", 1)
        yield


def test_a_note_that_is_best_by_both_is_found_though_it_is_first_in_neither(
    tmp_path: Path,
) -> None:
    random = np.random.default_rng(7)
    words = [f"word{at}" for at in range(40)]
    texts = [" ".join(random.choice(words, random.integers(1, 200))) for _ in range(60)]
    store = store_of(
        tmp_path / "store", ENCODER, *(note(f"n{at}", text) for at, text in enumerate(texts))
    )
    searcher = Searcher(store.snapshot(), ENCODER)
    found_late = 0
    with few_candidates(1):
        for _ in range(60):
            query = " ".join(random.choice(words, 4))
            for mode in (Mode.HYBRID, Mode.LEXICAL):
                (ranking,) = searcher.rank([query], 1, mode=mode)
                scored = searcher.score(query, mode=mode)
                if len(scored.scores):
                    assert ranking.scores[0] == pytest.approx(scored.scores.max(), abs=1e-5)
                if mode is Mode.HYBRID:
                    ranks = [one.ranks[0] for one in ranking.channels.values()]
                    found_late += min(ranks) > 1
    store.close()
    assert found_late
