"""Of each note, the vector of the passage that is nearest to a query."""

from pathlib import Path

import numpy as np

from notekin.storage.keys import passage_key
from notekin.storage.nearest_vectors import nearest_vectors
from notekin.storage.vector_file import VectorFile, write_vectors
from notekin.types import NoteKey


def test_each_note_asked_for_gives_its_nearest_passage(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    places = {1: 4, 2: 1, 5: 7, 9: 3}
    ids = [passage_key(NoteKey(note), at) for note, count in places.items() for at in range(count)]
    vectors = random.normal(size=(len(ids), 6)).astype(np.float32)
    write_vectors(tmp_path / "p.faiss", np.array(ids), vectors)
    query = random.normal(size=6).astype(np.float32)
    asked = np.array([2, 4, 5, 9])
    keys, found = nearest_vectors(VectorFile(tmp_path / "p.faiss"), query, asked)
    assert keys.tolist() == [2, 5, 9]
    for key, vector in zip(keys, found, strict=True):
        own = vectors[[one >> 20 == key for one in ids]]
        assert np.array_equal(vector, max(own, key=lambda one: float(one @ query)))


def test_a_file_with_none_of_the_notes_gives_none(tmp_path: Path) -> None:
    write_vectors(
        tmp_path / "p.faiss", np.array([passage_key(NoteKey(3), 0)]), np.eye(1, 4, dtype=np.float32)
    )
    query = np.ones(4, np.float32)
    keys, found = nearest_vectors(VectorFile(tmp_path / "p.faiss"), query, np.array([1, 2]))
    assert (len(keys), found.shape) == (0, (0, 4))
