"""Products with a weight matrix, by the routines that a processor may be fastest with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, Self

import torch
import torch.nn.functional as nnf


class Linear(Protocol):
    """A product with a weight matrix, with what follows it."""

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Return activation(rows Wᵀ + b), shape (rows, out)."""
        ...

    def add_to(self, base: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Return base + rows Wᵀ + b, shape (rows, out); for products without an activation."""
        ...


@dataclass(frozen=True, slots=True)
class PlainLinear:
    """The product as torch takes it, on any device."""

    weight: torch.Tensor
    bias: torch.Tensor
    activation: str | None

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Return activation(rows Wᵀ + b), shape (rows, out)."""
        return _activate(nnf.linear(rows, self.weight, self.bias), self.activation)

    def add_to(self, base: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Return base + rows Wᵀ + b, shape (rows, out)."""
        return nnf.linear(rows, self.weight, self.bias).add_(base)


@dataclass(frozen=True, slots=True)
class OneDnnLinear:
    """The product by oneDNN, its weight laid out beforehand and the activation fused in."""

    weight: torch.Tensor
    bias: torch.Tensor
    fused: tuple[str, str]

    @classmethod
    def pack(cls, weight: torch.Tensor, bias: torch.Tensor, activation: str | None) -> Self:
        """Lay the weight out for oneDNN; it can't be read back."""
        packed = torch.ops.mkldnn._reorder_linear_weight(weight)
        return cls(packed, bias, _fused(activation))

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Return activation(rows Wᵀ + b), shape (rows, out)."""
        name, algorithm = self.fused
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            rows, self.weight, self.bias, name, [], algorithm
        )
        return product

    def add_to(self, base: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Return base + rows Wᵀ + b, shape (rows, out)."""
        total: torch.Tensor = torch.ops.mkldnn._linear_pointwise.binary(
            rows, base, self.weight, self.bias, "add"
        )
        return total


@dataclass(frozen=True, slots=True)
class Int8Linear:
    """The product in integers: each weight row and each activation row has its own scale.

    Attributes:
        weight: int8, laid out for oneDNN.
        scales: float32 of shape (out,), of the weight's rows.
    """

    weight: torch.Tensor
    scales: torch.Tensor
    zeros: torch.Tensor
    bias: torch.Tensor
    activation: str | None

    @classmethod
    def pack(cls, weight: torch.Tensor, bias: torch.Tensor, activation: str | None) -> Self:
        """Round the weight to int8."""
        scales = (weight.abs().amax(dim=1) / 127).clamp_min(1e-12)
        rounded = (weight / scales[:, None]).round().to(torch.int8)
        packed = torch.ops.onednn.qlinear_prepack(rounded, None)
        zeros = torch.zeros(len(scales), dtype=torch.int32)
        return cls(packed, scales, zeros, bias.float(), activation)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Return activation(rows Wᵀ + b), shape (rows, out)."""
        product, steps = self._multiply(rows)
        return _activate(torch.addcmul(self.bias.to(rows.dtype), product, steps), self.activation)

    def add_to(self, base: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Return base + rows Wᵀ + b, shape (rows, out)."""
        product, steps = self._multiply(rows)
        return torch.addcmul(base, product, steps).add_(self.bias.to(rows.dtype))

    def _multiply(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the product with each row's levels, and what one level of each row is."""
        # A step that the rows' dtype holds exactly scales the product without an error of its
        # own; at 126 levels no rounding can push the largest value past 127.
        steps = (rows.abs().amax(dim=1, keepdim=True) / 126).clamp_min_(1e-12)
        levels = (rows / steps).round_().to(torch.int8)
        product = torch.ops.onednn.qlinear_pointwise(
            levels, 1.0, 0, self.weight, self.scales, self.zeros,
            None, 1.0, 0, rows.dtype, "none", [], "",
        )  # fmt: skip
        return product, steps


@cache
def onednn_is_right_and_fast(dtype: torch.dtype) -> bool:
    """Whether oneDNN agrees with torch's own product here and is not far slower.

    It is the faster one wherever it has a routine for the processor. Timing is noisy and
    the choice must not change from day to day, so only a routine that is out of place (three
    times slower) is turned down.
    """
    rows, weight, bias = (tensor.to(dtype) for tensor in _sample())
    plain = PlainLinear(weight, bias, "gelu")
    try:
        packed = OneDnnLinear.pack(weight, bias, "gelu")
        right = _agree(packed(rows), plain(rows), 1e-5 if dtype is torch.float32 else 2e-2)
    except (RuntimeError, AttributeError):
        return False
    return right and _seconds(packed, rows) < 3 * _seconds(plain, rows)


@cache
def int8_is_right() -> bool:
    """Whether this processor's int8 product agrees with fp32 to int8's rounding."""
    rows, weight, bias = _sample()
    try:
        product = Int8Linear.pack(weight, bias, None)(rows)
    except (RuntimeError, AttributeError):
        return False
    return _agree(product, PlainLinear(weight, bias, None)(rows), 3e-2)


def _activate(rows: torch.Tensor, activation: str | None) -> torch.Tensor:
    if activation is None:
        return rows
    if activation == "relu":
        return rows.relu_()
    return nnf.gelu(rows, approximate="none" if activation == "gelu" else "tanh")


def _fused(activation: str | None) -> tuple[str, str]:
    if activation is None:
        return "none", ""
    if activation == "relu":
        return "relu", ""
    return "gelu", "none" if activation == "gelu" else "tanh"


def _sample() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(128, 512, generator=generator)
    weight = torch.randn(1024, 512, generator=generator) / 512**0.5
    return rows, weight, torch.randn(1024, generator=generator)


def _agree(left: torch.Tensor, right: torch.Tensor, tolerance: float) -> bool:
    difference: Any = (left.float() - right.float()).abs().max()
    return bool(difference <= tolerance * right.float().abs().max())


def _seconds(product: Linear, rows: torch.Tensor) -> float:
    product(rows)
    taken: list[float] = []
    for _ in range(5):
        start = time.perf_counter()
        product(rows)
        taken.append(time.perf_counter() - start)
    return min(taken)
