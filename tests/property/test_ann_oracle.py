"""A search through approximate indexes gives what the filters promise: k hits, exact scores."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notekin.storage import ann, index_choice, paths
from notekin.storage.index_choice import IndexChoice
from notekin.storage.keys import PLACE_BITS, Keys
from notekin.storage.postings import NoteWords, postings_of
from notekin.storage.segments import Segment, write_arrays
from notekin.storage.snapshot import Snapshot
from notekin.types import Vectors

DIM = 16
NOTES = 150
KINDS = st.sampled_from([IndexChoice.IVF, IndexChoice.HNSW])


@pytest.fixture(scope="module", autouse=True)
def everything_approximate() -> Iterator[None]:
    """Build an index for however few vectors, of any recall, and ask it whenever there is one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_choice, "ASKED_FLOOR", 1)
        patch.setattr(ann, "ENOUGH_RECALL", 0.0)
        patch.setattr(paths, "EXACT_ROWS", 0)
        patch.setattr(paths, "ANN_SHARE", 1)
        yield


def unit(rows: Vectors) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def segment(folder: Path, kind: IndexChoice, random: np.random.Generator, first: int) -> Segment:
    """Return a segment of notes of one to three passages, keys with gaps."""
    keys = first + np.cumsum(random.integers(1, 3, NOTES))
    passages = np.concatenate(
        [(key << PLACE_BITS) + np.arange(random.integers(1, 4)) for key in keys]
    )
    vectors = unit(random.standard_normal((len(passages), DIM)).astype(np.float32))
    notes = unit(random.standard_normal((NOTES, DIM)).astype(np.float32))
    starts = np.unique(passages >> PLACE_BITS, return_counts=True)[1].tolist()
    words = postings_of(NoteWords("", [0] * count, [None] * count) for count in starts)
    record = write_arrays(folder, (keys, notes), (passages, vectors), words, kind)
    return Segment(folder, record)


@settings(max_examples=25, deadline=None)
@given(
    kinds=st.lists(KINDS, min_size=1, max_size=2),
    seed=st.integers(0, 2**32),
    count=st.integers(1, 60),
    share=st.sampled_from([None, 0.0, 0.02, 0.1, 0.5, 1.0]),
    dead_share=st.sampled_from([0.0, 0.1, 0.95]),
)
def test_k_come_back_wherever_k_exist_with_exact_scores_in_order(
    kinds: list[IndexChoice], seed: int, count: int, share: float | None, dead_share: float
) -> None:
    random = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as name:
        parts = [
            segment(Path(name), kind, random, place * 1000) for place, kind in enumerate(kinds)
        ]
        assert all(part.passages_ann and part.notes_ann for part in parts)
        keys = np.concatenate([part.notes.ids for part in parts])
        dead = keys[random.random(len(keys)) < dead_share]
        allowed = None if share is None else keys[random.random(len(keys)) < share]
        live = int((~np.isin(keys, dead)).sum())
        snapshot = without_sql(Path(name), parts, dead, live)
        queries = unit(random.standard_normal((3, DIM)).astype(np.float32))
        may = np.setdiff1d(keys if allowed is None else allowed, dead)
        for found, files, bits in (
            (snapshot.nearest_passages(queries, count, allowed), "passages", PLACE_BITS),
            (snapshot.nearest_notes(queries, count, allowed), "notes", 0),
        ):
            ids = np.concatenate([getattr(part, files).ids for part in parts])
            vectors = np.concatenate([getattr(part, files).vectors for part in parts])
            rows = np.isin(ids >> bits, may)
            assert found.keys.shape == (3, min(count, rows.sum()))
            for query, scores, got in zip(queries, found.scores, found.keys, strict=True):
                assert len(set(got.tolist())) == len(got)
                assert np.isin(got, ids[rows]).all()
                assert np.allclose(scores, vectors[np.searchsorted(ids, got)] @ query, atol=1e-5)
                assert (np.diff(scores) <= 0).all()


@pytest.mark.parametrize("kind", [IndexChoice.IVF, IndexChoice.HNSW])
def test_an_index_that_proposes_too_little_is_made_good_exactly(
    tmp_path: Path, kind: IndexChoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = segment(tmp_path, kind, np.random.default_rng(0), 0)
    nothing = np.full((1, 40), -1)
    monkeypatch.setattr(ann.AnnIndex, "candidates", lambda *_: nothing)
    snapshot = without_sql(tmp_path, [part], np.empty(0, np.int64), part.record.notes)
    query = unit(np.ones((1, DIM), np.float32))
    found = snapshot.nearest_passages(query, 10)
    exact = np.argsort(-(part.passages.vectors @ query[0]))[:10]
    assert found.keys[0].tolist() == part.passages.ids[exact].tolist()
    assert found.seen.path == "ann+exact"


def test_an_index_that_falls_short_of_the_recall_is_not_kept_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ann, "ENOUGH_RECALL", 1.1)
    part = segment(tmp_path, IndexChoice.IVF, np.random.default_rng(0), 0)
    assert part.passages_ann is None
    facts = part.record.facts["passages"]
    assert facts["kind"] == "exact"
    assert 0 < facts["recall"] <= 1


def test_the_least_effort_that_reaches_the_recall_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ann, "ENOUGH_RECALL", 0.99)
    recalls = {32: 0.9, 48: 0.95, 64: 0.98, 96: 0.991, 128: 1.0}
    monkeypatch.setattr(ann.AnnIndex, "measure", lambda *given: recalls[given[-1]])
    part = segment(tmp_path, IndexChoice.HNSW, np.random.default_rng(0), 0)
    facts = part.record.facts["passages"]
    assert (facts["kind"], facts["effort"], facts["recall"]) == ("hnsw", 96, 0.991)


def test_of_ivf_up_to_half_the_lists_are_tried_before_it_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def measure(_index: ann.AnnIndex, *given: Any) -> float:
        tried.append(given[-1])
        return 0.5

    monkeypatch.setattr(ann, "ENOUGH_RECALL", 0.99)
    monkeypatch.setattr(ann.AnnIndex, "measure", measure)
    monkeypatch.setattr(index_choice, "_FINER_IVF", index_choice._IVF)
    part = segment(tmp_path, IndexChoice.IVF, np.random.default_rng(0), 0)
    lists = ann._ivf(part.passages.vectors, 4).nlist
    assert max(tried) * 2 <= lists < max(tried) * 3
    assert part.record.facts["passages"]["kind"] == "exact"


def test_a_small_segment_is_scanned_exactly(tmp_path: Path) -> None:
    part = segment(tmp_path, IndexChoice.AUTO, np.random.default_rng(0), 0)
    assert part.record.facts == {}
    assert part.passages_ann is None


def without_sql(path: Path, parts: list[Segment], dead: Keys, live: int) -> Snapshot:
    nothing: Any = None
    return Snapshot(path, nothing, 1, parts, dead, live)
