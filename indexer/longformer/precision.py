"""How numbers are held on this machine: precision and device."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import torch

from notekin.errors import UsageError
from notekin.indexer.longformer.linear import (
    Int8Linear,
    Linear,
    OneDnnLinear,
    PlainLinear,
    int8_is_right,
    onednn_is_right_and_fast,
)
from notekin.indexer.longformer.processor import multiplies_bf16


class Precision(StrEnum):
    """What the linear layers are computed in."""

    FP32 = "fp32"
    BF16 = "bf16"
    INT8 = "int8"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """The precision and the device of a model, and how its weights get there."""

    precision: Precision
    device: torch.device

    @property
    def dtype(self) -> torch.dtype:
        """What activations are held in."""
        return torch.float32 if self.precision is Precision.FP32 else torch.bfloat16

    def place(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return a weight on the device, in the activations' dtype."""
        return tensor.to(self.device, self.dtype)

    def linear(
        self, weight: torch.Tensor, bias: torch.Tensor, activation: str | None = None
    ) -> Linear:
        """Return the product with this weight, laid out for the fastest routine that is right."""
        if self.precision is Precision.INT8:
            return Int8Linear.pack(weight, bias, activation)
        weight, bias = self.place(weight), self.place(bias)
        if self.device.type == "cpu" and onednn_is_right_and_fast(self.dtype):
            return OneDnnLinear.pack(weight, bias, activation)
        return PlainLinear(weight, bias, activation)


def arithmetic(precision: str, device: str) -> Arithmetic:
    """Return what a person's choice of precision and device means on this machine.

    ``auto`` is bf16 where the processor multiplies it by itself, and fp32 elsewhere;
    int8 moves neighbours, so it is only ever a person's choice.

    Raises:
        UsageError: There is no such precision, or this machine can't run it.
    """
    place = torch.device(device)
    if precision == "auto":
        return Arithmetic(Precision.BF16 if _bf16_pays(place) else Precision.FP32, place)
    if precision not in list(Precision):
        raise UsageError(f"No precision {precision}: say fp32, bf16, int8 or auto.")
    chosen = Precision(precision)
    if chosen is Precision.INT8 and not (place.type == "cpu" and int8_is_right()):
        raise UsageError("This machine can't run int8. Say --precision auto.")
    return Arithmetic(chosen, place)


def _bf16_pays(device: torch.device) -> bool:
    return torch.cuda.is_bf16_supported() if device.type == "cuda" else multiplies_bf16()
