"""Both evaluators answer as the tables of rules say, and the page shows those tables."""

import pytest

from notekin.search.cohort import reference
from notekin.search.cohort.answer import AttritionRow, Status
from notekin.search.cohort.reference import SubjectId
from notekin.search.cohort.rules import Grain
from notekin.search.cohort.screen import screen
from tests.support.cohort_notes import as_plain, hearing, members_of, of_reference, subjects_of
from tests.support.cohort_tables import PAGE, Case, cases, in_page

CASES = cases()
NAMES = [case.title for case in CASES]
Found = dict[SubjectId, dict[str, tuple[object, ...]]]
Members = list[tuple[SubjectId, float]]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_plain_loops_answer_as_the_table_says(case: Case) -> None:
    answer = reference.evaluate(case.rules, case.plain_notes())
    check(case, of_reference(answer), list(answer.members), list(answer.attrition))


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_arrays_answer_as_the_table_says(case: Case) -> None:
    notes, rules = case.plain_notes(), case.rules
    found = screen(rules, subjects_of(notes, rules.grain), hearing(notes, rules.grain))
    check(case, as_plain(found), members_of(found), list(found.attrition))


def check(case: Case, found: Found, members: Members, attrition: list[AttritionRow]) -> None:
    scores = dict(members)
    grain = case.rules.grain
    assert len(found) == len(case.answer)
    for row in case.answer:
        words = row[grain.value].split()
        subject = (words[0], words[1] if grain is Grain.ENCOUNTER else None)
        for head, expected in row.items():
            assert cell(head, subject, found, scores) == expected, (subject, head)
    if case.attrition:
        said = [
            {"step": f"{one.step} {one.rule}".strip(), "left": str(one.left), "lost": str(one.lost)}
            for one in attrition
        ]
        assert said == case.attrition


def cell(head: str, subject: SubjectId, found: Found, scores: dict[SubjectId, float]) -> str:
    """Return what stands in the answer's table under a head."""
    match head:
        case "patient" | "encounter":
            return " ".join(part for part in subject if part)
        case "in the cohort":
            return "yes" if subject in scores else "no"
        case "score":
            return f"{scores[subject]:.3f}" if subject in scores else ""
        case "how many count":
            (counted,) = found[subject].values()
            return str(counted[1])
        case _:
            status = found[subject][head][0]
            assert isinstance(status, Status)
            return status.value


def test_the_page_shows_the_tables_that_are_tested() -> None:
    text = PAGE.read_text()
    assert in_page(text) == text
