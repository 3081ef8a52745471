"""Filters that let through from one note in a hundred thousand to all of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from notekin.storage import paths
from notekin.storage.index_choice import AUTO_FLOOR
from notekin.storage.keys import PLACE_BITS
from notekin.storage.postings import NoteWords, postings_of
from notekin.storage.segments import Segment, write_arrays
from notekin.storage.snapshot import Snapshot
from notekin.types import Vectors

NOTES, DIM, K = AUTO_FLOOR, 16, 10


def unit(rows: Any) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def segment(tmp_path_factory: pytest.TempPathFactory) -> Segment:
    """Return a segment that is large enough for an approximate index of its own accord."""
    random = np.random.default_rng(3)
    centres = random.standard_normal((500, DIM))
    vectors = unit(
        centres[random.integers(0, 500, NOTES)] + 0.5 * random.standard_normal((NOTES, DIM))
    )
    keys = np.arange(1, NOTES + 1, dtype=np.int64)
    few = (keys[:1], vectors[:1])
    postings = postings_of([NoteWords("", [0], [None])])
    folder: Path = tmp_path_factory.mktemp("segments")
    return Segment(folder, write_arrays(folder, few, (keys << PLACE_BITS, vectors), postings))


@pytest.mark.parametrize("percent", [0.001, 0.01, 0.1, 1.0, 10.0, 30.0, 100.0])
def test_as_many_come_back_as_exist_at_every_selectivity_and_the_right_ones(
    segment: Segment, percent: float
) -> None:
    random = np.random.default_rng(4)
    count = max(1, round(NOTES * percent / 100))
    allowed = np.sort(random.choice(NOTES, count, replace=False)) + 1
    rows = rows_for(segment, allowed)
    near = unit(segment.passages.vectors[random.choice(NOTES, 20)] + 0.05)
    found = paths.nearest(segment.passages, segment.passages_ann, near, K, rows)
    assert found.keys.shape == (20, min(K, count))
    scores = near @ segment.passages.vectors[allowed - 1].T
    best = allowed[np.argsort(-scores, axis=1)[:, :K]] << PLACE_BITS
    assert np.isin(found.keys >> PLACE_BITS, allowed).all()
    hits = sum(len(np.intersect1d(got, want)) for got, want in zip(found.keys, best, strict=True))
    assert hits >= 0.99 * best.size
    assert (found.seen.path == "exact") == (count <= paths.EXACT_ROWS)
    assert found.seen.candidates > 0


def rows_for(segment: Segment, allowed: Any) -> Any:
    """Return the rows as a snapshot works them out."""
    nothing: Any = None
    snapshot = Snapshot(Path(), nothing, 1, [segment], np.empty(0, np.int64), 1)
    everything = None if len(allowed) == NOTES else allowed
    return snapshot._passage_rows(0, everything, None)
