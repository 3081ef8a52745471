"""One layer of a Longformer over packed rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as nnf

from notekin.indexer.longformer.attention import attend
from notekin.indexer.longformer.config import LongformerConfig
from notekin.indexer.longformer.linear import Linear
from notekin.indexer.longformer.packing import Run
from notekin.indexer.longformer.precision import Arithmetic
from notekin.indexer.longformer.weights import Weights

ROWS_TOGETHER = 256
"""Rows that go through a layer's products at once: what is between these stays in cache.

A processor's cache, that is; a GPU takes all rows at once."""


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer normalisation."""

    weight: torch.Tensor
    bias: torch.Tensor
    eps: float

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Return each row with mean 0 and variance 1, then scaled and moved."""
        return nnf.layer_norm(rows, self.weight.shape, self.weight, self.bias, self.eps)


@dataclass(frozen=True, slots=True)
class GlobalToken:
    """What the first token gathers from its whole sequence, by projections of its own.

    It is one query for each sequence, so its keys and values are never formed:
    q·(W x + b) is (Wᵀq)·x plus a constant that softmax drops, and the mean of W x + b is
    W times the mean of x, plus b.

    Attributes:
        query_weight: Shape (heads, head_dim, hidden), scaled as queries are.
        key_weight: Shape (heads, head_dim, hidden).
        value_weight: Shape (heads, head_dim, hidden).
    """

    query_weight: torch.Tensor
    query_bias: torch.Tensor
    key_weight: torch.Tensor
    value_weight: torch.Tensor
    value_bias: torch.Tensor

    def gather(self, rows: torch.Tensor, run: Run) -> torch.Tensor:
        """Return the first tokens' rows, shape (run.count, hidden), from the layer's input."""
        tokens = rows[run.start : run.stop].view(run.count, run.length, -1).float()
        query = torch.einsum("cx,hdx->chd", tokens[:, 0], self.query_weight) + self.query_bias
        asked = torch.einsum("chd,hdx->chx", query, self.key_weight)
        share = (asked @ tokens.transpose(1, 2)).softmax(dim=-1)  # (count, heads, length)
        mean = share @ tokens
        value = torch.einsum("chx,hdx->chd", mean, self.value_weight) + self.value_bias
        return value.flatten(1).to(rows.dtype)


@dataclass(frozen=True, slots=True)
class Layer:
    """Attention, then a feed-forward network; each added to its input and normalised."""

    heads: int
    reach: int
    qkv: Linear
    attended: Linear
    attention_norm: Norm
    widen: Linear
    narrow: Linear
    output_norm: Norm
    global_token: GlobalToken

    def __call__(
        self, rows: torch.Tensor, runs: Sequence[Run], *, global_first: bool
    ) -> torch.Tensor:
        """Return the layer's output for packed rows, shape (rows, hidden)."""
        gathered = self._gather(rows, runs, global_first=global_first)
        together = ROWS_TOGETHER if rows.device.type == "cpu" else len(rows)
        parts = zip(torch.split(gathered, together), torch.split(rows, together), strict=True)
        return torch.cat([self._think(*part) for part in parts])

    def _gather(
        self, rows: torch.Tensor, runs: Sequence[Run], *, global_first: bool
    ) -> torch.Tensor:
        """Return what each row's heads gather from the rows that they see."""
        qkv = self.qkv(rows).view(rows.shape[0], 3, self.heads, -1)
        gathered = torch.empty_like(rows)
        for run in runs:
            attend(qkv, run, self.reach, gathered, global_first=global_first)
            if global_first:
                first = gathered[run.start : run.stop : run.length]
                first.copy_(self.global_token.gather(rows, run))
        return gathered

    def _think(self, gathered: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        rows = self.attention_norm(self.attended.add_to(rows, gathered))
        return self.output_norm(self.narrow.add_to(rows, self.widen(rows)))


@dataclass(frozen=True, slots=True)
class _Reader:
    """The weights of one layer."""

    weights: Weights
    config: LongformerConfig
    arithmetic: Arithmetic
    number: int

    def pair(self, name: str, out: int, into: int) -> tuple[torch.Tensor, torch.Tensor]:
        place = f"encoder.layer.{self.number}.{name}"
        weight = self.weights.take(f"{place}.weight", out, into)
        return weight, self.weights.take(f"{place}.bias", out)

    def square(self, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        return self.pair(name, self.config.hidden_size, self.config.hidden_size)

    def norm(self, name: str) -> Norm:
        return read_norm(
            self.weights, f"encoder.layer.{self.number}.{name}", self.config, self.arithmetic
        )

    def qkv(self) -> Linear:
        roles = [self.square(f"attention.self.{role}") for role in ("query", "key", "value")]
        scale = self.config.head_dim**-0.5
        roles[0] = (roles[0][0] * scale, roles[0][1] * scale)
        weights, biases = zip(*roles, strict=True)
        return self.arithmetic.linear(torch.cat(weights), torch.cat(biases))

    def global_token(self) -> GlobalToken:
        heads, scale = self.config.num_attention_heads, self.config.head_dim**-0.5
        query, key, value = (
            [
                tensor.to(self.arithmetic.device).view(
                    heads, self.config.head_dim, *tensor.shape[1:]
                )
                for tensor in pair
            ]
            for pair in (
                self.square(f"attention.self.{role}_global") for role in ("query", "key", "value")
            )
        )
        return GlobalToken(query[0] * scale, query[1] * scale, key[0], value[0], value[1])


def read_layer(
    weights: Weights, config: LongformerConfig, arithmetic: Arithmetic, number: int
) -> Layer:
    """Return one layer, its weights laid out for this precision and device.

    Raises:
        EncoderError: A weight is missing or of another shape than the config says.
    """
    read = _Reader(weights, config, arithmetic, number)
    hidden, wide = config.hidden_size, config.intermediate_size
    return Layer(
        heads=config.num_attention_heads,
        reach=config.attention_window[number] // 2,
        qkv=read.qkv(),
        attended=arithmetic.linear(*read.square("attention.output.dense")),
        attention_norm=read.norm("attention.output.LayerNorm"),
        widen=arithmetic.linear(*read.pair("intermediate.dense", wide, hidden), config.hidden_act),
        narrow=arithmetic.linear(*read.pair("output.dense", hidden, wide)),
        output_norm=read.norm("output.LayerNorm"),
        global_token=read.global_token(),
    )


def read_norm(
    weights: Weights, name: str, config: LongformerConfig, arithmetic: Arithmetic
) -> Norm:
    """Return one layer normalisation.

    Raises:
        EncoderError: A weight is missing or of another shape than the config says.
    """
    weight, bias = (
        arithmetic.place(weights.take(f"{name}.{part}", config.hidden_size))
        for part in ("weight", "bias")
    )
    return Norm(weight, bias, config.layer_norm_eps)
