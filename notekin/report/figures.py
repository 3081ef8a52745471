"""The report's figures as numbers to draw: bars and marks with their places, no markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from notekin.report.counts import Counts
from notekin.search.cohort.answer import AttritionRow, Standing
from notekin.search.cohort.masking import shown
from notekin.search.cohort.screening import NO_MOMENT, STANDINGS, Screened, Screening

WIDTH = 720.0
"""Of a figure, in the units of its own drawing."""
SCORE_BINS = 40
MOST_PERIODS = 60
_PERIODS = (("month", 1), ("quarter", 3), ("year", 12), ("5 years", 60), ("decade", 120))


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        at: Where it begins, along the axis, from 0 to 1.
        width: Along the axis, as a share of it.
        length: How long it is, from 0 to 1.
        label: What it stands for.
        count: What is written beside it.
        strong: Whether it is of what passes.
    """

    at: float
    width: float
    length: float
    label: str
    count: str
    strong: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the attrition."""

    label: str
    left: str
    lost: str
    length: float
    is_exclusion: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """When the evidence was recorded that counts, of those in the cohort.

    Attributes:
        period: What one bar stands for: month, quarter, year, ...
        rows: A criterion and its bars, most first where there are many.
        ticks: Places from 0 to 1 along the axis, and what stands there.
        undated: How many pieces of evidence have no date.
        highest: What the longest bar stands for, in words.
    """

    period: str
    rows: Sequence[tuple[str, Sequence[Bar]]]
    ticks: Sequence[tuple[float, str]]
    undated: str
    highest: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """The scores of a meaning.

    Attributes:
        bars: From the lowest score to the highest; two a bin, what passes on top of the rest.
        cut: Where the cut lies from 0 to 1; None where probabilities are cut, not scores.
        ticks: Lengths from 0 to 1, and the count there: the scale is logarithmic.
        said: The cut in words.
    """

    criterion: str
    bars: Sequence[Bar]
    cut: float | None
    ticks: Sequence[tuple[float, str]]
    said: str


def attrition(rows: Sequence[AttritionRow], counts: Counts, names: dict[str, str]) -> list[Step]:
    """Return the steps from all subjects to the cohort.

    Args:
        rows: The attrition.
        counts: How numbers are shown.
        names: What a rule's id stands for, in words.
    """
    most = max((counts.length(row.left) for row in rows), default=1.0) or 1.0
    return [
        Step(
            label=_step_label(row, names),
            left=shown(masked.left),
            lost=shown(masked.lost),
            length=counts.length(row.left) / most,
            is_exclusion=row.step == "exclude",
        )
        for row, masked in zip(rows, counts.attrition(rows), strict=True)
    ]


def _step_label(row: AttritionRow, names: dict[str, str]) -> str:
    rule = names.get(row.rule, row.rule)
    words = {"all": "All in the store", "limit": "The best, up to the limit"}
    if row.step in words:
        return words[row.step]
    return f"Without: {rule}" if row.step == "exclude" else rule


def timeline(screening: Screening, counts: Counts, names: dict[str, str]) -> Timeline | None:
    """Return when the evidence that counts was recorded; None where none has a date."""
    moments = {one.criterion: _moments(screening, one) for one in screening.criteria}
    dated = {name: found[found != NO_MOMENT] for name, found in moments.items()}
    all_dated = np.concatenate(list(dated.values())) if dated else np.zeros(0, np.int64)
    if not len(all_dated):
        return None
    undated = sum(len(found) for found in moments.values()) - len(all_dated)
    months = {name: _months(found) for name, found in dated.items() if len(found)}
    first = min(int(found.min()) for found in months.values())
    last = max(int(found.max()) for found in months.values())
    period, size = next(
        (pair for pair in _PERIODS if last // pair[1] - first // pair[1] < MOST_PERIODS),
        _PERIODS[-1],
    )
    origin, bins = first // size, last // size - first // size + 1
    tallies = {
        name: np.bincount(found // size - origin, minlength=bins) for name, found in months.items()
    }
    largest = max(int(tally.max()) for tally in tallies.values())
    most = counts.length(largest)
    rows = [
        (names.get(name, name), _period_bars(tally, size, origin, most, counts))
        for name, tally in tallies.items()
    ]
    highest = f"highest bar: {counts.text(largest)}"
    return Timeline(period, rows, _ticks(origin, bins, size), counts.text(undated), highest)


def _moments(screening: Screening, one: Screened) -> npt.NDArray[np.int64]:
    """Return when each note was recorded that counts, of the subjects in the cohort."""
    subjects = screening.subjects
    counting = one.spoke[one.standing == STANDINGS.index(Standing.COUNTS)]
    at = np.searchsorted(subjects.keys, counting)
    inside = np.zeros(len(subjects), np.bool_)
    inside[screening.order] = True
    of = subjects.subject[at]
    found: npt.NDArray[np.int64] = subjects.moment[at][(of >= 0) & inside[of]]
    return found


def _months(moments: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return months counted from the year 0."""
    found: npt.NDArray[np.int64] = (
        moments.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) + 1970 * 12
    )
    return found


def _period_bars(
    tally: npt.NDArray[np.int64], size: int, origin: int, most: float, counts: Counts
) -> list[Bar]:
    return [
        Bar(
            at=place / len(tally),
            width=1 / len(tally),
            length=counts.length(int(count)) / most,
            label=_period_name((origin + place) * size, size),
            count=counts.text(int(count)),
        )
        for place, count in enumerate(tally)
        if count
    ]


def _period_name(month: int, size: int) -> str:
    year, of_year = divmod(month, 12)
    if size >= 12:
        return str(year) if size == 12 else f"{year} to {year + size // 12 - 1}"
    begins = date(year, of_year + 1, 1)
    return f"{begins:%B %Y}" if size == 1 else f"{year}, quarter {of_year // 3 + 1}"


def _ticks(origin: int, bins: int, size: int) -> list[tuple[float, str]]:
    """Return some years along the axis, at most eight."""
    years = [
        (place / bins, (origin + place) * size // 12)
        for place in range(bins)
        if (origin + place) * size % 12 == 0 or size > 12
    ]
    if not years:
        return [(0.0, _period_name(origin * size, size))]
    every = max(1, -(-len(years) // 8))
    return [(at, str(year)) for at, year in years[::every]]


def distribution(one: Screened, counts: Counts, names: dict[str, str]) -> Distribution | None:
    """Return how the scores of a meaning lie about its cut; None for phrases and facts."""
    if one.cut is None or not len(one.scores):
        return None
    edges = np.linspace(0.0, 1.0, SCORE_BINS + 1)
    scores = np.clip(one.scores.astype(np.float64), 0.0, 1.0)
    passing = np.isin(one.scored, one.spoke, assume_unique=True)
    through, rest = (np.histogram(scores[part], edges)[0] for part in (passing, ~passing))
    top = np.log1p(max(1, int((through + rest).max())))
    bars: list[Bar] = []
    for place, (above, below) in enumerate(zip(through, rest, strict=True)):
        label = f"{edges[place]:.3f} to {edges[place + 1]:.3f}"
        for count, length, strong in ((below, below, False), (above, below + above, True)):
            if count:
                tall = float(np.log1p(counts.length(int(length))) / top)
                bars.append(
                    Bar(
                        place / SCORE_BINS,
                        1 / SCORE_BINS,
                        min(tall, 1.0),
                        label,
                        counts.text(int(count)),
                        strong,
                    )
                )
    ticks = [
        (float(np.log1p(count) / top), f"{count:,}")
        for count in (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
        if np.log1p(count) <= top and not (counts.mask and count == 1)
    ]
    return Distribution(
        names.get(one.criterion, one.criterion),
        sorted(bars, key=lambda bar: (bar.at, -bar.length)),
        None if one.cut.calibrated else one.cut.score,
        ticks,
        _cut_in_words(one, counts),
    )


def _cut_in_words(one: Screened, counts: Counts) -> str:
    if one.cut is None:
        return ""
    found = f"{counts.text(one.cut.passed)} of {counts.text(one.cut.scored)} notes with a score"
    if one.cut.calibrated:
        return f"{found} have a probability of {one.cut.score:.2f} or more, as verdicts teach"
    return f"{found} have {one.cut.score:.2f} or more"
