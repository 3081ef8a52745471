"""A cohort's report in a real browser: nothing asked for, nothing complained of, numbers right."""

from pathlib import Path

import numpy as np
import pytest

from notekin.report.page import html_of
from tests.support.browser import MISSING, chromium, opened_page
from tests.support.cohorts import invented

pytestmark = pytest.mark.skipif(chromium() is None, reason=MISSING)


def test_a_report_asks_for_nothing_and_nothing_is_held_against_it(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html_of(invented()), "utf-8")
    with opened_page(path) as page:
        elsewhere = [url for url in page.requests if not url.startswith(("file:", "data:"))]
        assert elsewhere == []
        assert page.requests[0] == path.as_uri()
        assert page.complaints == []


def test_the_browser_tells_of_what_a_page_asks_for_and_does_wrong(tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    image = "<img src='http://127.0.0.1:9/x.png'>"
    path.write_text(f"<!doctype html><title>x</title>{image}<script>gone()</script>")
    with opened_page(path) as page:
        assert "http://127.0.0.1:9/x.png" in page.requests
        assert any("gone" in complaint for complaint in page.complaints)


def test_the_numbers_of_a_report_are_those_of_the_cohort(tmp_path: Path) -> None:
    reported = invented()
    path = tmp_path / "report.html"
    path.write_text(html_of(reported), "utf-8")
    with opened_page(path) as page:
        people = page.value("document.querySelectorAll('details.person').length")
        left = page.value(
            "[...document.querySelectorAll('section[aria-labelledby=h-attrition] text.count')]"
            ".map(one => one.textContent)"
        )
        bars = page.value(
            "[...document.querySelectorAll('section[aria-labelledby=h-attrition] rect.bar')]"
            ".map(one => one.getBoundingClientRect().width)"
        )
        quotes = page.value("document.querySelectorAll('figure.quote').length")
        marked = page.value("document.querySelector('mark').textContent")
    counts = [row.left for row in reported.answer.attrition]
    assert people == len(reported.answer.members) == counts[-1]
    assert left == [f"{count:,}" for count in counts]
    assert np.array(bars) / bars[0] == pytest.approx(np.array(counts) / counts[0], abs=0.003)
    evidence = [len(one.evidence) for member in reported.answer.members for one in member.criteria]
    assert quotes == sum(evidence)
    first = next(
        part
        for member in reported.answer.members
        for one in member.criteria
        for part in one.evidence
    )
    assert marked == " ".join(reported.text(first.note_key)[first.start : first.end].split())


def test_evidence_is_folded_away_until_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html_of(invented()), "utf-8")
    with opened_page(path) as page:
        assert page.value("document.querySelectorAll('details[open]').length") == 0
        page.value("document.querySelector('details.person > summary').click()")
        assert page.value("document.querySelector('mark').getBoundingClientRect().height > 0")


def test_every_figure_has_a_name_and_its_numbers_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(html_of(invented()), "utf-8")
    with opened_page(path) as page:
        figures = page.value(
            "[...document.querySelectorAll('figure.drawing')].map(one => ["
            "document.getElementById(one.querySelector('svg').getAttribute('aria-labelledby'))"
            ".textContent.length, one.querySelectorAll('tbody tr').length])"
        )
    assert len(figures) == 3 + 3
    assert all(name and rows for name, rows in figures)
