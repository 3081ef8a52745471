"""Each routine for a product gives the product."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as nnf

from notekin.indexer.longformer import precision
from notekin.indexer.longformer.linear import (
    Int8Linear,
    Linear,
    OneDnnLinear,
    PlainLinear,
    int8_is_right,
    onednn_is_right_and_fast,
)
from notekin.indexer.longformer.model import PackedLongformer
from notekin.indexer.longformer.precision import Precision, arithmetic
from notekin.indexer.longformer.processor import multiplies_bf16
from tests.support.tiny_longformer import write_tiny_longformer

ACTIVATIONS: dict[str | None, Callable[[torch.Tensor], torch.Tensor]] = {
    None: lambda product: product,
    "relu": lambda product: product.relu(),
    "gelu": lambda product: nnf.gelu(product),
    "gelu_new": lambda product: nnf.gelu(product, approximate="tanh"),
    "gelu_pytorch_tanh": lambda product: nnf.gelu(product, approximate="tanh"),
}


def sample(rows: int = 40) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(96, 64, generator=generator) / 8
    return torch.randn(rows, 64, generator=generator), weight, torch.randn(96, generator=generator)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_routine_gives_the_activated_product(activation: str | None) -> None:
    rows, weight, bias = sample()
    expected = ACTIVATIONS[activation](rows.double() @ weight.double().T + bias).float()
    plain = PlainLinear(weight, bias, activation)(rows)
    assert torch.allclose(plain, expected, rtol=0, atol=1e-5)
    if onednn_is_right_and_fast(torch.float32):
        packed = OneDnnLinear.pack(weight, bias, activation)(rows)
        assert torch.allclose(packed, expected, rtol=0, atol=1e-5)
    if int8_is_right():
        rounded = Int8Linear.pack(weight, bias, activation)(rows)
        assert float((rounded - expected).abs().mean()) < 0.01


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_routine_adds_its_product_to_a_base(dtype: torch.dtype) -> None:
    rows, weight, bias = sample()
    base = torch.randn(40, 96, generator=torch.Generator().manual_seed(2))
    expected = (base.double() + rows.double() @ weight.double().T + bias).float()
    kept, rows = base.to(dtype), rows.to(dtype)
    close = 1e-5 if dtype is torch.float32 else 0.06
    products: list[Linear] = [PlainLinear(weight.to(dtype), bias.to(dtype), None)]
    if onednn_is_right_and_fast(dtype):
        products.append(OneDnnLinear.pack(weight.to(dtype), bias.to(dtype), None))
    for product in products:
        assert torch.allclose(product.add_to(kept, rows).float(), expected, rtol=0, atol=close)
    if int8_is_right():
        added = Int8Linear.pack(weight, bias, None).add_to(kept, rows)
        assert float((added - expected).abs().mean()) < 0.02
    assert torch.equal(kept, base.to(dtype))


def test_int8_never_wraps_a_rows_largest_value_around() -> None:
    if not int8_is_right():
        return
    product = Int8Linear.pack(torch.eye(64), torch.zeros(64), None)
    for largest in torch.linspace(1, 2, 257):
        rows = torch.zeros(1, 64, dtype=torch.bfloat16)
        rows[0, 0], rows[0, 1] = largest, -largest
        assert torch.allclose(product(rows), rows, rtol=0.02, atol=0)


def test_int8_rounds_to_the_nearest_level() -> None:
    if not int8_is_right():
        return
    rows, _, _ = sample(400)
    sums = Int8Linear.pack(torch.ones(8, 64), torch.zeros(8), None)(rows)[:, 0]
    level = float(rows.abs().amax(dim=1).mean()) / 127
    assert abs(float((sums - rows.sum(dim=1)).mean())) < 64 * level * 0.05


def test_int8_gives_a_row_the_same_whatever_lies_beside_it() -> None:
    if not int8_is_right():
        return
    rows, weight, bias = sample()
    product = Int8Linear.pack(weight, bias, None)
    rows[7] *= 1000
    assert torch.allclose(product(rows)[:7], product(rows[:7]), rtol=0, atol=1e-5)
    assert torch.equal(product(torch.zeros(1, 64))[0], bias)


def test_without_onednn_the_model_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_tiny_longformer(tmp_path)
    sequence = torch.arange(3, 203).numpy()
    expected = PackedLongformer.from_folder(folder).forward([sequence])
    monkeypatch.setattr(precision, "onednn_is_right_and_fast", lambda dtype: False)
    plain = PackedLongformer.from_folder(folder)
    assert isinstance(plain._layers[0].widen, PlainLinear)
    assert torch.allclose(plain.forward([sequence]), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("pays", [True, False])
def test_auto_is_bf16_where_the_processor_has_it(
    pays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "multiplies_bf16", lambda: pays)
    expected = Precision.BF16 if pays else Precision.FP32
    assert arithmetic("auto", "cpu").precision is expected


@pytest.mark.parametrize(
    ("capabilities", "has"),
    [
        ({"avx512_bf16": True, "l2_cache_size": 1024}, True),
        ({"avx512_bf16": False, "amx_bf16": True}, True),
        ({"avx512_bf16": False, "avx512_f": True}, False),
        ({}, False),
    ],
)
def test_the_processor_says_whether_it_has_bf16(
    capabilities: dict[str, object], has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert multiplies_bf16() is has
