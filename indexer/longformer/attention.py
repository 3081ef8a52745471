"""Longformer's self-attention over packed sequences: a sliding window, and one global token.

A token sees ``reach`` tokens to each side, half of the layer's attention window
(Beltagy et al. 2020, section 3.1).
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as nnf

from notekin.indexer.longformer.packing import Run
from notekin.indexer.longformer.processor import has_tiles

BLOCK_TOKENS = 128
"""Queries that meet one band of keys; 64 to 320 are within a tenth of each other."""


def attend(
    qkv: torch.Tensor, run: Run, reach: int, gathered: torch.Tensor, *, global_first: bool
) -> None:
    """Fill in what each token of a run gathers from the tokens that it sees.

    Args:
        qkv: Queries, keys and values of all packed rows, shape (rows, 3, heads, head_dim);
            queries are scaled already.
        run: The rows that are meant.
        reach: Tokens seen to each side.
        gathered: Where the run's rows are filled in, shape (rows, heads * head_dim). A
            sequence's first row is that of a local token, whatever ``global_first``.
        global_first: Whether every token also sees its sequence's first token.
    """
    _, _, heads, head_dim = qkv.shape
    rows = qkv[run.start : run.stop].view(run.count, run.length, 3, heads, head_dim)
    query, key, value = rows.permute(2, 0, 3, 1, 4)  # each (count, heads, length, head_dim)
    into = gathered[run.start : run.stop].view(run.count, run.length, heads, head_dim)
    into = into.transpose(1, 2)
    if run.length <= reach + 1:  # the window hides nothing
        into.copy_(_mix(query, key, value))
    else:
        _see_bands(query, key, value, reach, into, global_first=global_first)


def _see_bands(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    reach: int,
    into: torch.Tensor,
    *,
    global_first: bool,
) -> None:
    """Attend in blocks of queries, each against the band of keys that any of them sees.

    All of shape (count, heads, length, head_dim).
    """
    length = query.shape[2]
    for start in range(0, length, BLOCK_TOKENS):
        stop = min(start + BLOCK_TOKENS, length)
        low, high = max(0, start - reach), min(length, stop + reach)
        keys, values = key[:, :, low:high], value[:, :, low:high]
        first_key = low - (start - reach)
        mask = _band(reach, query.dtype, query.device)
        mask = mask[: stop - start, first_key : first_key + high - low]
        if global_first:
            keys, values, mask = _with_first(key, value, mask, low, high)
        into[:, :, start:stop] = _mix(query[:, :, start:stop], keys, values, mask)


def _with_first(
    key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor, low: int, high: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return a band's keys, values and mask with the sequence's first token seen by all."""
    inner = max(low, 1)  # the first token comes once
    seen = mask.new_zeros(mask.shape[0], 1)
    keys = torch.cat([key[:, :, :1], key[:, :, inner:high]], dim=2)
    values = torch.cat([value[:, :, :1], value[:, :, inner:high]], dim=2)
    return keys, values, torch.cat([seen, mask[:, inner - low :]], dim=1)


@lru_cache(maxsize=16)
def _band(reach: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Return what is added to a block's scores, shape (BLOCK_TOKENS, BLOCK_TOKENS + 2 * reach).

    Key k lies k - reach - q after query q: 0 where that is within reach, minus infinity elsewhere.
    """
    hidden = torch.full((BLOCK_TOKENS, BLOCK_TOKENS + 2 * reach), float("-inf"))
    return (hidden.tril(-1) + hidden.triu(2 * reach + 1)).to(device, dtype)


def _mix(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return for each query the values weighted by softmax(query · key + mask).

    SDPA's kernel keeps the scores in cache. In bf16 it is fast on a processor with matrix
    tiles, and half as fast as two plain products on one without.
    """
    if query.device.type == "cpu" and query.dtype is torch.bfloat16 and not has_tiles():
        return mix_in_products(query, key, value, mask)
    return nnf.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=1.0)


def mix_in_products(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None
) -> torch.Tensor:
    """Return the same from two batched products, the scores in memory between them."""
    shape = query.shape
    query, key, value = (part.flatten(0, 1) for part in (query, key, value))
    scores = torch.bmm(query, key.transpose(1, 2))
    if mask is not None:
        scores += mask
    return torch.bmm(scores.softmax(dim=-1), value).view(shape)
