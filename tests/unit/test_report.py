"""What a report's figures are drawn from, and what is hidden in them."""

import dataclasses
import re

import numpy as np
import pytest

from notekin.report import figures
from notekin.report.counts import Counts
from notekin.report.overlap import overlap
from notekin.report.page import html_of
from notekin.report.people import said_of
from notekin.search.cohort.screening import MET, NO_MOMENT, Screening
from notekin.types import Assertion, Experiencer, Polarity, Temporality
from tests.support.cohorts import invented

PLAIN = Counts()


def test_combinations_are_of_exactly_these_criteria_and_all_together_are_everybody() -> None:
    screening = invented().screening
    found = overlap(screening, PLAIN, {})
    assert found is not None
    met = np.stack([one.status == MET for one in screening.criteria], axis=1)
    for one in found.combinations:
        same = (met == np.array(one.met)).all(axis=1)
        assert int(one.count) == same.sum()
        assert one.taken == screening.taken[same].all()
    shown = sum(int(one.count) for one in found.combinations)
    assert shown + int(found.none) == len(screening.subjects)
    assert [int(count) for _, count, _ in found.criteria] == met.sum(axis=0).tolist()


def test_a_timeline_counts_what_counts_of_those_in_the_cohort() -> None:
    screening = invented().screening
    found = figures.timeline(screening, PLAIN, {})
    assert found is not None
    subjects, inside = screening.subjects, set(screening.order.tolist())
    for (label, bars), one in zip(found.rows, screening.criteria, strict=False):
        assert label == one.criterion
        rows = np.searchsorted(subjects.keys, one.spoke[one.standing == 0])
        dated = [
            row
            for row in rows
            if subjects.subject[row] in inside and subjects.moment[row] != NO_MOMENT
        ]
        assert sum(int(bar.count) for bar in bars) == len(dated)


@pytest.mark.parametrize(
    ("days", "period"),
    [(20, "month"), (1500, "month"), (2600, "quarter"), (10_000, "year"), (40_000, "5 years")],
)
def test_a_timeline_has_a_period_that_gives_at_most_sixty_bars(days: int, period: str) -> None:
    screening = invented().screening
    keys = screening.subjects.keys
    moments = np.linspace(0, days, len(keys)).astype(np.int64) * 86_400_000_000
    found = figures.timeline(with_moments(screening, moments), PLAIN, {})
    assert found is not None
    assert found.period == period
    assert all(len(bars) <= figures.MOST_PERIODS for _, bars in found.rows)
    assert len(found.ticks) <= 9


def with_moments(screening: Screening, moments: np.ndarray) -> Screening:
    subjects = dataclasses.replace(screening.subjects, moment=moments)
    return dataclasses.replace(screening, subjects=subjects)


def test_without_dates_there_is_no_timeline() -> None:
    screening = invented().screening
    moments = np.full(len(screening.subjects.keys), NO_MOMENT)
    assert figures.timeline(with_moments(screening, moments), PLAIN, {}) is None


def test_a_distribution_counts_every_note_with_a_score_once() -> None:
    for one in invented().screening.criteria:
        found = figures.distribution(one, PLAIN, {})
        if one.cut is None:
            assert found is None
            continue
        assert found is not None
        counts = dict.fromkeys((True, False), 0)
        for bar in found.bars:
            counts[bar.strong] += int(bar.count)
        assert counts[True] == len(one.spoke)
        assert counts[False] == len(one.scored) - len(one.spoke)
        assert (found.cut is None) == one.cut.calibrated


def test_a_mask_hides_counts_from_1_to_9_and_no_others() -> None:
    mask = Counts(mask=True)
    assert [mask.text(count) for count in (0, 1, 9, 10, 2500)] == ["0", "<10", "<10", "10", "2,500"]
    assert mask.length(1) == mask.length(9)
    assert PLAIN.text(3) == "3"


def test_no_count_below_ten_is_in_a_masked_report() -> None:
    plain, masked = html_of(invented(60)), html_of(invented(60), mask=True)

    def numbers(html: str) -> set[str]:
        figure = html[html.index("<dl") : html.index('id="people"')]
        cells = re.findall(
            r"<d[dt]>([^<]*)<|<td>([^<]*)<|<text class=\"(?:count|minor)[^>]*>([^<]*)<", figure
        )
        return {text.strip(" \N{MINUS SIGN}") for found in cells for text in found}

    small = {str(count) for count in range(1, 10)}
    assert numbers(plain) & small
    assert not numbers(masked) & small
    assert "&lt;10" in masked


def test_all_text_is_escaped() -> None:
    reported = dataclasses.replace(
        invented(),
        definition="<script>alert(1)</script>",
        description="<img src=x onerror=alert(2)>",
    )
    html = html_of(reported)
    assert "<script" not in html
    assert "<img" not in html
    assert "<b>dyspnoea" not in html
    assert "&lt;b&gt;dyspnoea" in html


def test_a_cohort_of_nobody_has_a_report() -> None:
    reported = invented()
    screening = dataclasses.replace(
        reported.screening,
        taken=np.zeros(300, np.bool_),
        order=np.zeros(0, np.int64),
        criteria=[],
    )
    answer = dataclasses.replace(reported.answer, members=())
    html = html_of(dataclasses.replace(reported, answer=answer, screening=screening, accuracy={}))
    assert "Nobody meets the definition." in html


@pytest.mark.parametrize(
    ("assertion", "said"),
    [
        (None, ""),
        (Assertion(Polarity.AFFIRMED, Experiencer.PATIENT, Temporality.CURRENT), ""),
        (Assertion(Polarity.NEGATED, Experiencer.PATIENT, Temporality.CURRENT), "negated"),
        (
            Assertion(Polarity.AFFIRMED, Experiencer.OTHER, Temporality.HISTORICAL),
            "affirmed, of somebody else, historical",
        ),
    ],
)
def test_an_assertion_is_said_where_it_is_not_the_usual(
    assertion: Assertion | None, said: str
) -> None:
    assert said_of(assertion) == said
