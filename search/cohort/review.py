"""A review of one criterion: what to judge next, what the verdicts teach, how right the cut is.

Two kinds of units are judged. The drawn ones come from the random sample: what precision and
recall are estimated from. The chosen ones lie nearest to the cut, where a verdict teaches
most. They take turns once ``FIRST_DRAWN`` are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from notekin.search.cohort.accuracy import Accuracy, Given, accuracy_of
from notekin.search.cohort.calibration import (
    Aim,
    Calibration,
    Candidates,
    Flags,
    Judged,
    Model,
    calibrate,
)
from notekin.search.cohort.judgements import Verdict
from notekin.search.cohort.logistic import Array
from notekin.search.cohort.sampling import Places, sample_of
from notekin.storage.keys import Keys

FIRST_DRAWN = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """One unit that a person is asked about.

    Attributes:
        key: The note that decides.
        drawn: Whether the random sample asks for it.
    """

    key: int
    drawn: bool


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said of one unit."""

    verdict: Verdict
    drawn: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a review is, in verdicts, and in units there are."""

    yes: int
    no: int
    unsure: int
    drawn: int
    units: int

    @property
    def judged(self) -> int:
        """All verdicts."""
        return self.yes + self.no + self.unsure


class Review:
    """What was said of a criterion's units so far; what to ask next follows from it alone.

    Left and taken up again with the same verdicts, it goes on as if it had never been left.
    """

    def __init__(
        self, candidates: Candidates, said: Mapping[int, Said], aim: Aim, seed: int = 0
    ) -> None:
        """Take up a review.

        Args:
            candidates: The units, each by the key of the note that decides.
            said: Note key to verdict; of notes that decide no unit, it is left alone.
            aim: What the cut is to give.
            seed: Another seed draws another sample.
        """
        self._candidates = candidates
        self._aim = aim
        self._places = {int(key): place for place, key in enumerate(candidates.ids)}
        self._sample = sample_of(candidates.scores, candidates.ids, seed)
        self._said = {self._places[key]: one for key, one in said.items() if key in self._places}
        self._skipped: set[int] = set()
        self._calibration: Calibration | None = None

    def next(self) -> Asked | None:
        """Return what to ask next; None where all was judged or skipped."""
        is_drawn = not self._is_turn_of_chosen()
        place = self._next_drawn() if is_drawn else self._nearest_to_cut()
        return None if place is None else Asked(int(self._candidates.ids[place]), is_drawn)

    def judge(self, key: int, verdict: Verdict, drawn: bool) -> None:
        """Take in what a person said of a unit; what was said of it before is forgotten."""
        self._said[self._places[key]] = Said(verdict, drawn)
        self._calibration = None

    def take_back(self, key: int) -> None:
        """Forget what was said of a unit, and that it was skipped."""
        self._said.pop(self._places[key], None)
        self._skipped.discard(self._places[key])
        self._calibration = None

    def skip(self, key: int) -> None:
        """Leave a unit out for now; another session asks about it again."""
        self._skipped.add(self._places[key])

    def sorted_in(self, brought: Mapping[int, Verdict]) -> Iterator[tuple[int, Verdict, bool]]:
        """Give verdicts that were brought in, and whether each belongs to the random sample.

        Those do that come next in the draw, without one missing. The notes that are no unit's
        are left out.
        """
        drawn: set[int] = set()
        for place in self._sample.order:
            key = int(self._candidates.ids[place])
            if key not in brought and place not in self._said:
                break
            drawn.add(key)
        for key, verdict in brought.items():
            if key in self._places:
                yield key, verdict, key in drawn

    def to_judge(self, count: int) -> list[Asked]:
        """Return the next units to ask about, as if every answer were still to come."""
        ahead = Review(self._candidates, {}, self._aim)
        ahead._sample, ahead._said = self._sample, dict(self._said)
        ahead._calibration = self.calibration()
        asked: list[Asked] = []
        while len(asked) < count and (one := ahead.next()) is not None:
            asked.append(one)
            ahead._said[self._places[one.key]] = Said(Verdict.UNSURE, one.drawn)
        return asked

    def calibration(self) -> Calibration:
        """Return what the verdicts make of the scores."""
        if self._calibration is None:
            self._calibration = calibrate(self._candidates, self._judged(), self._aim)
        return self._calibration

    def accuracy(self) -> Accuracy:
        """Return precision, recall and F1 of what passes, from the random sample."""
        judged = self._judged()
        passes = Model(self._candidates, judged).left_out(judged) >= self.calibration().cut
        is_drawn = np.isin(judged.places, self._drawn())
        drawn, chosen = (
            Given(Judged(judged.places[part], judged.truths[part]), passes[part])
            for part in (is_drawn, ~is_drawn)
        )
        return accuracy_of(self._sample.strata, self.calibration(), drawn, chosen)

    def progress(self) -> Progress:
        """Count the verdicts."""
        verdicts = [one.verdict for one in self._said.values()]
        return Progress(
            yes=verdicts.count(Verdict.YES),
            no=verdicts.count(Verdict.NO),
            unsure=verdicts.count(Verdict.UNSURE),
            drawn=len(self._drawn()),
            units=len(self._candidates),
        )

    def ranking(self) -> Keys:
        """Return the units' note keys, likeliest first; the judged as they were judged."""
        likely = self.calibration().probabilities.copy()
        judged = self._judged()
        likely[judged.places] = judged.truths * 3 - 1
        keys: Keys = self._candidates.ids[np.lexsort((self._candidates.ids, -likely))]
        return keys

    def _judged(self) -> Judged:
        """Return the units with a yes or a no, in the order of their places."""
        sure = sorted(p for p, one in self._said.items() if one.verdict is not Verdict.UNSURE)
        truths = [float(self._said[place].verdict is Verdict.YES) for place in sure]
        return Judged(np.array(sure, np.int64), np.array(truths, np.float64))

    def _drawn(self) -> Places:
        """Return the judged units of the random sample: of its order, up to the last drawn.

        A chosen unit whose turn came in the draw counts as drawn, too: it would have been. So
        do all where none is left to judge.
        """
        order = self._sample.order.tolist()
        drawn = [at for at, place in enumerate(order) if self._is_drawn(place)]
        last = len(order) if len(self._said) == len(order) else max(drawn, default=-1) + 1
        judged = [place for place in order[:last] if place in self._said]
        return np.array(judged, np.int64)

    def _is_drawn(self, place: int) -> bool:
        return place in self._said and self._said[place].drawn

    def _is_turn_of_chosen(self) -> bool:
        drawn = sum(one.drawn for one in self._said.values())
        return drawn - FIRST_DRAWN > len(self._said) - drawn

    def _next_drawn(self) -> int | None:
        for place in self._sample.order:
            if place not in self._said and place not in self._skipped:
                return int(place)
        return None

    def _nearest_to_cut(self) -> int | None:
        """Return the open unit whose log odds lie nearest to the cut's."""
        open_places = np.flatnonzero(self._is_open())
        if not len(open_places):
            return None
        found = self.calibration()
        cut = min(found.cut, float(found.probabilities[open_places].max()))
        distance = np.abs(_log_odds(found.probabilities[open_places]) - _log_odds(np.array(cut)))
        return int(open_places[np.argmin(distance)])

    def _is_open(self) -> Flags:
        still_open = np.ones(len(self._candidates), np.bool_)
        still_open[list(self._said.keys() | self._skipped)] = False
        return still_open


def _log_odds(probabilities: Array) -> Array:
    bounded = np.clip(probabilities, 1e-12, 1 - 1e-12)
    found: Array = np.log(bounded / (1 - bounded))
    return found
