"""How right a cohort is: precision, recall and F1 of its members, AP of a ranking."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Quality:
    """How right a cohort is."""

    precision: float
    recall: float
    f1: float


def quality(members: Set[str], truth: Set[str]) -> Quality:
    """Return how right members are; without any, precision is 1, as nobody is in wrongly."""
    hits = len(members & truth)
    return Quality(
        hits / len(members) if members else 1.0,
        hits / max(len(truth), 1),
        2 * hits / max(len(members) + len(truth), 1),
    )


def average_precision(ranked: np.ndarray) -> float:
    """Return the mean of the precision at each label, over all labels among the ranked."""
    places = np.flatnonzero(ranked)
    if not len(places):
        return 0.0
    return float((np.arange(1, len(places) + 1) / (places + 1)).mean())


def best_f1(ranked: np.ndarray) -> float:
    """Return the F1 of the best so many, for the number that makes it highest."""
    sizes = np.arange(1, len(ranked) + 1)
    return float((2 * np.cumsum(ranked) / (sizes + ranked.sum())).max(initial=0.0))


def table(heads: list[str], rows: list[list[str | float]]) -> None:
    """Print a table in Markdown."""
    print("| " + " | ".join(heads) + " |")
    print("|" + " --- |" * len(heads))
    for row in rows:
        cells = [one if isinstance(one, str) else f"{one:.3f}" for one in row]
        print("| " + " | ".join(cells) + " |", flush=True)
