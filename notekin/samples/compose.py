"""From courses to notes, and to the shipped file: ``python -m notekin.samples.compose``.

Everything is invented: people, clinicians, hospitals, dates, events. Each note says
so in its attribute ``invented``.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass

from notekin.samples import path, phrases
from notekin.samples.courses import Course, WrittenNote, courses
from notekin.samples.dice import Dice
from notekin.samples.headings import Headings
from notekin.samples.person import Person, on_the_day
from notekin.samples.sections import SECTIONS
from notekin.types import AttributeValue, Note, NoteId, PatientId

SOURCE = "samples"

_LONE_SECTIONS = {"pmh": "PMH", "meds": "MEDS", "all": "ALL", "fh": "FH", "sh": "SH"}


@dataclass(frozen=True, slots=True)
class Composed:
    """A note, and what the course file says it is there to show."""

    note: Note
    written: WrittenNote


def compose() -> Iterator[Composed]:
    """Yield every note, patients in order of id, each patient's notes in order of time."""
    note_number = encounter_number = 0
    for course in courses():
        plan = ""
        for written in course.notes:
            note_number += 1
            if not written.same_encounter:
                encounter_number += 1
                plan = ""
            writer = _Writer(course, written, f"E{encounter_number:04}")
            text = writer.text(plan)
            plan = writer.plan or plan
            yield Composed(writer.note(f"note-{note_number:04}", text), written)


class _Writer:
    """Writes one note."""

    def __init__(self, course: Course, written: WrittenNote, encounter_id: str) -> None:
        self._course = course
        self._written = written
        self._encounter_id = encounter_id
        self._person: Person = on_the_day(course, written)
        self._dice = Dice(f"{course.patient_id}/{written.recorded_at:%Y-%m-%d %H:%M}")
        self._headings = Headings(self._dice)
        self._author = self._pick_author()
        self._one_liner = self._person.one_liner(self._dice)
        self.plan = ""

    def note(self, note_id: str, text: str) -> Note:
        attributes: dict[str, AttributeValue] = {
            "age": self._person.age,
            "sex": self._course.sex,
            "specialty": self._course.specialty,
            "site": phrases.SITES[self._course.site],
            "invented": True,
        }
        return Note(
            note_id=NoteId(note_id),
            text=text,
            source=SOURCE,
            patient_id=PatientId(self._course.patient_id),
            encounter_id=self._encounter_id,
            category=self._written.category,
            recorded_at=self._written.recorded_at,
            author=self._author,
            title=self._written.title,
            attributes=attributes,
        )

    def text(self, plan_before: str) -> str:
        """Return the whole note; ``plan_before`` is the encounter's last assessment."""
        parts = self._opening()
        for heading, lines in _split(self._written.lines):
            body = "\n".join(self._line(line, plan_before) for line in lines).strip()
            if heading == "AP":
                self.plan = body
            parts.append(self._headings.over(heading, body) if heading else body)
        parts.append(self._closing())
        gap = self._dice.pick(("\n\n", "\n"))
        return gap.join(part for part in parts if part)

    def _line(self, line: str, plan_before: str) -> str:
        if line == "@copy":
            return plan_before
        if line == "@bg":
            return self._background()
        if line.startswith("@"):
            name, _, asked = line[1:].partition(" ")
            return SECTIONS[name](asked, self._person, self._dice)
        return line.format(one=self._one_liner, **self._person.words)

    def _background(self) -> str:
        parts = self._dice.shuffled(["pmh", "meds", "all", "fh", "sh"])
        return "\n".join(
            self._headings.over(_LONE_SECTIONS[part], SECTIONS[part]("", self._person, self._dice))
            for part in parts
        )

    def _opening(self) -> list[str]:
        day = f"{self._written.recorded_at:%d %b %Y}"
        if self._written.category == "Clinic letter":
            greeting = self._dice.pick(phrases.GREETINGS)
            doctor = self._dice.pick(phrases.FAMILY_DOCTORS)
            clinic = f"{phrases.SITES[self._course.site]}, {self._course.specialty}, {day}"
            return [f"{clinic}\n{greeting.format(gp=doctor)}"]
        if self._written.category == "Discharge summary":
            first = self._admission()[0]
            return [
                f"{phrases.SITES[self._course.site]} - {self._course.specialty}\n"
                f"Admitted: {first.recorded_at:%d %b %Y}   Discharged: {day}"
            ]
        if self._written.category in ("Operative note", "Radiology report", "Echo report"):
            return [self._dice.pick((f"{self._written.title}, {day}", self._written.title))]
        return []

    def _admission(self) -> list[WrittenNote]:
        until = self._course.notes[: self._course.notes.index(self._written) + 1]
        starts = [n for n, note in enumerate(until) if not note.same_encounter]
        return list(until[starts[-1] :])

    def _closing(self) -> str:
        moment = self._written.recorded_at
        said = self._dice.pick(phrases.SIGN_OFF).format(
            author=self._author, clock=f"{moment:%H:%M}", day=f"{moment:%d/%m/%Y}"
        )
        if self._written.category == "Clinic letter":
            return f"{self._dice.pick(phrases.FAREWELLS)}\n{self._author}"
        return said

    def _pick_author(self) -> str:
        given = self._written.values("by")
        if given:
            return given[0]
        category = self._written.category
        bank = phrases.CLINICIANS.get(category, phrases.PHYSICIANS)
        key = self._course.patient_id + self._encounter_id if bank is phrases.PHYSICIANS else ""
        return Dice(key).pick(bank) if key else self._dice.pick(bank)


def _split(lines: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """Yield each section's heading, empty before the first, with its lines."""
    heading, held = "", list[str]()
    for line in lines:
        if line.startswith("> "):
            if held:
                yield heading, held
            heading, held = line[2:].strip(), []
        elif line.strip():
            held.append(line)
    if held:
        yield heading, held


def as_json(note: Note) -> str:
    """Return the note as one line of JSON, as the shipped file holds it."""
    row = {
        "note_id": note.note_id,
        "patient_id": note.patient_id,
        "encounter_id": note.encounter_id,
        "category": note.category,
        "recorded_at": note.recorded_at.isoformat() if note.recorded_at else None,
        "author": note.author,
        "title": note.title,
        "text": note.text,
        "attributes": dict(note.attributes),
    }
    return json.dumps(row, ensure_ascii=False)


def as_bytes() -> bytes:
    """Return all notes as JSON Lines in UTF-8: the same bytes on every machine."""
    return "".join(as_json(composed.note) + "\n" for composed in compose()).encode("utf-8")


def main() -> None:
    """Write the shipped file anew."""
    path().write_bytes(gzip.compress(as_bytes(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
