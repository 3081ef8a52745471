"""Whether one way of searching is better than another, or was lucky with these queries.

Source: Smucker, Allan, Carterette 2007, "A Comparison of Statistical Significance Tests for
Information Retrieval Evaluation": the paired randomisation test.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PERMUTATIONS = 10_000
_SEED = 20_240_229
_AT_ONCE = 1_000


def randomisation_p(
    ours: npt.NDArray[np.float64],
    theirs: npt.NDArray[np.float64],
    permutations: int = PERMUTATIONS,
    seed: int = _SEED,
) -> float:
    """Return how often chance alone makes a mean difference as large, either way.

    Which of two answers to a query was whose is drawn anew, so many times. The seed makes the
    result the same in every run.

    Args:
        ours: A measure of each query.
        theirs: The same measure of the same queries, in their order.
        permutations: How many draws.
        seed: Of the draws.

    Returns:
        A probability above 0: the draw that was seen counts, too.
    """
    differences = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    seen = abs(float(differences.sum()))
    random = np.random.default_rng(seed)
    as_large = 0
    for start in range(0, permutations, _AT_ONCE):
        count = min(_AT_ONCE, permutations - start)
        signs = random.integers(0, 2, (count, len(differences)), np.int8) * 2 - 1
        as_large += int(np.sum(np.abs(signs @ differences) >= seen - 1e-12))
    return (as_large + 1) / (permutations + 1)
