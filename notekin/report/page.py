"""The page itself: all that a cohort's report shows, put into one file of HTML.

It asks for nothing outside itself, and a content security policy in it forbids that. All
text is escaped by the template engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notekin.report import figures, overlap, people
from notekin.report.counts import Counts
from notekin.search.cohort.accuracy import Accuracy, Estimate
from notekin.search.cohort.answer import CohortAnswer
from notekin.search.cohort.rules import Criterion
from notekin.search.cohort.screening import Screening

TEMPLATE = "page.html"


@dataclass(frozen=True, slots=True)
class Reported:
    """What a report is made of.

    Attributes:
        definition: As its file says it, as text.
        description: What the cohort is for, in the definition's words; empty where none.
        accuracy: Of each criterion whose cut was calibrated, by id.
        text: Gives a note's text.
        written_at: When the report was made, in UTC.
        kept_generation: At which the cohort was kept; the answer may be of a later one.
    """

    answer: CohortAnswer
    screening: Screening
    definition: str
    description: str
    accuracy: Mapping[str, Accuracy]
    text: people.Text
    written_at: datetime
    kept_generation: int


def html_of(reported: Reported, mask: bool = False) -> str:
    """Return the report as one page.

    Args:
        reported: What it is made of.
        mask: Hide counts from 1 to 9, also as lengths of bars, and leave out the people.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("notekin.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(_context(reported, Counts(mask)))


def _context(reported: Reported, counts: Counts) -> dict[str, Any]:
    answer, screening = reported.answer, reported.screening
    names = _names(screening)
    drawn = [figures.distribution(one, counts, names) for one in screening.criteria]
    return {
        "answer": answer,
        "description": reported.description,
        "definition": reported.definition,
        "written_at": f"{reported.written_at:%Y-%m-%d %H:%M} UTC",
        "mask": counts.mask,
        "kept_generation": reported.kept_generation,
        "facts": _facts(answer, counts),
        "attrition": figures.attrition(answer.attrition, counts, names),
        "timeline": figures.timeline(screening, counts, names),
        "distributions": [one for one in drawn if one is not None],
        "overlap": overlap.overlap(screening, counts, names),
        "accuracy": _accuracy_rows(reported.accuracy, names),
        "people": [] if counts.mask else people.people(answer, reported.text, names),
        "subjects": _subjects(answer),
    }


def _names(screening: Screening) -> dict[str, str]:
    """Return what each criterion is called: its id where a person gave one, else what it asks."""
    return {one.id: _name(one) for one in screening.rules.criteria()}


def _name(criterion: Criterion) -> str:
    is_numbered = criterion.id[:1] == "c" and criterion.id[1:].isdigit()
    if not is_numbered:
        return criterion.id
    return criterion.meaning or " or ".join(criterion.phrases) or "facts"


def _subjects(answer: CohortAnswer) -> str:
    return f"{answer.grain.value}s"


def _facts(answer: CohortAnswer, counts: Counts) -> Sequence[tuple[str, str]]:
    """Return the line of facts under the title."""
    found = [
        (counts.text(len(answer.members)), f"{_subjects(answer)} in the cohort"),
        (counts.text(answer.attrition[0].left), f"{_subjects(answer)} in the store"),
        (counts.text(answer.notes), "notes read"),
    ]
    if answer.notes_without_subject:
        named = f"notes that name no {answer.grain.value}"
        found.append((counts.text(answer.notes_without_subject), named))
    if answer.notes_without_date:
        found.append((counts.text(answer.notes_without_date), "notes without a date"))
    return found


def _accuracy_rows(
    accuracy: Mapping[str, Accuracy], names: Mapping[str, str]
) -> list[dict[str, str]]:
    return [
        {
            "criterion": names.get(name, name),
            "precision": _interval(one.precision),
            "recall": _interval(one.recall),
            "f1": _interval(one.f1),
            "judged": str(one.judged),
        }
        for name, one in accuracy.items()
    ]


def _interval(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"
