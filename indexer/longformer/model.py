"""The forward pass: token ids in, one vector for each token out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch

from notekin.errors import EncoderError
from notekin.indexer.longformer.config import LongformerConfig, read_config
from notekin.indexer.longformer.layers import Layer, Norm, read_layer, read_norm
from notekin.indexer.longformer.packing import Batch, Ids, batches
from notekin.indexer.longformer.precision import Arithmetic, Precision, arithmetic
from notekin.indexer.longformer.weights import Weights, read_weights
from notekin.indexer.longformer.workers import run_each

BATCH_TOKENS = 1024
"""A batch's activations stay in cache at about this many; more gains nothing."""
GPU_BATCH_TOKENS = 32_768
"""What keeps a GPU busy; not measured on one."""


class PackedLongformer:
    """A Longformer without padding: each sequence costs what its own tokens cost.

    Equal to transformers' LongformerModel to rounding. Every id is a token, the pad's
    too. What a sequence gives does not depend on what it is batched with.
    """

    def __init__(self, weights: Weights, config: LongformerConfig, numbers: Arithmetic) -> None:
        """Lay out the weights.

        Raises:
            EncoderError: A weight is missing or of another shape than the config says.
        """
        self.config = config
        self._numbers = numbers
        self._words, self._positions = _embeddings(weights, config, numbers)
        self._norm: Norm = read_norm(weights, "embeddings.LayerNorm", config, numbers)
        self._layers: list[Layer] = [
            read_layer(weights, config, numbers, number)
            for number in range(config.num_hidden_layers)
        ]

    @classmethod
    def from_folder(cls, path: Path, *, precision: str = "fp32", device: str = "cpu") -> Self:
        """Return the model in a folder, ready to run.

        Args:
            path: A folder with config.json and weights.
            precision: ``fp32``, ``bf16``, ``int8``, or ``auto`` for what suits this machine.
            device: As torch names it.

        Raises:
            EncoderError: The folder holds no Longformer, or it is damaged.
            UsageError: There is no such precision.
        """
        # Large pages are filled and found faster; torch asks at its next large allocation.
        os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
        with torch.inference_mode():
            return cls(read_weights(path), read_config(path), arithmetic(precision, device))

    @property
    def dim(self) -> int:
        """Length of a token's vector."""
        return self.config.hidden_size

    @property
    def max_tokens(self) -> int:
        """Longest sequence that the model reads, special tokens among them."""
        return self.config.max_tokens

    @property
    def precision(self) -> Precision:
        """What the linear layers are computed in."""
        return self._numbers.precision

    @torch.inference_mode()
    def forward(self, sequences: Sequence[Ids], *, global_first: bool = False) -> torch.Tensor:
        """Return the last layer's vector of each token.

        Args:
            sequences: Token ids of each text, the special ones among them.
            global_first: Whether the first token sees, and is seen by, its whole sequence.

        Returns:
            float32 of shape (tokens, dim): the sequences' rows in the order given.

        Raises:
            EncoderError: A sequence is longer than the model reads, or holds an id that
                the vocabulary lacks.
        """
        lengths = [len(sequence) for sequence in sequences]
        self._check(sequences, lengths)
        starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        output = torch.empty(int(starts[-1]), self.dim)

        @torch.inference_mode()
        def read(batch: Batch) -> None:
            rows = self._read(sequences, batch, global_first=global_first).float().cpu()
            sizes = [lengths[member] for member in batch.members]
            for member, part in zip(batch.members, torch.split(rows, sizes), strict=True):
                output[int(starts[member]) : int(starts[member + 1])] = part

        budget = BATCH_TOKENS if self._numbers.device.type == "cpu" else GPU_BATCH_TOKENS
        run_each(read, list(batches(lengths, budget)))
        return output

    def _read(self, sequences: Sequence[Ids], batch: Batch, *, global_first: bool) -> torch.Tensor:
        ids = np.concatenate([sequences[member] for member in batch.members]).astype(np.int64)
        places = np.concatenate([np.arange(len(sequences[member])) for member in batch.members])
        device = self._numbers.device
        words = self._words[torch.from_numpy(ids).to(device)]
        rows = self._norm(words + self._positions[torch.from_numpy(places).to(device)])
        for layer in self._layers:
            rows = layer(rows, batch.runs, global_first=global_first)
        return rows

    def _check(self, sequences: Sequence[Ids], lengths: Sequence[int]) -> None:
        longest = max(lengths, default=0)
        if longest > self.max_tokens:
            raise EncoderError(
                f"A sequence of {longest} tokens is longer than the {self.max_tokens} that the "
                "model reads. Split it into windows first."
            )
        for sequence in sequences:
            if len(sequence) and not 0 <= int(sequence.min()) <= int(sequence.max()) < (
                self.config.vocab_size
            ):
                raise EncoderError(
                    f"A token id lies outside the model's vocabulary of {self.config.vocab_size}: "
                    "the tokenizer is another model's."
                )


def _embeddings(
    weights: Weights, config: LongformerConfig, numbers: Arithmetic
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the words' rows, and the rows of position 0, 1, … with token type 0 added."""
    hidden = config.hidden_size
    words = weights.take("embeddings.word_embeddings.weight", config.vocab_size, hidden)
    positions = weights.take(
        "embeddings.position_embeddings.weight", config.max_position_embeddings, hidden
    )
    types = weights.take("embeddings.token_type_embeddings.weight", config.type_vocab_size, hidden)
    return numbers.place(words), numbers.place(positions[config.pad_token_id + 1 :] + types[0])
