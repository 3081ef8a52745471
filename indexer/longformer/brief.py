"""The forward pass for one short text, in numpy: what a process needs that asks one question.

Loading torch takes longer than everything else that such a process does
(docs/decisions/0014-cold-query.md). Within the reach of every token the sliding window hides
nothing, so a layer is plain attention and two norms, and numpy does these at once. Arrays
lie feature by token, which the products are faster with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from threadpoolctl import ThreadpoolController

from notekin.indexer.longformer.config import LongformerConfig
from notekin.indexer.longformer.mapped import Floats, MappedWeights
from notekin.indexer.longformer.packing import Ids
from notekin.types import Vectors

_ACTIVATION = "gelu"


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: Floats
    bias: Floats

    def __call__(self, columns: Floats) -> Floats:
        product: Floats = self.weight @ columns
        product += self.bias[:, None]
        return product


@dataclass(frozen=True, slots=True)
class _Norm:
    weight: Floats
    bias: Floats
    eps: float

    def __call__(self, columns: Floats) -> Floats:
        centred = columns - columns.mean(axis=0)
        centred /= np.sqrt(np.square(centred).mean(axis=0) + np.float32(self.eps))
        centred *= self.weight[:, None]
        centred += self.bias[:, None]
        normed: Floats = centred
        return normed


@dataclass(frozen=True, slots=True)
class _Layer:
    heads: int
    query: _Linear
    key: _Linear
    value: _Linear
    attended: _Linear
    attention_norm: _Norm
    widen: _Linear
    narrow: _Linear
    output_norm: _Norm

    def __call__(self, columns: Floats) -> Floats:
        columns = self.attention_norm(self.attended(self._gather(columns)) + columns)
        return self.output_norm(self.narrow(_gelu(self.widen(columns))) + columns)

    def _gather(self, columns: Floats) -> Floats:
        query, key, value = (
            part(columns).reshape(self.heads, -1, columns.shape[1])
            for part in (self.query, self.key, self.value)
        )
        query *= np.float32(query.shape[1] ** -0.5)
        share = np.exp(_below_zero(query.transpose(0, 2, 1) @ key))
        share /= share.sum(axis=2, keepdims=True)
        gathered: Floats = value @ share.transpose(0, 2, 1)
        return gathered.reshape(columns.shape)


class BriefLongformer:
    """A Longformer for single texts within the reach of every token, in float32 and one thread.

    Equal to ``PackedLongformer`` in float32 to rounding.
    """

    def __init__(self, weights: MappedWeights, config: LongformerConfig) -> None:
        """Find the weights; none is read yet.

        Raises:
            EncoderError: A weight is missing or of another shape than the config says.
        """
        hidden = config.hidden_size
        self._config = config
        self._words = weights.take("embeddings.word_embeddings.weight", config.vocab_size, hidden)
        self._positions = weights.take(
            "embeddings.position_embeddings.weight", config.max_position_embeddings, hidden
        )
        self._types = weights.take(
            "embeddings.token_type_embeddings.weight", config.type_vocab_size, hidden
        )
        self._norm = _norm(weights, "embeddings.LayerNorm", config)
        self._layers = [
            _layer(weights, config, number) for number in range(config.num_hidden_layers)
        ]
        self._longest = min(config.max_tokens, min(config.attention_window) // 2 + 1)
        self._threads = ThreadpoolController()

    @classmethod
    def of(cls, folder: Path, config: LongformerConfig) -> Self | None:
        """Return the model in a folder; None where it takes more than is done here.

        Raises:
            EncoderError: A weight is missing or of another shape than the config says.
        """
        if config.hidden_act != _ACTIVATION:
            return None
        weights = MappedWeights.of(folder)
        return cls(weights, config) if weights is not None else None

    def reads(self, sequences: Sequence[Ids], *, global_first: bool) -> bool:
        """Whether this is one short text, read without a global token."""
        if len(sequences) != 1 or global_first:
            return False
        ids = sequences[0]
        if not 0 < len(ids) <= self._longest:
            return False
        return int(ids.min()) >= 0 and int(ids.max()) < self._config.vocab_size

    def forward(self, ids: Ids) -> Vectors:
        """Return the last layer's vector of each token, float32 of shape (len(ids), dim)."""
        first = self._config.pad_token_id + 1
        rows = self._words[ids] + self._positions[first : first + len(ids)] + self._types[0]
        # More threads gain nothing on so little, and wait for each other where others work.
        with self._threads.limit(limits=1, user_api="blas"):
            columns = self._norm(np.ascontiguousarray(rows.T))
            for layer in self._layers:
                columns = layer(columns)
        return np.ascontiguousarray(columns.T)


def _layer(weights: MappedWeights, config: LongformerConfig, number: int) -> _Layer:
    hidden, wide, place = config.hidden_size, config.intermediate_size, f"encoder.layer.{number}"

    def linear(name: str, out: int = hidden, into: int = hidden) -> _Linear:
        weight = weights.take(f"{place}.{name}.weight", out, into)
        return _Linear(weight, weights.take(f"{place}.{name}.bias", out))

    return _Layer(
        heads=config.num_attention_heads,
        query=linear("attention.self.query"),
        key=linear("attention.self.key"),
        value=linear("attention.self.value"),
        attended=linear("attention.output.dense"),
        attention_norm=_norm(weights, f"{place}.attention.output.LayerNorm", config),
        widen=linear("intermediate.dense", wide, hidden),
        narrow=linear("output.dense", hidden, wide),
        output_norm=_norm(weights, f"{place}.output.LayerNorm", config),
    )


def _norm(weights: MappedWeights, name: str, config: LongformerConfig) -> _Norm:
    weight, bias = (
        weights.take(f"{name}.{part}", config.hidden_size) for part in ("weight", "bias")
    )
    return _Norm(weight, bias, config.layer_norm_eps)


def _below_zero(scores: Floats) -> Floats:
    """Move each row of scores so that its highest is 0, which softmax doesn't see."""
    below: Floats = scores - scores.max(axis=2, keepdims=True)
    return below


def _gelu(columns: Floats) -> Floats:
    half = np.float32(0.5)
    activated: Floats = half * columns * (1 + _erf(columns * np.sqrt(half)))
    return activated


def _erf(values: Floats) -> Floats:
    """Return the error function to 1.5e-7 (Abramowitz and Stegun 1964, formula 7.1.26)."""
    size = np.abs(values)
    step = 1 / (1 + np.float32(0.3275911) * size)
    series = np.float32(1.061405429) * step
    for term in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series += np.float32(term)
        series *= step
    erf: Floats = np.copysign(1 - series * np.exp(-np.square(size)), values)
    return erf
