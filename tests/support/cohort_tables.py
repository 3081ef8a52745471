"""Makes the tables of docs/cohorts.md from those that both evaluators are tested on.

    python -m tests.support.cohort_tables

writes them between the two marks of the page; a test holds that they are what it writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from notekin.search.cohort.definition_file import definition_of
from notekin.search.cohort.reference import Mention, PlainNote, Spoken
from notekin.search.cohort.rules import Rules
from notekin.types import Assertion, Experiencer, Polarity, Temporality
from tests.support.cohort_notes import facts

CASES = Path(__file__).parents[1] / "data/cohort_rules.yaml"
PAGE = Path(__file__).parents[2] / "docs/cohorts.md"
BEGIN, END = "<!-- the rule tables begin -->", "<!-- the rule tables end -->"
_FACTS = {"patient", "note", "day", "encounter", "category"}
_WORDS: dict[str, tuple[str, Any]] = {
    **{one.value: ("polarity", one) for one in Polarity},
    **{one.value: ("experiencer", one) for one in Experiencer},
    **{one.value: ("temporality", one) for one in Temporality},
}
Row = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """One rule: what is asked, of which notes, with which answer."""

    title: str
    text: str
    definition: dict[str, Any]
    notes: Sequence[Row]
    answer: Sequence[Row]
    attrition: Sequence[Row]

    @property
    def rules(self) -> Rules:
        """Return what is asked."""
        return definition_of({"name": "example", **self.definition}).rules()

    def plain_notes(self) -> list[PlainNote]:
        """Return the notes, with what each says."""
        families = {row["note"]: at for at, row in enumerate(self.notes)}
        return [_note(key, row, families) for key, row in enumerate(self.notes, start=1)]


def cases() -> list[Case]:
    """Return all rules, in the order of the page."""
    read = yaml.safe_load(CASES.read_text())
    return [
        Case(
            one["title"],
            one["text"],
            one["definition"],
            rows(one["notes"]),
            rows(one["answer"]),
            rows(one.get("attrition", "")),
        )
        for one in read
    ]


def rows(table: str) -> list[Row]:
    """Return a table's rows by its heads; a head that names several columns fills them all."""
    lines = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]
    found: list[Row] = []
    for cells in lines[1:]:
        padded = cells + [""] * (len(lines[0]) - len(cells))
        found.append(dict(zip(lines[0], padded, strict=True)))
    return found


def _note(key: int, row: Row, families: Mapping[str, int]) -> PlainNote:
    named = {name: text for head, text in row.items() for name in head.split(", ")}
    says = {
        name: _spoken(text, named["note"], families)
        for name, text in named.items()
        if name not in _FACTS and text and not name.endswith("_class")
    }
    attributes = {
        name: float(text) for name, text in named.items() if name.endswith("_class") and text
    }
    stored = facts(
        key,
        named["patient"] or None,
        note_id=named["note"],
        encounter_id=named.get("encounter") or None,
        category=named.get("category") or None,
        recorded_at=datetime.fromisoformat(named["day"]) if named["day"] else None,
        attributes=attributes,
    )
    return PlainNote(stored, says)


def _spoken(text: str, note: str, families: Mapping[str, int]) -> Spoken:
    score, mentions, fresh = 0.8, [], count(len(families))
    for at, part in enumerate(text.split("!")):
        words = part.split()
        family = next(fresh) if at else families[note]
        if "copy" in words:
            family = families[words[-1]]
            words = words[:-3]
        found: dict[str, Any] = {}
        for word in words:
            if word in _WORDS:
                name, value = _WORDS[word]
                found[name] = value
            else:
                score = float(word)
        mentions.append(Mention(at, at + 1, Assertion(**found), family))
    return Spoken(score, tuple(mentions))


def page() -> str:
    """Return the rules as the page shows them."""
    return "\n\n".join(map(_section, cases()))


def _section(case: Case) -> str:
    asked = yaml.safe_dump(case.definition, sort_keys=False, default_flow_style=None, width=88)
    parts = [
        f"### {case.title}",
        case.text.strip(),
        f"```yaml\n{asked.strip()}\n```",
        _table(case.notes),
        "gives",
        _table(case.answer),
    ]
    if case.attrition:
        parts += ["and", _table(case.attrition)]
    return "\n\n".join(parts)


def _table(table: Sequence[Row]) -> str:
    heads = list(table[0])
    lines = [heads, ["---"] * len(heads), *([row[head] for head in heads] for row in table)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def in_page(text: str) -> str:
    """Return the page's text with the tables as they are now."""
    head, rest = text.split(BEGIN)
    _old, tail = rest.split(END)
    return f"{head}{BEGIN}\n\n{page()}\n\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(in_page(PAGE.read_text()))
