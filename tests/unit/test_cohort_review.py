"""What a review asks next, what it makes of the answers, and that it can be left and taken up."""

from datetime import datetime

import numpy as np
import pytest

from notekin.search.cohort.calibration import Aim, Candidates
from notekin.search.cohort.judgements import Judgement, Verdict
from notekin.search.cohort.review import FIRST_DRAWN, Asked, Review, Said
from notekin.search.cohort.rules import Criterion, Cut, CutKind
from notekin.search.cohort.teaching import Teaching
from notekin.search.cohort.units import deciding
from notekin.types import NoteKey, Vectors

TRUTH = {True: Verdict.YES, False: Verdict.NO}


def candidates(units: int = 300) -> tuple[Candidates, np.ndarray]:
    random = np.random.default_rng(2)
    scores = random.random(units).astype(np.float32)
    vectors = random.normal(size=(units, 8)).astype(np.float32)
    truths = random.random(units) < scores**8
    return Candidates(np.arange(100, 100 + units), scores, vectors), truths


def judge(review: Review, truths: np.ndarray, count: int) -> list[Asked]:
    asked: list[Asked] = []
    for _ in range(count):
        one = review.next()
        if one is None:
            break
        asked.append(one)
        review.judge(one.key, TRUTH[bool(truths[one.key - 100])], one.drawn)
    return asked


def test_the_first_are_drawn_and_then_drawn_and_chosen_take_turns() -> None:
    units, truths = candidates()
    asked = judge(Review(units, {}, Aim()), truths, FIRST_DRAWN + 8)
    assert all(one.drawn for one in asked[: FIRST_DRAWN + 1])
    assert [one.drawn for one in asked[FIRST_DRAWN + 1 :]] == [False, True] * 3 + [False]
    assert len({one.key for one in asked}) == len(asked)


def test_a_review_left_and_taken_up_asks_what_it_would_have_asked() -> None:
    units, truths = candidates()
    whole = judge(Review(units, {}, Aim()), truths, 40)
    left = Review(units, {}, Aim())
    first = judge(left, truths, 23)
    said = {one.key: Said(TRUTH[bool(truths[one.key - 100])], one.drawn) for one in first}
    assert first + judge(Review(units, said, Aim()), truths, 17) == whole


def test_all_are_asked_once_and_then_nothing() -> None:
    units, truths = candidates(30)
    review = Review(units, {}, Aim())
    assert sorted(one.key for one in judge(review, truths, 100)) == units.ids.tolist()
    assert review.next() is None
    assert review.accuracy().recall.low == review.accuracy().recall.high == 1.0


def test_back_takes_an_answer_back_and_skip_leaves_a_unit_out_for_now() -> None:
    units, _ = candidates()
    review = Review(units, {}, Aim())
    first = review.next()
    assert first is not None
    review.judge(first.key, Verdict.YES, first.drawn)
    review.take_back(first.key)
    assert review.next() == first
    assert review.progress().judged == 0
    review.skip(first.key)
    second = review.next()
    assert second is not None
    assert second != first
    assert Review(units, {}, Aim()).next() == first


def test_what_is_unsure_is_counted_and_teaches_nothing() -> None:
    units, _ = candidates()
    review = Review(units, {}, Aim())
    before = review.calibration().probabilities
    review.judge(105, Verdict.UNSURE, True)
    assert np.array_equal(review.calibration().probabilities, before)
    assert review.progress().unsure == 1


def test_a_chosen_unit_is_in_the_estimate_only_where_the_draw_has_passed_it() -> None:
    units, truths = candidates()
    review = Review(units, {}, Aim())
    judge(review, truths, 10)
    ahead = review.to_judge(3)
    assert [one.drawn for one in ahead] == [True, False, True]
    review.judge(ahead[2].key, Verdict.YES, False)
    assert review.progress().drawn == 10
    review.judge(ahead[0].key, Verdict.NO, True)
    assert review.progress().drawn == 11
    nexts = review.to_judge(4)
    drawn = next(one for one in nexts if one.drawn)
    review.judge(drawn.key, Verdict.NO, True)
    assert review.progress().drawn == 13


def test_brought_in_verdicts_are_of_the_sample_as_far_as_they_come_next_in_it() -> None:
    units, _ = candidates()
    review = Review(units, {}, Aim())
    order = [one.key for one in review.to_judge(8)]
    brought = dict.fromkeys([*order[:3], *order[4:6], 99999], Verdict.NO)
    sorted_in = {key: drawn for key, _, drawn in review.sorted_in(brought)}
    assert sorted_in == {**dict.fromkeys(order[:3], True), **dict.fromkeys(order[4:6], False)}


def test_the_ranking_puts_what_was_judged_yes_first_and_no_last() -> None:
    units, _ = candidates()
    review = Review(units, {}, Aim())
    review.judge(111, Verdict.YES, True)
    review.judge(int(units.ids[np.argmax(units.scores)]), Verdict.NO, True)
    ranking = review.ranking()
    assert ranking[0] == 111
    assert ranking[-1] == units.ids[np.argmax(units.scores)]
    assert sorted(ranking.tolist()) == units.ids.tolist()


@pytest.mark.parametrize(("at_least", "expected"), [(1, [1, 3]), (2, [2, 4]), (3, [0])])
def test_a_subject_is_decided_by_its_nth_best_note(at_least: int, expected: list[int]) -> None:
    scores = np.array([0.1, 0.9, 0.5, 0.8, 0.3, 1.0], np.float32)
    owners = np.array([0, 0, 0, 1, 1, -1])
    assert deciding(scores, owners, at_least).tolist() == expected


def teaching(judgements: list[Judgement], units: Candidates) -> Teaching:
    def vectors(_meaning: str, keys: np.ndarray) -> Vectors:
        assert units.vectors is not None
        found: Vectors = units.vectors[keys - 100]
        return found

    owners = np.arange(len(units.ids)) // 2
    return Teaching({"chf": judgements}, units.ids, owners, vectors)


def said(key: int, verdict: Verdict, minute: int = 0) -> Judgement:
    return Judgement("chf", NoteKey(key), 0, 5, verdict, True, datetime(2026, 1, 1, 0, minute))


CRITERION = Criterion("chf", "heart failure", cut=Cut(CutKind.CALIBRATED, 0.0))


def test_all_notes_get_a_probability_and_the_judged_their_verdict() -> None:
    units, truths = candidates()
    review = teaching([], units).review(CRITERION, units.ids, units.scores)
    judgements = [said(one.key, TRUTH[bool(truths[one.key - 100])]) for one in review.to_judge(30)]
    found = teaching(judgements, units).calibrated(CRITERION, units.ids, units.scores)
    assert found is not None
    assert found.probabilities.shape == units.ids.shape
    for one in judgements:
        assert found.probabilities[one.note_key - 100] == (one.verdict is Verdict.YES)
    again = teaching(judgements, units).calibrated(CRITERION, units.ids, units.scores)
    assert again is not None
    assert np.array_equal(found.probabilities, again.probabilities)
    assert found.cut == again.cut


def test_without_a_verdict_nothing_is_calibrated() -> None:
    units, _ = candidates()
    assert teaching([], units).calibrated(CRITERION, units.ids, units.scores) is None
    unsure = [said(101, Verdict.UNSURE)]
    assert teaching(unsure, units).calibrated(CRITERION, units.ids, units.scores) is None


def test_of_two_verdicts_on_one_note_the_later_holds() -> None:
    units, _ = candidates()
    both = [said(101, Verdict.NO, minute=2), said(101, Verdict.YES, minute=1)]
    assert teaching(both, units).said("chf")[101].verdict is Verdict.NO
