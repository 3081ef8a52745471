"""Attention in blocks gives what attention over everything, with the window as a mask, gives."""

from __future__ import annotations

import pytest
import torch

from notekin.indexer.longformer import attention
from notekin.indexer.longformer.attention import BLOCK_TOKENS, attend, mix_in_products
from notekin.indexer.longformer.packing import Run
from tests.support.devices import DEVICES

HEADS, HEAD_DIM = 3, 8
LENGTHS = (1, 17, 18, BLOCK_TOKENS - 1, BLOCK_TOKENS, BLOCK_TOKENS + 1, 2 * BLOCK_TOKENS + 40)
CLOSE = {torch.float32: 1e-5, torch.bfloat16: 0.03}


def random_qkv(rows: int, dtype: torch.dtype, device: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(rows)
    qkv = torch.randn(rows, 3, HEADS, HEAD_DIM, generator=generator)
    qkv[:, 0] *= HEAD_DIM**-0.5
    return qkv.to(device, dtype)


def in_full(qkv: torch.Tensor, reach: int, *, global_first: bool) -> torch.Tensor:
    """The plain way: every score, and those beyond the window hidden; shape (rows, hidden)."""
    query, key, value = qkv.double().permute(1, 2, 0, 3)
    scores = query @ key.transpose(1, 2)
    place = torch.arange(len(qkv), device=qkv.device)
    hidden = (place[:, None] - place).abs() > reach
    if global_first:
        hidden[:, 0] = False
    mixed: torch.Tensor = scores.masked_fill(hidden, float("-inf")).softmax(dim=-1) @ value
    return mixed.transpose(0, 1).flatten(1).float()


@pytest.mark.parametrize("tiles", [True, False])
@pytest.mark.parametrize("dtype", CLOSE, ids=str)
@pytest.mark.parametrize("global_first", [False, True])
@pytest.mark.parametrize("reach", [16, 100, 256])
@pytest.mark.parametrize("device", DEVICES)
def test_a_token_gathers_from_the_tokens_in_its_window_alone(
    device: str,
    reach: int,
    global_first: bool,
    dtype: torch.dtype,
    tiles: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attention, "has_tiles", lambda: tiles)
    for length in LENGTHS:
        qkv = random_qkv(5 + 2 * length, dtype, device)
        run = Run(start=5, count=2, length=length)
        gathered = torch.full((len(qkv), HEADS * HEAD_DIM), 7.0).to(device, dtype)
        attend(qkv, run, reach, gathered, global_first=global_first)
        assert bool((gathered[:5] == 7).all())
        parts = qkv[5:].view(2, length, 3, HEADS, HEAD_DIM)
        for part, rows in zip(parts, gathered[5:].view(2, length, -1), strict=True):
            expected = in_full(part, reach, global_first=global_first)
            assert torch.allclose(rows.float(), expected, rtol=0, atol=CLOSE[dtype])


@pytest.mark.parametrize("device", DEVICES)
def test_two_products_give_what_sdpa_gives(device: str) -> None:
    query, key, value = random_qkv(40, torch.float32, device).permute(1, 2, 0, 3)[:, None]
    mask = torch.randn(40, 40, generator=torch.Generator().manual_seed(0)).to(device)
    for hidden in (None, mask):
        plain = mix_in_products(query, key, value, hidden)
        fused = torch.nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=hidden, scale=1.0
        )
        assert torch.allclose(plain, fused, rtol=0, atol=1e-5)
