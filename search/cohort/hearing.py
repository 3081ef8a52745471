"""What the notes of a snapshot say of a criterion: scored, cut, and where it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from notekin.search.cohort.cutting import cut
from notekin.search.cohort.judgements import Calibration
from notekin.search.cohort.mentions import Heard, Mentions
from notekin.search.cohort.rules import Criterion
from notekin.search.cohort.screening import Subjects
from notekin.search.cohort.speaking import Speaking
from notekin.storage.conditions import AnyOf, Condition, Missing, Not, field_names
from notekin.storage.keys import Keys, contains
from notekin.storage.nearest import NoteScores
from notekin.storage.snapshot import Snapshot
from notekin.types import Vectors

_NO_KEYS = np.empty(0, np.int64)


class Scorer(Protocol):
    """Scores notes for a text; a searcher is one."""

    def score(self, text: str, condition: Condition | None = None) -> NoteScores:
        """Return the score, from 0 to 1, of every note that the condition lets pass."""
        ...


class Hearing:
    """Asks the notes of one snapshot, of some subjects; what it needs a model for comes last."""

    def __init__(
        self,
        snapshot: Snapshot,
        scorer: Callable[[], Scorer],
        speaking: Speaking,
        subjects: Subjects,
        calibration: Calibration | None = None,
    ) -> None:
        self._snapshot = snapshot
        self._scorer = scorer
        self._speaking = speaking
        self._owned: Keys = subjects.keys[subjects.subject >= 0]
        self._calibration = calibration

    def hear(self, criterion: Criterion) -> Heard:
        """Return what the notes say of a criterion."""
        if criterion.meaning is not None:
            return self._meaning(criterion, criterion.meaning)
        return self._phrases(criterion) if criterion.phrases else self._facts(criterion)

    def _meaning(self, criterion: Criterion, meaning: str) -> Heard:
        found = self._scorer().score(meaning, criterion.condition)
        theirs = contains(self._owned, found.keys)
        keys, scores = found.keys[theirs], found.scores[theirs]
        passed = cut(criterion, keys, scores, self._calibration)
        mentions = self._speaking.of_meaning(criterion, passed.keys)
        spoke = np.isin(passed.keys, mentions.note)  # a note without words speaks of nothing
        spoke_keys, spoke_scores = passed.keys[spoke], passed.scores[spoke]
        return Heard(keys, scores, spoke_keys, spoke_scores, mentions, _NO_KEYS, passed.cut)

    def _phrases(self, criterion: Criterion) -> Heard:
        allowed = self._allowed(criterion.condition)
        held = [self._snapshot.with_phrase(phrase, allowed) for phrase in criterion.phrases]
        keys = np.unique(np.concatenate(held))
        mentions = self._speaking.of_phrases(criterion, keys)
        keys = np.unique(mentions.note)
        ones = _ones(keys)
        return Heard(keys, ones, keys, ones, mentions, _NO_KEYS, None)

    def _facts(self, criterion: Criterion) -> Heard:
        keys = self._allowed(criterion.condition)
        ones = _ones(keys)
        known = _NO_KEYS
        if criterion.condition is not None:
            names = sorted(field_names(criterion.condition))
            known = self._allowed(AnyOf(tuple(Not(Missing(name)) for name in names)))
        return Heard(keys, ones, keys, ones, Mentions.of_whole_notes(keys), known, None)

    def _allowed(self, condition: Condition | None) -> Keys:
        if condition is None:
            return self._owned
        keys = self._snapshot.select(condition)
        return keys[contains(self._owned, keys)]


def _ones(keys: Keys) -> Vectors:
    return np.ones(len(keys), np.float32)
