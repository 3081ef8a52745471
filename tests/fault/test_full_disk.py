"""A disk with no room left: the system's own limit on a file's size stands for it.

tests/fault/test_every_step.py lets each call fail in turn; here the system does it.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from notekin.errors import StoreError
from notekin.storage.conditions import AllOf
from notekin.storage.vector_file import VectorFile, write_vectors
from notekin.storage.verification import verify
from tests.support.notes import CANARY, commit, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder(dim=64)


@contextmanager
def files_end_at(size_bytes: int) -> Iterator[None]:
    """Let no file of this process grow past a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("missing", [1, 100, 5_000])
def test_vectors_without_room_for_their_last_bytes_are_an_error(
    tmp_path: Path, missing: int
) -> None:
    keys = np.arange(1, 51, dtype=np.int64)
    vectors = np.eye(50, 64, dtype=np.float32)
    write_vectors(tmp_path / "whole", keys, vectors)
    size = (tmp_path / "whole").stat().st_size
    with files_end_at(size - missing), pytest.raises(OSError, match="large"):
        write_vectors(tmp_path / "short", keys, vectors)
    with files_end_at(size):
        write_vectors(tmp_path / "fits", keys, vectors)
    assert np.array_equal(VectorFile(tmp_path / "fits").vectors, vectors)


@pytest.mark.parametrize("room_bytes", [0, 1_000, 10_000, 30_000, 60_000, 120_000, 250_000])
def test_a_commit_without_room_is_one_line_and_loses_nothing(
    tmp_path: Path, room_bytes: int
) -> None:
    path = tmp_path / "store"
    folder = store_of(path, ENCODER, note("n0", "fever"))
    new = [
        note(f"n{number}", f"cough {number} " * 40, patient=CANARY, attributes={"a": "x" * 3_000})
        for number in range(1, 40)
    ]
    with files_end_at(room_bytes), pytest.raises(StoreError) as caught:
        commit(folder, ENCODER, *new)
    assert "\n" not in str(caught.value)
    assert CANARY not in str(caught.value)
    snapshot = folder.snapshot()
    assert (snapshot.generation, snapshot.select(AllOf(())).tolist()) == (1, [1])
    assert verify(folder, deep=True).whole
    commit(folder, ENCODER, *new)
    assert folder.snapshot().count().notes == 40
    assert verify(folder, deep=True).whole
    assert len(list(path.glob("segments/*"))) == 2
