"""Logistic regression with a Gaussian prior, by Newton's method; for tens of verdicts.

scikit-learn fits the same without the prior's mean, and takes two seconds to be imported
(docs/decisions/0012-calibration.md); a test holds that the two agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]

MOST_STEPS = 50
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Prior:
    """What is thought of the weights before any verdict: independent normal distributions.

    Attributes:
        mean: Of shape (features,).
        deviation: Their standard deviations, above 0.
    """

    mean: Array
    deviation: Array

    @property
    def precision(self) -> Array:
        """One over the variances."""
        found: Array = self.deviation**-2
        return found


def fit(features: Array, truths: Array, prior: Prior) -> Array:
    """Return the weights of highest posterior probability; there is exactly one set.

    Args:
        features: Of shape (n, features); a constant column where an intercept is wanted.
        truths: 1 or 0 for each row. Without rows, the prior's mean comes back.
        prior: As many weights as features.
    """
    weights: Array = prior.mean
    for _ in range(MOST_STEPS):
        chances = probability_of(features @ weights)
        slope = features.T @ (truths - chances) - prior.precision * (weights - prior.mean)
        spread = features * (chances * (1.0 - chances))[:, None]
        curvature = spread.T @ features + np.diag(prior.precision)
        step = np.linalg.solve(curvature, slope).astype(np.float64)
        weights = weights + _shortened(step, weights, features, truths, prior)
        if np.max(np.abs(step), initial=0.0) < TOLERANCE:
            break
    return weights


def probability_of(logits: Array) -> Array:
    """Return the probability of each log odds, without overflow."""
    found: Array = 0.5 * (1.0 + np.tanh(0.5 * logits))
    return found


def _shortened(step: Array, weights: Array, features: Array, truths: Array, prior: Prior) -> Array:
    """Return the step, halved until the posterior does not fall."""
    before = _posterior(weights, features, truths, prior)
    for _ in range(MOST_STEPS):
        if _posterior(weights + step, features, truths, prior) >= before - TOLERANCE:
            break
        step = step / 2
    return step


def _posterior(weights: Array, features: Array, truths: Array, prior: Prior) -> float:
    """Return the logarithm of the posterior probability, up to a constant."""
    logits = features @ weights
    likelihood = truths * logits - np.logaddexp(0.0, logits)
    return float(likelihood.sum() - 0.5 * (prior.precision * (weights - prior.mean) ** 2).sum())
