"""The patient as the writer of one note knows them: age, lists of the day, words for them."""

from __future__ import annotations

from dataclasses import dataclass

from notekin.samples import phrases
from notekin.samples.courses import Course, WrittenNote, items
from notekin.samples.dice import Dice

_WORDS = {
    "F": {"noun": "woman", "adjective": "female", "title": "Ms", "he": "she", "his": "her"},
    "M": {"noun": "man", "adjective": "male", "title": "Mr", "he": "he", "his": "his"},
}


@dataclass(frozen=True, slots=True)
class Person:
    """Facts of one patient on the day of one note; ``problems_before`` is the visit or stay."""

    course: Course
    age: int
    problems: tuple[str, ...]
    problems_before: tuple[str, ...]
    medicines: tuple[str, ...]
    new_medicines: tuple[str, ...]
    stopped_medicines: tuple[str, ...]

    @property
    def words(self) -> dict[str, str]:
        """Return the words that stand for the patient in a sentence."""
        words = dict(_WORDS[self.course.sex])
        words["Pronoun"] = words["he"].capitalize()
        words["surname"] = self.course.name.split()[-1]
        words["name"] = f"{words['title']} {words['surname']}"
        words["age"] = str(self.age)
        words["a"] = "an" if self.age in (11, 18) or 80 <= self.age < 90 else "a"
        words["sex"] = self.course.sex
        return words

    def one_liner(self, dice: Dice) -> str:
        """Return the phrase that opens a history: age, sex and what is known."""
        known = [short_of_aside(problem) for problem in self.problems_before[:4]]
        if not known:
            return dice.pick(phrases.ONE_LINERS_WELL).format(**self.words)
        short = [phrases.SHORT.get(problem, problem) for problem in known]
        return dice.pick(phrases.ONE_LINERS).format(
            **self.words, pmh=joined(known), short=", ".join(short)
        )


def on_the_day(course: Course, note: WrittenNote) -> Person:
    """Return the patient with the lists as they stand once this note is written."""
    problems = items(course.facts.get("pmh", ""))
    before = problems[:]
    medicines = items(course.facts.get("meds", ""))
    new: list[str] = []
    stopped: list[str] = []
    for earlier in course.notes[: course.notes.index(note) + 1]:
        if not earlier.same_encounter:
            new, stopped = [], []
        if not earlier.same_encounter:
            before = problems[:]
        problems += [item for value in earlier.values("pmh+") for item in items(value)]
        for name in (item for value in earlier.values("meds-") for item in items(value)):
            stopped += [m for m in medicines if m.startswith(name)]
            medicines = [m for m in medicines if not m.startswith(name)]
        added = [item for value in earlier.values("meds+") for item in items(value)]
        medicines += added
        new += added
    return Person(
        course=course,
        age=course.age_on(note.recorded_at.date()),
        problems=tuple(problems),
        problems_before=tuple(before),
        medicines=tuple(medicines),
        new_medicines=tuple(m for m in new if m in medicines),
        stopped_medicines=tuple(stopped),
    )


def short_of_aside(problem: str) -> str:
    """Return the problem without what stands in parentheses."""
    return problem.split(" (")[0]


def joined(parts: list[str]) -> str:
    """Return ``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
