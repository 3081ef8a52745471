"""The ways to run a Longformer that are compared, and the notes that they read."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file

from notekin.indexer.longformer.loading import resolve
from notekin.indexer.longformer.model import PackedLongformer

Ids = npt.NDArray[np.int32]
Encode = Callable[[list[Ids]], object]

OURS = ("fp32", "bf16", "int8")
BASELINE = "transformers fp32"
WAYS = (BASELINE, "transformers bf16", "batches of 32 fp32", *(f"notekin {name}" for name in OURS))
PADDED_TOKENS = 4096
CLINICAL: dict[str, Any] = {
    "model_type": "longformer",
    "architectures": ["LongformerModel"],
    "vocab_size": 50265,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "attention_window": [512] * 12,
    "max_position_embeddings": 4098,
    "type_vocab_size": 1,
    "pad_token_id": 1,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
}


@dataclass(frozen=True, slots=True)
class Way:
    """One way of running the model."""

    name: str
    encode: Encode

    @property
    def ours(self) -> str | None:
        """The precision, where this is our own forward pass."""
        return self.name.removeprefix("notekin ") if self.name.startswith("notekin ") else None


def random_notes(lengths: Sequence[int], vocabulary: int) -> list[Ids]:
    """Return seeded token ids, one array for each length."""
    generator = np.random.default_rng(0)
    return [generator.integers(5, vocabulary, length).astype(np.int32) for length in lengths]


def run_size(one: Way, length: int, tokens: int) -> int:
    """Return how many notes make a run: what fills one padded batch for the padding ways."""
    if one.ours:
        return max(1, tokens // length)
    padded = -(-length // 512) * 512
    return max(1, PADDED_TOKENS // padded)


def timed(
    ways: Sequence[Way], inputs: dict[str, list[Ids]], repeats: int
) -> dict[str, tuple[int, float]]:
    """Return the tokens in a run and its median seconds for each way, after a warm-up."""
    taken: dict[str, list[float]] = {one.name: [] for one in ways}
    for turn in range(repeats + 1):
        for one in ways:
            start = time.perf_counter()
            one.encode(inputs[one.name])
            if turn:
                taken[one.name].append(time.perf_counter() - start)
    return {
        name: (sum(map(len, inputs[name])), statistics.median(seconds))
        for name, seconds in taken.items()
    }


def encode_in(folder: Path, name: str) -> Encode:
    """Return the function that encodes sequences in the way of this name."""
    kind, precision = name.rsplit(" ", 1)
    if kind == "notekin":
        return PackedLongformer.from_folder(folder, precision=precision).forward
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    return padded(folder, dtype, 32 if kind == "batches of 32" else None)


def padded(folder: Path, dtype: torch.dtype, batch: int | None) -> Encode:
    """Return transformers' model over padded batches.

    Args:
        folder: The model.
        dtype: Of its weights.
        batch: Notes in a batch, sorted by length, longest first, as sentence-transformers
            does it; or None for as many as fill 4,096 tokens when padded.
    """
    from transformers import LongformerModel
    from transformers.utils import logging

    quiet: Any = logging
    quiet.set_verbosity_error()
    quiet.disable_progress_bar()
    model: Any = LongformerModel.from_pretrained(folder, dtype=dtype, add_pooling_layer=False)
    model.eval()

    @torch.inference_mode()
    def encode(sequences: list[Ids]) -> None:
        ordered = sorted(sequences, key=len, reverse=True)
        while ordered:
            longest = -(-len(ordered[0]) // 512) * 512
            count = batch or max(1, PADDED_TOKENS // longest)
            part, ordered = ordered[:count], ordered[count:]
            ids = torch.full((len(part), len(part[0])), model.config.pad_token_id)
            mask = torch.zeros_like(ids)
            for row, sequence in enumerate(part):
                ids[row, : len(sequence)] = torch.from_numpy(sequence.astype(np.int64))
                mask[row, : len(sequence)] = 1
            model(ids, attention_mask=mask)

    return encode


def model_folder(model: str, made: Path) -> Path:
    """Return the folder of a model: random weights of Clinical-Longformer's size, or any."""
    if model != "clinical":
        return resolve(model, made).path
    folder = made / "clinical"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CLINICAL))
    from transformers import LongformerConfig, LongformerModel

    torch.manual_seed(0)
    theirs: Any = LongformerModel(LongformerConfig(**CLINICAL), add_pooling_layer=False)
    save_file(theirs.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    return folder
