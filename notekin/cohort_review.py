"""A review of one criterion of a kept cohort: questions with their evidence, verdicts kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from notekin.errors import CohortError, NotFoundError
from notekin.judgement_file import Line
from notekin.reviewing import Question
from notekin.search.cohort.accuracy import Accuracy
from notekin.search.cohort.calibration import Calibration
from notekin.search.cohort.judgements import Judgement, Verdict
from notekin.search.cohort.mentions import Mentions
from notekin.search.cohort.review import Asked, Progress, Review
from notekin.search.cohort.rules import Criterion, Grain, Rules
from notekin.search.cohort.screening import ASSERTIONS
from notekin.search.cohort.speaking import Speaking
from notekin.search.cohort.subjects import subjects_of
from notekin.search.cohort.teaching import Teaching
from notekin.search.retrieval import Searcher
from notekin.storage.cohorts import KeptJudgement
from notekin.storage.kept_cohorts import KeptCohorts
from notekin.storage.keys import Keys, contains
from notekin.storage.snapshot import Snapshot
from notekin.types import Encoder, NoteKey, Vectors


class CohortReview:
    """Asks about one criterion of a kept cohort, and keeps what is said; a ``Desk``.

    It is of the generation that it was opened at. A verdict is on disk when ``judge`` returns.
    """

    def __init__(
        self,
        name: str,
        grain: Grain,
        criterion: Criterion,
        snapshot: Snapshot,
        encoder: Encoder,
        kept: KeptCohorts,
    ) -> None:
        self.name = name
        self.criterion = criterion
        self._snapshot = snapshot
        self._kept = kept
        self._speaking = Speaking(snapshot, encoder.encode)
        owners = snapshot.owners()
        owned = owners.keys[subjects_of(owners, grain).subject >= 0]
        scored = Searcher(snapshot, encoder).score(criterion.meaning or "", criterion.condition)
        theirs = contains(owned, scored.keys)
        teaching = teaching_in(snapshot, encoder, by_criterion(kept.judgements(name)), grain)
        self._review: Review = teaching.review(
            criterion, scored.keys[theirs], scored.scores[theirs]
        )

    def next(self) -> Question | None:
        """Return what to ask next; None where nothing is left."""
        asked = self._review.next()
        return None if asked is None else self._question(asked)

    def judge(self, question: Question, verdict: Verdict) -> None:
        """Keep a verdict."""
        given = (question.start, question.end, verdict, question.drawn)
        self._keep({question.note_key: given})
        self._review.judge(question.note_key, verdict, question.drawn)

    def take_back(self, question: Question) -> None:
        """Forget what was said of a question, or that it was skipped."""
        self._kept.take_back(self.name, self.criterion.id, question.note_key)
        self._review.take_back(question.note_key)

    def skip(self, question: Question) -> None:
        """Leave a question for another time."""
        self._review.skip(question.note_key)

    def bring_in(self, lines: Sequence[Line]) -> int:
        """Keep the verdicts of a file, all at once, and return how many notes were not found.

        They are of the random sample as far as they come next in it; a sheet's are.

        Raises:
            AmbiguousNoteError: Several sources hold one of the notes, and its line names none.
        """
        found = [(self._key_of(line), line.verdict) for line in lines]
        brought = {key: verdict for key, verdict in found if key is not None}
        drawn = {key: flag for key, _, flag in self._review.sorted_in(brought)}
        places = self._places(np.array(sorted(brought), np.int64))
        self._keep(
            {key: (*places[key], said, drawn.get(key, False)) for key, said in brought.items()}
        )
        for key, is_drawn in drawn.items():
            self._review.judge(key, brought[key], is_drawn)
        return sum(key is None for key, _ in found)

    def to_judge(self, count: int) -> list[Question]:
        """Return the next questions, as if every answer were still to come."""
        return [self._question(asked) for asked in self._review.to_judge(count)]

    def progress(self) -> Progress:
        """Count what was said."""
        return self._review.progress()

    def accuracy(self) -> Accuracy:
        """Return how right the cut is, as far as is known."""
        return self._review.accuracy()

    def calibration(self) -> Calibration:
        """Return what the verdicts make of the scores."""
        return self._review.calibration()

    def to_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        progress, accuracy, found = self.progress(), self.accuracy(), self.calibration()
        measures = {
            name: {"value": one.value, "low": one.low, "high": one.high}
            for name, one in (
                ("precision", accuracy.precision),
                ("recall", accuracy.recall),
                ("f1", accuracy.f1),
                ("positives", accuracy.positives),
            )
        }
        counts = ("yes", "no", "unsure", "drawn", "units")
        return {
            "cohort": self.name,
            "criterion": self.criterion.id,
            **{name: getattr(progress, name) for name in counts},
            "cut": found.cut,
            "passes": int(found.passes.sum()),
            **measures,
        }

    def _question(self, asked: Asked) -> Question:
        key = NoteKey(asked.key)
        note = self._snapshot.notes([key])[0]
        mentions = self._mentions(np.array([key], np.int64))
        said = int(mentions.assertion[0])
        return Question(
            note_key=asked.key,
            asks=self.criterion.meaning or "",
            note_id=note.note_id,
            source=note.source,
            patient_id=note.patient_id,
            category=note.category,
            recorded_at=note.recorded_at,
            text=self._snapshot.text(key),
            start=int(mentions.start[0]),
            end=int(mentions.end[0]),
            assertion="" if said < 0 else _in_words(said),
            drawn=asked.drawn,
        )

    def _mentions(self, keys: Keys) -> Mentions:
        return self._speaking.of_meaning(self.criterion, keys)

    def _places(self, keys: Keys) -> dict[int, tuple[int, int]]:
        """Return where in each note the evidence stands that is nearest."""
        mentions = self._mentions(keys)
        rows = zip(
            mentions.note.tolist(), mentions.start.tolist(), mentions.end.tolist(), strict=True
        )
        places: dict[int, tuple[int, int]] = {}
        for key, start, end in rows:
            places.setdefault(key, (start, end))
        return places

    def _key_of(self, line: Line) -> int | None:
        try:
            return int(self._snapshot.find(line.note_id, line.source).note_key)
        except NotFoundError:
            return None

    def _keep(self, given: Mapping[int, tuple[int, int, Verdict, bool]]) -> None:
        now = datetime.now(UTC).replace(tzinfo=None)
        rows = [
            KeptJudgement(self.criterion.id, key, start, end, verdict.value, drawn, now)
            for key, (start, end, verdict, drawn) in given.items()
        ]
        self._kept.judge(self.name, rows)


def criterion_named(rules: Rules, name: str | None) -> Criterion:
    """Return the criterion to review.

    Raises:
        CohortError: There is none of this id, none that is calibrated, or more than one and
            no id is given.
    """
    calibrated = {one.id: one for one in rules.criteria() if one.cut.is_calibrated}
    if name is None and len(calibrated) == 1:
        return next(iter(calibrated.values()))
    if name in calibrated:
        return calibrated[name]
    known = ", ".join(calibrated) or "none: give one the cut calibrated, and run it again"
    raise CohortError(f"Say with --criterion which one to review. Calibrated are {known}.")


def by_criterion(kept: Sequence[KeptJudgement]) -> dict[str, list[Judgement]]:
    """Return verdicts as they were kept, by criterion."""
    found: dict[str, list[Judgement]] = {}
    for one in kept:
        judgement = Judgement(
            one.criterion,
            NoteKey(one.note_key),
            one.start,
            one.end,
            Verdict(one.verdict),
            one.drawn,
            one.judged_at,
        )
        found.setdefault(one.criterion, []).append(judgement)
    return found


def teaching_in(
    snapshot: Snapshot,
    encoder: Encoder,
    judgements: Mapping[str, Sequence[Judgement]],
    grain: Grain,
) -> Teaching:
    """Return what judgements teach of the notes of a snapshot."""
    owners = snapshot.owners()

    def vectors(meaning: str, keys: Keys) -> Vectors:
        return snapshot.nearest_vectors(encoder.encode([meaning])[0], keys)

    return Teaching(judgements, owners.keys, subjects_of(owners, grain).subject, vectors)


def _in_words(said: int) -> str:
    from notekin.report.people import said_of

    return said_of(ASSERTIONS[said])
