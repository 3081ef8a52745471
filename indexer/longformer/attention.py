"""Longformer's self-attention over packed sequences: a sliding window, and one global token.

A token sees ``reach`` tokens to each side, half of the layer's attention window
(Beltagy et al. 2020, section 3.1).
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as nnf

from notekin.indexer.longformer.packing import Run

BLOCK_TOKENS = 64
"""Queries that meet one band of keys; 128 is no faster, and SDPA is slower at either."""


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
    if run.length <= reach + 1:
        _see_all(query, key, value, into)
        return
    for sequence in range(run.count):
        _see_band(
            query[sequence],
            key[sequence],
            value[sequence],
            reach,
            into[sequence],
            global_first=global_first,
        )


def _see_all(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, into: torch.Tensor
) -> None:
    """Attend within the reach of every token: the window hides nothing."""
    if query.dtype is torch.bfloat16 and query.device.type == "cpu":
        # Twice as fast as SDPA's kernel in bf16, and half as fast in fp32.
        query, key, value = (part.reshape(-1, *part.shape[2:]) for part in (query, key, value))
        share = torch.bmm(query, key.transpose(1, 2)).softmax(dim=-1)
        into.copy_(torch.bmm(share, value).view(into.shape))
    else:
        into.copy_(nnf.scaled_dot_product_attention(query, key, value, scale=1.0))


def _see_band(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    reach: int,
    into: torch.Tensor,
    *,
    global_first: bool,
) -> None:
    """Attend in blocks of queries, each against the band of keys that any of them sees.

    All of shape (heads, length, head_dim).
    """
    length = query.shape[1]
    key = key.transpose(1, 2).contiguous()  # a product would copy each band otherwise
    for start in range(0, length, BLOCK_TOKENS):
        stop = min(start + BLOCK_TOKENS, length)
        low, high = max(0, start - reach), min(length, stop + reach)
        scores = torch.bmm(query[:, start:stop], key[:, :, low:high])
        _hide_corners(scores, low - start, reach)
        values = value[:, low:high]
        if global_first:
            first = query[:, start:stop] @ key[:, :, :1]
            if low == 0:
                scores[:, :, :1] = first
            else:
                scores = torch.cat([first, scores], dim=2)
                values = torch.cat([value[:, :1], values], dim=1)
        into[:, start:stop] = torch.bmm(scores.softmax(dim=-1), values)


def _hide_corners(scores: torch.Tensor, shift: int, reach: int) -> None:
    """Hide the keys of a band that lie beyond a query's reach: two triangles in its corners.

    Key k lies k + shift - q after query q.

    Args:
        scores: Shape (heads, queries, keys), changed in place.
        shift: Where the first key lies from the first query.
        reach: Keys seen to each side.
    """
    _, queries, keys = scores.shape
    far = max(0, reach + 1 - shift)  # the first key that any query does not see
    near = min(keys, queries - 1 - reach - shift)  # the keys before it, some query does not see
    if near > 0:
        scores[:, :, :near] += _below(
            queries, near, -shift - reach - 1, scores.dtype, scores.device
        )
    if far < keys:
        diagonal = reach + 1 - shift - far
        scores[:, :, far:] += _above(queries, keys - far, diagonal, scores.dtype, scores.device)


@lru_cache(maxsize=64)
def _below(
    queries: int, keys: int, diagonal: int, dtype: torch.dtype, device: torch.device
) -> torch.Tensor:
    """Return minus infinity on and below a diagonal; made once for all inner blocks alike."""
    everywhere = torch.full((queries, keys), float("-inf"), dtype=dtype, device=device)
    return everywhere.tril(diagonal)


@lru_cache(maxsize=64)
def _above(
    queries: int, keys: int, diagonal: int, dtype: torch.dtype, device: torch.device
) -> torch.Tensor:
    """Return minus infinity on and above a diagonal."""
    everywhere = torch.full((queries, keys), float("-inf"), dtype=dtype, device=device)
    return everywhere.triu(diagonal)
