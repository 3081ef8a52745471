"""The forward pass gives what transformers' LongformerModel gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from transformers import LongformerModel

from notekin.errors import EncoderError, UsageError
from notekin.indexer.longformer.linear import int8_is_right
from notekin.indexer.longformer.model import PackedLongformer
from tests.support.devices import DEVICES
from tests.support.tiny_longformer import write_tiny_longformer

LENGTHS = (1, 2, 12, 255, 256, 257, 511, 512, 513, 1000, 4094)
WINDOWS = (32, 64, 512, [32, 128], [512, 64])
PAD = 1

Ids = npt.NDArray[np.int32]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Threads cost more than they bring at this size, above all on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def random_sequences(lengths: tuple[int, ...], seed: int = 0) -> list[Ids]:
    generator = np.random.default_rng(seed)
    return [generator.integers(3, 400, length).astype(np.int32) for length in lengths]


def transformers_model(folder: Path) -> Any:
    model: Any = LongformerModel.from_pretrained(folder, add_pooling_layer=False)
    return model.eval()


def by_transformers(model: Any, sequence: Ids, *, global_first: bool) -> torch.Tensor:
    ids = torch.from_numpy(sequence.astype(np.int64))[None]
    mask = torch.zeros_like(ids)
    mask[:, 0] = int(global_first)
    places = torch.arange(PAD + 1, PAD + 1 + len(sequence))[None]
    with torch.no_grad():
        output = model(
            ids,
            attention_mask=torch.ones_like(ids),
            position_ids=places,
            global_attention_mask=mask if global_first else None,
        )
    rows: torch.Tensor = output.last_hidden_state[0]
    return rows


def largest_difference(left: torch.Tensor, right: torch.Tensor) -> float:
    assert left.shape == right.shape
    return float((left - right).abs().max())


@pytest.mark.parametrize("global_first", [False, True])
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_every_length_in_one_mixed_batch_equals_transformers(
    tmp_path: Path, window: int | list[int], global_first: bool
) -> None:
    folder = write_tiny_longformer(tmp_path, attention_window=window)
    sequences = random_sequences((*LENGTHS[::-1], 12, 255))
    packed = PackedLongformer.from_folder(folder).forward(sequences, global_first=global_first)
    parts = torch.split(packed, [len(sequence) for sequence in sequences])
    theirs = transformers_model(folder)
    for sequence, part in zip(sequences, parts, strict=True):
        expected = by_transformers(theirs, sequence, global_first=global_first)
        assert largest_difference(part, expected) < 1e-4


@pytest.mark.parametrize("activation", ["relu", "gelu_new"])
def test_other_activations_equal_transformers(tmp_path: Path, activation: str) -> None:
    folder = write_tiny_longformer(tmp_path, hidden_act=activation)
    (sequence,) = random_sequences((100,))
    expected = by_transformers(transformers_model(folder), sequence, global_first=False)
    rows = PackedLongformer.from_folder(folder).forward([sequence])
    assert largest_difference(rows, expected) < 1e-4


def test_a_pad_id_inside_a_note_is_a_token_like_any_other(tmp_path: Path) -> None:
    folder = write_tiny_longformer(tmp_path)
    (sequence,) = random_sequences((90,))
    sequence[[0, 7, 40, 89]] = PAD
    expected = by_transformers(transformers_model(folder), sequence, global_first=False)
    rows = PackedLongformer.from_folder(folder).forward([sequence])
    assert largest_difference(rows, expected) < 1e-4


def test_padding_that_transformers_needs_changes_nothing(tmp_path: Path) -> None:
    folder = write_tiny_longformer(tmp_path)
    model = transformers_model(folder)
    (sequence,) = random_sequences((50,))
    rows = PackedLongformer.from_folder(folder).forward([sequence])
    for left, right in ((0, 14), (14, 0)):
        ids = torch.from_numpy(np.pad(sequence, (left, right), constant_values=PAD)).long()[None]
        with torch.no_grad():
            padded = model(ids, attention_mask=(ids != PAD).long()).last_hidden_state[0]
        assert largest_difference(rows, padded[left : left + 50]) < 1e-4


@pytest.mark.parametrize("global_first", [False, True])
@pytest.mark.parametrize(("precision", "close"), [("fp32", 1e-3), ("bf16", 0.3)])
@pytest.mark.parametrize("device", DEVICES)
def test_every_device_gives_transformers_rows_on_this_side(
    tmp_path: Path, device: str, precision: str, close: float, global_first: bool
) -> None:
    folder = write_tiny_longformer(tmp_path)
    sequences = random_sequences((12, 70, 300, 12))
    model = PackedLongformer.from_folder(folder, precision=precision, device=device)
    packed = model.forward(sequences, global_first=global_first)
    assert packed.device.type == "cpu"
    parts = torch.split(packed, [len(sequence) for sequence in sequences])
    theirs = transformers_model(folder)
    for sequence, part in zip(sequences, parts, strict=True):
        expected = by_transformers(theirs, sequence, global_first=global_first)
        assert largest_difference(part, expected) < close


@pytest.mark.parametrize(("precision", "cosine"), [("bf16", 0.999), ("int8", 0.99)])
def test_a_lower_precision_stays_near_fp32(tmp_path: Path, precision: str, cosine: float) -> None:
    folder = write_tiny_longformer(tmp_path, hidden_size=64, intermediate_size=128)
    sequences = random_sequences((1, 40, 300))
    if precision == "int8" and not int8_is_right():
        with pytest.raises(UsageError, match="can't run int8"):
            PackedLongformer.from_folder(folder, precision=precision)
        return
    model = PackedLongformer.from_folder(folder, precision=precision)
    exact = PackedLongformer.from_folder(folder).forward(sequences, global_first=True)
    rows = model.forward(sequences, global_first=True)
    assert rows.dtype is torch.float32
    assert float(torch.cosine_similarity(rows, exact).min()) > cosine


def test_the_same_sequences_give_the_same_bits(tmp_path: Path) -> None:
    model = PackedLongformer.from_folder(write_tiny_longformer(tmp_path), precision="auto")
    sequences = random_sequences((5, 300, 70))
    assert torch.equal(model.forward(sequences), model.forward(sequences))


def test_no_sequences_and_empty_sequences_give_no_rows(tmp_path: Path) -> None:
    model = PackedLongformer.from_folder(write_tiny_longformer(tmp_path))
    assert model.forward([]).shape == (0, 32)
    (sequence,) = random_sequences((9,))
    empty = np.zeros(0, dtype=np.int32)
    both = model.forward([empty, sequence, empty])
    assert torch.equal(both, model.forward([sequence]))


def test_a_sequence_longer_than_the_model_reads_is_refused_whole(tmp_path: Path) -> None:
    model = PackedLongformer.from_folder(write_tiny_longformer(tmp_path))
    assert model.max_tokens == 4096
    assert model.forward(random_sequences((4096,))).shape == (4096, 32)
    with pytest.raises(EncoderError, match="4097 tokens is longer than the 4096"):
        model.forward(random_sequences((5, 4097)))


@pytest.mark.parametrize("wrong", [-1, 1_000_000])
def test_an_id_outside_the_vocabulary_is_refused(tmp_path: Path, wrong: int) -> None:
    model = PackedLongformer.from_folder(write_tiny_longformer(tmp_path))
    with pytest.raises(EncoderError, match="outside the model's vocabulary"):
        model.forward([np.array([5, wrong], dtype=np.int32)])


def test_an_unknown_precision_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="say fp32, bf16, int8 or auto"):
        PackedLongformer.from_folder(write_tiny_longformer(tmp_path), precision="fp8")
