"""Short texts read in numpy give what torch gives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notekin.indexer.encoder import NoteEncoder
from notekin.indexer.longformer.brief import BriefLongformer
from notekin.indexer.longformer.cold import ColdLongformer
from notekin.indexer.longformer.config import read_config
from notekin.indexer.longformer.model import PackedLongformer
from notekin.indexer.longformer.packing import Ids
from notekin.indexer.longformer.tokenizer import NoteTokenizer
from notekin.indexer.pooling import Pooling
from notekin.indexer.reading import Reading
from notekin.types import Fingerprint, Vectors
from tests.support.tiny_longformer import write_tiny_longformer

SHAPES = (
    {"attention_window": [512, 512]},
    {"attention_window": [64, 32], "num_attention_heads": 2, "type_vocab_size": 3},
    {"hidden_size": 48, "num_attention_heads": 8, "layer_norm_eps": 1e-12},
)
"""The shortest reach of each is 256, 16 and, as the tiny model has it, 16."""
READING = Reading(window_tokens=62, overlap=8, passage_tokens=16)


class OnlyBrief(ColdLongformer):
    """What a process has that never loads torch."""

    def __init__(self, brief: BriefLongformer) -> None:
        self._only = brief

    @property
    def dim(self) -> int:
        return 32

    def forward(self, sequences: Sequence[Ids], *, global_first: bool = False) -> Vectors:
        assert self._only.reads(sequences, global_first=global_first)
        return self._only.forward(sequences[0])


@cache
def both(shape: int) -> tuple[BriefLongformer, PackedLongformer, NoteTokenizer]:
    with TemporaryDirectory() as made:
        folder = write_tiny_longformer(Path(made), seed=shape, **SHAPES[shape])
        brief = BriefLongformer.of(folder, read_config(folder))
        assert brief is not None
        return brief, PackedLongformer.from_folder(folder), NoteTokenizer(folder)


@pytest.mark.parametrize(("shape", "longest"), [(0, 257), (1, 17), (2, 17)])
@settings(max_examples=30, deadline=None, derandomize=True)
@given(share=st.floats(0, 1), seed=st.integers(0, 2**16))
def test_the_token_vectors_of_a_short_text_are_those_of_torch(
    shape: int, longest: int, share: float, seed: int
) -> None:
    brief, packed, _ = both(shape)
    length = 1 + round(share * (longest - 1))
    ids = np.random.default_rng(seed).integers(0, 350, length).astype(np.int32)
    assert brief.reads([ids], global_first=False)
    assert np.allclose(brief.forward(ids), packed.forward([ids]).numpy(), rtol=0, atol=1e-5)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(text=st.text(max_size=40), pooling=st.sampled_from(Pooling))
def test_the_vector_of_a_short_text_is_that_of_torch(text: str, pooling: Pooling) -> None:
    brief, packed, tokenizer = both(0)
    reading = Reading(254, 64, 32, pooling)
    stated = Fingerprint("tiny", None, "w", reading.to_json(), pooling.width(32))

    ours = NoteEncoder(OnlyBrief(brief), tokenizer, reading, stated).encode([text])[0]
    theirs = NoteEncoder(packed, tokenizer, reading, stated).encode([text])[0]
    assert float(ours @ theirs) > 0.99999


def test_it_reads_one_text_within_every_tokens_reach_and_no_other() -> None:
    brief = both(1)[0]
    text, unknown = np.zeros(17, np.int32), np.full(3, 99_999, np.int32)
    assert brief.reads([text], global_first=False)
    assert not brief.reads([text], global_first=True)
    assert not brief.reads([text, text], global_first=False)
    assert not brief.reads([np.zeros(18, np.int32)], global_first=False)
    assert not brief.reads([text[:0]], global_first=False)
    assert not brief.reads([unknown], global_first=False)
    assert not brief.reads([-unknown], global_first=False)
