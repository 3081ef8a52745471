"""What a person reads of a hit."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from notekin import display_hits
from notekin.search.hits import Evidence, Hit, Results
from notekin.types import Assertion, Polarity, Span


@pytest.mark.parametrize(
    ("terms", "expected"), [(((3, 8),), "negated\n"), ((), "negated, as a whole\n")]
)
def test_a_passage_that_says_no_word_of_the_query_is_marked_as_judged_as_a_whole(
    terms: tuple[Span, ...], expected: str
) -> None:
    evidence = Evidence(
        0, 8, "No fever", 0.5, (0, 8), terms=terms, assertion=Assertion(Polarity.NEGATED)
    )
    hit = Hit(1, "n1", "p1", 0.5, {}, None, None, None, (evidence,), "s", None, None, {})
    printed = StringIO()
    display_hits.results(Console(file=printed, width=80), Results(1, "exact", 1, 1.0, (hit,)))
    lines = "".join(f"{line.rstrip()}\n" for line in printed.getvalue().splitlines())
    assert f"no section · {expected}" in lines
