"""What the processor multiplies by itself.

Asked of the processor, never timed: the same machine must give the same vectors every day.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch


def multiplies_bf16() -> bool:
    """Whether the processor multiplies bf16 itself; those that imitate it are slow."""
    return any(has for name, has in _capabilities().items() if name.endswith("bf16"))


@cache
def has_tiles() -> bool:
    """Whether it multiplies whole tiles of bf16 matrices at once (Intel's AMX)."""
    return _capabilities().get("amx_bf16", False)


def _capabilities() -> dict[str, bool]:
    stated: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return {name: bool(has) for name, has in stated.items()}
