"""Verdicts make probabilities of scores, a cut of probabilities, and say how right it is."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from notekin.search.cohort.accuracy import Accuracy, Estimate, Given, accuracy_of
from notekin.search.cohort.calibration import (
    Aim,
    AimKind,
    Candidates,
    Judged,
    Model,
    calibrate,
    cut_for,
)
from notekin.search.cohort.logistic import Array, Prior, fit, probability_of
from notekin.search.cohort.sampling import Places, permanent_numbers, sample_of


def population(seed: int, units: int, of_vectors: float = 3.0) -> tuple[Candidates, Array]:
    """Return made-up units and what a person would say of each: the odds fall with the rank."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=units)
    vectors = random.normal(size=(units, 12))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    ranks = np.argsort(np.argsort(-scores))
    odds = np.exp(3.0 - np.log1p(ranks) + of_vectors * vectors[:, 0])
    truths = (random.random(units) < odds / (1 + odds)).astype(np.float64)
    ids = random.permutation(10 * units)[:units].astype(np.int64)
    return Candidates(ids, scores.astype(np.float32), vectors.astype(np.float32)), truths


def rare(seed: int, units: int) -> tuple[Candidates, Array]:
    """Return made-up units of which few are meant, at the top and told apart by their vectors."""
    candidates, _ = population(seed, units)
    random = np.random.default_rng(seed)
    truths = np.zeros(units)
    top = np.argsort(-candidates.scores)[:30]
    truths[top[random.random(30) < 0.3]] = 1.0
    vectors = np.array(candidates.vectors)
    vectors[truths > 0, 0] = 3.0
    return Candidates(candidates.ids, candidates.scores, vectors), truths


def judged(places: Places, truths: Array) -> Judged:
    return Judged(places, truths[places])


# the sample


def test_every_unit_is_drawn_once_and_no_stratum_is_left_out_for_long() -> None:
    candidates, _ = population(1, 500)
    sample = sample_of(candidates.scores, candidates.ids)
    assert sorted(sample.order) == list(range(500))
    first = np.bincount(sample.strata[sample.order[:25]])
    assert first.tolist() == [5] * 5


def test_strata_follow_the_scores_and_the_first_are_small() -> None:
    candidates, _ = population(1, 500)
    strata = sample_of(candidates.scores, candidates.ids).strata
    assert np.all(np.diff(strata[np.argsort(-candidates.scores)]) >= 0)
    sizes = np.bincount(strata)
    assert sizes[0] == 8
    assert np.all(np.diff(sizes) > 0)


def test_each_unit_of_a_stratum_is_as_likely_to_be_drawn_as_the_chance_says() -> None:
    candidates, _ = population(2, 60)
    drawn = np.zeros(60)
    for seed in range(3000):
        sample = sample_of(candidates.scores, candidates.ids, seed)
        drawn[sample.order[:12]] += 1
    chance = sample_of(candidates.scores, candidates.ids).inclusion(12)
    assert chance.sum() == pytest.approx(12)
    assert np.abs(drawn / 3000 - chance).max() < 4 * np.sqrt(0.25 / 3000)


def test_a_unit_keeps_its_turn_when_others_come() -> None:
    ids = np.arange(1000, dtype=np.int64)
    numbers = permanent_numbers(ids, 7)
    assert np.array_equal(permanent_numbers(ids[::3], 7), numbers[::3])
    assert 0 <= numbers.min() < numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 0.05
    assert not np.array_equal(permanent_numbers(ids, 8), numbers)


@pytest.mark.parametrize("units", [0, 1, 7, 8, 9, 30])
def test_few_units_are_all_drawn(units: int) -> None:
    scores, ids = np.linspace(1, 0, units).astype(np.float32), np.arange(units, dtype=np.int64)
    assert sorted(sample_of(scores, ids).order) == list(range(units))


# the logistic model


def test_the_fit_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(3)
    features = random.normal(size=(80, 3))
    truths = (random.random(80) < probability_of(features @ [1.0, -2.0, 0.5])).astype(float)
    prior = Prior(np.zeros(3), np.full(3, 1.5))
    expected = LogisticRegression(C=1.5**2, fit_intercept=False, tol=1e-10, max_iter=1000)
    expected.fit(features, truths)
    assert fit(features, truths, prior) == pytest.approx(expected.coef_[0], abs=1e-5)


def test_without_verdicts_the_prior_comes_back_and_with_many_it_is_outweighed() -> None:
    random = np.random.default_rng(4)
    features = random.normal(size=(4000, 2))
    truths = (random.random(4000) < probability_of(features @ [1.0, -1.0])).astype(float)
    prior = Prior(np.array([-3.0, 5.0]), np.array([1.0, 1.0]))
    assert fit(features[:0], truths[:0], prior) == pytest.approx([-3.0, 5.0])
    assert fit(features, truths, prior) == pytest.approx([1.0, -1.0], abs=0.15)


def test_verdicts_that_are_all_alike_have_a_fit() -> None:
    features = np.array([[1.0, 50.0], [1.0, -900.0]])
    weights = fit(features, np.ones(2), Prior(np.zeros(2), np.ones(2)))
    assert np.all(np.isfinite(weights))
    assert np.all(probability_of(features @ weights) > 0.5)


# the cut


def test_the_cut_of_f1_is_the_best_of_all_cuts_in_expectation() -> None:
    probabilities = np.array([0.9, 0.05, 0.8, 0.3, 0.6, 0.1])
    nobody = Judged(np.zeros(0, np.int64), np.zeros(0))
    cut = cut_for(probabilities, nobody, Aim())
    total = probabilities.sum()

    def expected(at: float) -> float:
        passing = probabilities[probabilities >= at]
        return float(2 * passing.sum() / (len(passing) + total))

    assert expected(cut) == max(map(expected, probabilities))


@pytest.mark.parametrize(
    ("aim", "passing"),
    [
        (Aim(AimKind.PRECISION, 0.85), 2),
        (Aim(AimKind.PRECISION, 0.75), 3),
        (Aim(AimKind.PRECISION, 0.99), 0),
        (Aim(AimKind.RECALL, 0.6), 2),
        (Aim(AimKind.RECALL, 0.99), 6),
    ],
)
def test_a_cut_reaches_what_it_aims_at_with_as_many_or_few_as_can_be(
    aim: Aim, passing: int
) -> None:
    probabilities = np.array([0.9, 0.05, 0.8, 0.3, 0.6, 0.1])
    nobody = Judged(np.zeros(0, np.int64), np.zeros(0))
    assert (probabilities >= cut_for(probabilities, nobody, aim)).sum() == passing


def test_what_was_judged_passes_as_it_was_judged() -> None:
    candidates, truths = population(5, 400)
    places = sample_of(candidates.scores, candidates.ids).order[:40]
    passes = calibrate(candidates, judged(places, truths)).passes
    assert passes[places].tolist() == (truths[places] > 0).tolist()


def test_verdicts_bring_up_what_is_like_the_yes_and_not_like_the_no() -> None:
    candidates, truths = population(6, 400, of_vectors=8.0)
    places = sample_of(candidates.scores, candidates.ids).order[:60]
    before = calibrate(candidates, judged(places[:0], truths)).probabilities
    after = calibrate(candidates, judged(places, truths)).probabilities
    rest = np.delete(np.arange(400), places)

    def separation(probabilities: Array) -> float:
        """Return how often a yes stands above a no."""
        yes, no = (probabilities[rest][truths[rest] == one] for one in (1, 0))
        return float((yes[:, None] > no).mean())

    assert separation(after) > separation(before) + 0.05


def test_scores_alone_can_be_calibrated_and_equal_scores_do_no_harm() -> None:
    candidates = Candidates(np.arange(50), np.ones(50, np.float32))
    found = calibrate(candidates, Judged(np.array([3, 4]), np.array([1.0, 0.0])))
    assert np.all(np.isfinite(found.probabilities))
    assert (
        calibrate(
            Candidates(np.zeros(0, np.int64), np.zeros(0, np.float32)),
            Judged(np.zeros(0, np.int64), np.zeros(0)),
        ).passes.tolist()
        == []
    )


def test_left_out_probabilities_are_those_of_a_model_without_the_verdict() -> None:
    candidates, truths = population(7, 100)
    of = judged(np.arange(12), truths)
    model = Model(candidates, of)
    expected = [model.probabilities(of.but(place))[place] for place in range(12)]
    assert model.left_out(of) == pytest.approx(expected, abs=1e-6)


# how right the cut is

Made = Callable[[int, int], tuple[Candidates, Array]]


def review(
    seed: int, units: int, verdicts: int, chosen: int, made: Made = population
) -> tuple[Accuracy, list[float]]:
    """Return what a whole review estimates, and what is true of its cut."""
    candidates, truths = made(seed, units)
    sample = sample_of(candidates.scores, candidates.ids, seed)
    drawn = judged(sample.order[:verdicts], truths)
    known = drawn
    for _ in range(chosen):
        found = calibrate(candidates, known)
        nearness = np.abs(found.probabilities - found.cut)
        nearness[known.places] = np.inf
        known = judged(np.append(known.places, np.argmin(nearness)), truths)
    calibration = calibrate(candidates, known)
    left_out = Model(candidates, known).left_out(known) >= calibration.cut
    rest = judged(known.places[verdicts:], truths)
    accuracy = accuracy_of(
        sample.strata,
        calibration,
        Given(drawn, left_out[:verdicts]),
        Given(rest, left_out[verdicts:]),
    )
    passes = calibration.passes
    hits, size, positives = (truths * passes).sum(), passes.sum(), truths.sum()
    return accuracy, [hits / size, hits / positives, 2 * hits / (size + positives), positives]


NOTHING = Given(Judged(np.zeros(0, np.int64), np.zeros(0)), np.zeros(0, np.bool_))


def is_covered(estimate: Estimate, truth: float) -> bool:
    return estimate.low - 1e-9 <= truth <= estimate.high + 1e-9


@pytest.mark.parametrize(("units", "verdicts", "chosen"), [(300, 40, 0), (600, 28, 12)])
def test_a_95_percent_interval_holds_the_truth_about_95_times_in_a_hundred(
    units: int, verdicts: int, chosen: int
) -> None:
    covered = np.zeros(4)
    for seed in range(REVIEWS):
        accuracy, truth = review(seed, units, verdicts, chosen)
        estimates = (accuracy.precision, accuracy.recall, accuracy.f1, accuracy.positives)
        covered += [is_covered(*pair) for pair in zip(estimates, truth, strict=True)]
    assert np.all(covered / REVIEWS >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / REVIEWS))


REVIEWS = 100


def test_recall_that_is_whole_lies_within_its_interval_where_many_strata_hold_no_yes() -> None:
    """In each stratum it is likely that nothing was missed, and must be in all of them, too."""
    reviews = [review(seed, 2400, 25, 15, rare) for seed in range(REVIEWS)]
    covered = sum(is_covered(accuracy.recall, truth[1]) for accuracy, truth in reviews)
    assert covered / REVIEWS >= 0.95


def test_where_all_are_drawn_nothing_is_unsure() -> None:
    candidates, truths = population(9, 40)
    accuracy = accuracy_all(candidates, truths)
    for estimate, true in zip(
        (accuracy.precision, accuracy.recall, accuracy.positives),
        (1.0, 1.0, truths.sum()),
        strict=True,
    ):
        assert (estimate.low, estimate.value, estimate.high) == (true, true, true)


def accuracy_all(candidates: Candidates, truths: Array) -> Accuracy:
    sample = sample_of(candidates.scores, candidates.ids)
    everyone = judged(sample.order, truths)
    calibration = calibrate(candidates, everyone)
    would = Model(candidates, everyone).left_out(everyone) >= calibration.cut
    return accuracy_of(sample.strata, calibration, Given(everyone, would), NOTHING)


def test_a_stratum_without_a_yes_among_few_verdicts_is_not_taken_for_empty() -> None:
    candidates, _ = population(10, 2000)
    truths = np.zeros(2000)
    sample = sample_of(candidates.scores, candidates.ids)
    drawn = judged(sample.order[:20], truths)
    calibration = calibrate(candidates, drawn)
    accuracy = accuracy_of(
        sample.strata, calibration, Given(drawn, np.zeros(20, np.bool_)), NOTHING
    )
    assert accuracy.positives.value < 1
    assert accuracy.positives.low == 0
    assert accuracy.positives.high > 200


def test_intervals_narrow_as_more_is_judged() -> None:
    few, _ = review(11, 600, 25, 0)
    many, _ = review(11, 600, 250, 0)
    assert many.recall.high - many.recall.low < few.recall.high - few.recall.low
    assert many.judged == 250
