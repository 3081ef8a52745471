"""What a sequence gives does not depend on what it is read with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from notekin.indexer.longformer.model import PackedLongformer
from notekin.indexer.longformer.packing import batches
from tests.support.tiny_longformer import write_tiny_longformer

LENGTHS = st.lists(
    st.integers(0, 40) | st.sampled_from([16, 17, 18, 32, 33, 34, 64, 65, 129, 700]), max_size=12
)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Threads cost more than they bring at this size, above all on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@cache
def tiny_model() -> PackedLongformer:
    with TemporaryDirectory() as folder:
        return PackedLongformer.from_folder(write_tiny_longformer(Path(folder)))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(lengths=LENGTHS, seed=st.integers(0, 2**16), global_first=st.booleans())
def test_a_sequence_gives_the_same_rows_alone_or_in_any_batch(
    lengths: list[int], seed: int, global_first: bool
) -> None:
    generator = np.random.default_rng(seed)
    sequences = [generator.integers(0, 400, length).astype(np.int32) for length in lengths]
    model = tiny_model()
    together = model.forward(sequences, global_first=global_first)
    assert together.shape == (sum(lengths), model.dim)
    for sequence, part in zip(sequences, torch.split(together, lengths), strict=True):
        alone = model.forward([sequence], global_first=global_first)
        assert torch.allclose(alone, part, rtol=0, atol=1e-5)


@settings(derandomize=True)
@given(lengths=st.lists(st.integers(0, 90)), budget=st.integers(1, 120))
def test_batches_hold_every_sequence_once_within_the_budget(
    lengths: list[int], budget: int
) -> None:
    made = list(batches(lengths, budget))
    members = [member for batch in made for member in batch.members]
    assert sorted(members) == [member for member, length in enumerate(lengths) if length]
    for batch in made:
        sizes = [lengths[member] for member in batch.members]
        assert sum(sizes) <= budget or len(sizes) == 1
        laid_out = [run.length for run in batch.runs for _ in range(run.count)]
        assert laid_out == sizes
        assert [run.start for run in batch.runs[1:]] == [run.stop for run in batch.runs[:-1]]
