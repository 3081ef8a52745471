"""The courses: invented people and what was written about them, read from the ``courses-*.md``.

A course file is Markdown with a little grammar, meant to be read and edited by hand:

    # P001 | Hanna Orrel | F | 1956-04-11 | Cardiology | ashmere
    pmh: hypertension; gout
    meds: lisinopril 20 mg daily
    fh: Mother had a stroke at 60.

    ## 2021-03-04 02:15 | ED note | Shortness of breath
    assert: stroke | family | Mother had a stroke
    > HPI
    {one} presenting with ...
    @v 36.8 112 98/60 24 91:RA

``##`` opens a note in a new encounter, ``##+`` one in the encounter before. Lines
``meds+: meds-: pmh+:`` change the patient's lists from that note on; ``demo:``,
``decoy:``, ``assert:`` and ``deep:`` mark the note for ``guide.py``. ``>`` starts a section,
``@`` asks for a part that ``sections.py`` writes, and every other line is the
clinician's own prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib import resources
from typing import Literal

FACTS = ("pmh", "meds", "fh", "sh", "allergy")
_FACT = re.compile(r"^(pmh|meds|fh|sh|allergy): (.+)$")
_META = re.compile(r"^(demo|decoy|assert|deep|meds\+|meds-|pmh\+|by): (.+)$")
_NOTE = re.compile(r"^##(\+?) (\d{4}-\d\d-\d\d \d\d:\d\d) \| ([^|]+) \| ([^|]+)$")


@dataclass(frozen=True, slots=True)
class WrittenNote:
    """One note as it is written in a course file, its parts not yet composed."""

    recorded_at: datetime
    category: str
    title: str
    same_encounter: bool
    meta: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]

    def values(self, key: str) -> list[str]:
        """Return what the note's ``key:`` lines say, in order."""
        return [value for name, value in self.meta if name == key]


@dataclass(frozen=True, slots=True)
class Course:
    """One invented patient and the notes about them, in the order of the file."""

    patient_id: str
    name: str
    sex: Literal["F", "M"]
    born: date
    specialty: str
    site: str
    facts: dict[str, str] = field(default_factory=dict)
    notes: tuple[WrittenNote, ...] = ()

    def age_on(self, day: date) -> int:
        """Return the patient's age in whole years on that day."""
        before_birthday = (day.month, day.day) < (self.born.month, self.born.day)
        return day.year - self.born.year - before_birthday


def items(text: str) -> list[str]:
    """Return the parts of a list written with semicolons."""
    return [part.strip() for part in text.split(";") if part.strip()]


def courses() -> Iterator[Course]:
    """Yield every course, in the order of patient ids."""
    found = [_course(block) for text in _texts() for block in re.split(r"(?m)^# (?=P\d)", text)[1:]]
    yield from sorted(found, key=lambda course: course.patient_id)


def _texts() -> list[str]:
    folder = resources.files("notekin.samples")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.startswith("courses-"))
    return [folder.joinpath(name).read_text(encoding="utf-8") for name in names]


def _course(block: str) -> Course:
    head, *note_blocks = re.split(r"(?m)^(?=##\+? \d)", block)
    first, *rest = head.strip().splitlines()
    patient_id, name, sex, born, specialty, site = (part.strip() for part in first.split("|"))
    return Course(
        patient_id=patient_id,
        name=name,
        sex="F" if sex == "F" else "M",
        born=date.fromisoformat(born),
        specialty=specialty,
        site=site,
        facts={m[1]: m[2].strip() for line in rest if (m := _FACT.match(line))},
        notes=tuple(_written(note_block) for note_block in note_blocks),
    )


def _written(block: str) -> WrittenNote:
    first, *rest = block.strip().splitlines()
    head = _NOTE.match(first)
    if head is None:
        raise ValueError(f"not a note's first line: {first!r}")
    meta = tuple((m[1], m[2].strip()) for line in rest if (m := _META.match(line)))
    return WrittenNote(
        recorded_at=datetime.fromisoformat(head[2]),
        category=head[3].strip(),
        title=head[4].strip(),
        same_encounter=bool(head[1]),
        meta=meta,
        lines=tuple(line for line in rest if not _META.match(line)),
    )
