"""Which notes count towards a criterion, and how every subject stands to it: arrays alone.

search/cohort/reference.py says the same in loops.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from notekin.search.cohort.answer import Standing
from notekin.search.cohort.mentions import Heard, Mentions
from notekin.search.cohort.rules import Criterion, Unit, Within
from notekin.search.cohort.screening import (
    ASSERTIONS,
    MET,
    NO_EVIDENCE,
    NO_MOMENT,
    NOT_MET,
    STANDINGS,
    Codes,
    Flags,
    Screened,
    Small,
    Subjects,
)
from notekin.types import Vectors

_DAY = 86_400_000_000
_MOST_DAYS = 1 << 22
"""More days than there are from the year 1 to 9999."""
_COUNTS, _COPY, _OUT_OF_TIME, _OTHERWISE = (
    STANDINGS.index(one)
    for one in (
        Standing.COUNTS,
        Standing.COPY,
        Standing.OUT_OF_TIME,
        Standing.ASSERTED_OTHERWISE,
    )
)


@dataclass(frozen=True, slots=True, eq=False)
class _Spoke:
    """The notes that speak of a criterion, in the order of their keys, and whose they are."""

    subject: Codes
    encounter: Codes
    moment: Codes


def stand(
    criterion: Criterion, heard: Heard, subjects: Subjects, other: Screened | None
) -> Screened:
    """Return how all notes and all subjects stand to a criterion.

    Args:
        criterion: What is asked.
        heard: What the notes say of it.
        subjects: Whose the notes are; each of ``heard.spoke`` is somebody's.
        other: How they stand to the criterion that this one is to be within a time of.
    """
    spoke = _owned(subjects, heard.spoke)
    mentions = heard.mentions
    note = np.searchsorted(heard.spoke, mentions.note)
    as_asked = _as_asked(criterion, mentions)
    says = _any_of(note, as_asked, len(heard.spoke))
    in_time = _in_time(criterion.within, spoke, subjects, other)
    timely = as_asked & in_time[note]
    fresh = timely & _is_first(mentions.family, note, timely, spoke)
    counts = _any_of(note, fresh, len(heard.spoke))
    standing = np.select(
        [counts, says & in_time, says], [_COUNTS, _COPY, _OUT_OF_TIME], _OTHERWISE
    ).astype(np.int8)
    shown = _shown(note, [fresh, as_asked], len(heard.spoke))
    count = _count(criterion.unit, spoke, counts, len(subjects))
    return Screened(
        criterion=criterion.id,
        scored=heard.scored,
        scores=heard.scores,
        spoke=heard.spoke,
        spoke_scores=heard.spoke_scores,
        standing=standing,
        start=mentions.start[shown],
        end=mentions.end[shown],
        assertion=mentions.assertion[shown],
        status=_status(criterion, heard, subjects, spoke, count),
        score=_best(spoke, heard.spoke_scores, counts, len(subjects)),
        count=count,
        cut=heard.cut,
    )


def _owned(subjects: Subjects, keys: Codes) -> _Spoke:
    at = np.searchsorted(subjects.keys, keys)
    return _Spoke(subjects.subject[at], subjects.encounter[at], subjects.moment[at])


def _as_asked(criterion: Criterion, mentions: Mentions) -> Flags:
    """Return which mentions assert what counts; one without an assertion always does."""
    asserted = criterion.asserted
    takes = [asserted is None or asserted.takes(one) for one in ASSERTIONS]
    found: Flags = np.array([*takes, True])[mentions.assertion]
    return found


def _in_time(
    within: Within | None, spoke: _Spoke, subjects: Subjects, other: Screened | None
) -> Flags:
    """Return which notes lie within the time asked of a note that counts for the other.

    Subject and day become one number that sorts by both, so that a note's span of days is two
    searches in the sorted numbers of the other's notes.
    """
    if within is None or other is None:
        return np.full(len(spoke.subject), within is None)
    anchors = _owned(subjects, other.spoke[other.standing == _COUNTS])
    met = other.status[anchors.subject] == MET
    taken = met & (anchors.moment != NO_MOMENT)
    others = np.sort(_place_in_time(anchors.subject[taken], anchors.moment[taken], 0))
    first = _place_in_time(spoke.subject, spoke.moment, 0 if within.before else -within.days)
    last = _place_in_time(spoke.subject, spoke.moment, 0 if within.after else within.days)
    found = np.searchsorted(others, last, "right") > np.searchsorted(others, first, "left")
    dated: Flags = found & (spoke.moment != NO_MOMENT)
    return dated


def _place_in_time(subject: Codes, moment: Codes, days: int) -> Codes:
    """Return one number for a subject's day, so many days on; it stays the subject's."""
    day = np.where(moment == NO_MOMENT, 0, moment) // _DAY + _MOST_DAYS // 2
    moved: Codes = np.clip(day + max(-_MOST_DAYS, min(days, _MOST_DAYS)), 0, _MOST_DAYS - 1)
    return subject * _MOST_DAYS + moved


def _is_first(family: Codes, note: Codes, timely: Flags, spoke: _Spoke) -> Flags:
    """Return which mentions are no copy: in the first note of a subject that has the family."""
    order = np.lexsort((spoke.moment, spoke.moment == NO_MOMENT, spoke.subject))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    first = family < 0
    (rows,) = np.nonzero(timely & ~first)
    pairs = np.stack([spoke.subject[note[rows]], family[rows]], axis=1)
    _, group = np.unique(pairs, axis=0, return_inverse=True)
    earliest = np.full(int(group.max(initial=-1)) + 1, len(order), np.int64)
    np.minimum.at(earliest, group, rank[note[rows]])
    first[rows] = rank[note[rows]] == earliest[group]
    return first


def _any_of(note: Codes, flags: Flags, notes: int) -> Flags:
    """Return for each note whether any of its mentions has the flag."""
    return np.bincount(note[flags], minlength=notes) > 0


def _shown(note: Codes, wanted: list[Flags], notes: int) -> Codes:
    """Return for each note its first mention that is wanted, by the first flag that one has."""
    shown = np.full(notes, len(note), np.int64)
    for flags in (*wanted, np.ones(len(note), np.bool_)):
        (rows,) = np.nonzero(flags)
        first = np.full(notes, len(note), np.int64)
        np.minimum.at(first, note[rows], rows)
        shown = np.where(shown == len(note), first, shown)
    return shown


def _count(unit: Unit, spoke: _Spoke, counts: Flags, subjects: int) -> Codes:
    if unit is Unit.NOTES:
        return np.bincount(spoke.subject[counts], minlength=subjects).astype(np.int64)
    known = counts & (spoke.encounter >= 0)
    pairs = np.stack([spoke.subject[known], spoke.encounter[known]], axis=1)
    owners = np.unique(pairs, axis=0)[:, 0]
    return np.bincount(owners, minlength=subjects).astype(np.int64)


def _status(
    criterion: Criterion, heard: Heard, subjects: Subjects, spoke: _Spoke, count: Codes
) -> Small:
    speaks = np.zeros(len(subjects), np.bool_)
    speaks[spoke.subject] = True
    if criterion.is_about_facts:
        speaks[_owned(subjects, heard.known).subject] = True
    status: npt.NDArray[np.int8] = np.select(
        [count >= criterion.at_least, speaks], [MET, NOT_MET], NO_EVIDENCE
    ).astype(np.int8)
    return status


def _best(spoke: _Spoke, scores: Vectors, counts: Flags, subjects: int) -> Vectors:
    best = np.zeros(subjects, np.float32)
    np.maximum.at(best, spoke.subject[counts], scores[counts])
    return best
