"""The parts of a note that a chart fills in: vitals, lists, exam, labs, advice.

Each function writes what one ``@`` line of a course asks for. What a clinician found
stands after the ``@``; wording, order and unremarkable rest come from the dice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from notekin.samples import phrases
from notekin.samples.courses import items
from notekin.samples.dice import Dice
from notekin.samples.person import Person, joined

Section: TypeAlias = Callable[[str, Person, Dice], str]


def vitals(asked: str, person: Person, dice: Dice) -> str:
    """Return ``T HR BP RR SpO2:source [weight]`` in one of the usual forms."""
    if not asked:
        asked = (
            f"{36 + dice.between(3, 9) / 10:.1f} {dice.between(62, 84)} "
            f"{dice.between(112, 134)}/{dice.between(64, 82)} {dice.between(13, 17)} "
            f"{dice.between(96, 99)}:RA"
        )
    temp, pulse, pressure, breaths, oxygen, *weight = asked.split()
    percent, _, source = oxygen.partition(":")
    celsius = person.course.site == "tolvaine"
    degrees = f"{temp} °C" if celsius else f"{float(temp) * 9 / 5 + 32:.1f} °F"
    air = "room air" if source == "RA" else source.replace("_", " ")
    form = dice.pick(
        (
            "T {t}, HR {p}, BP {b}, RR {r}, SpO2 {s}% on {o}",
            "Temp {t} | Pulse {p} | BP {b} | Resp {r} | SaO2 {s}% ({o})",
            "BP {b}, HR {p}/min, RR {r}/min, T {t}, sats {s}% {o}",
            "{t}, {p}, {b}, {r}, {s}% {o}",
            "Temperature {t}. Heart rate {p}, pressure {b}, resp rate {r}, O2 sat {s}% {o}",
            "HR {p} BP {b} RR {r} O2 {s}% ({o}) T {t}",
        )
    )
    text = form.format(t=degrees, p=pulse, b=pressure, r=breaths, s=percent, o=air)
    return f"{text}, weight {weight[0].replace('kg', ' kg')}" if weight else text


def problems(_asked: str, person: Person, dice: Dice) -> str:
    """Return the problem list."""
    return _list(list(person.problems) or ["None known"], dice)


def medicines(_asked: str, person: Person, dice: Dice) -> str:
    """Return the medicines of the day."""
    return _list(list(person.medicines) or ["No regular medicines"], dice)


def discharge_medicines(_asked: str, person: Person, dice: Dice) -> str:
    """Return the medicines to go on with, what is new, and what was stopped."""
    mark = dice.pick((" (NEW)", " [new]", " - started this admission", " *new*"))
    rows = [m + mark if m in person.new_medicines else m for m in person.medicines]
    text = _list(rows or ["None"], dice)
    if not person.stopped_medicines:
        return text
    stop = dice.pick(("STOPPED: ", "Discontinued: ", "Do not take any more: ", "Held/stopped: "))
    return f"{text}\n{stop}{'; '.join(person.stopped_medicines)}"


def allergies(_asked: str, person: Person, dice: Dice) -> str:
    """Return the allergies."""
    return person.course.facts.get("allergy") or dice.pick(
        ("NKDA", "None known", "No known drug allergies")
    )


def family_history(_asked: str, person: Person, dice: Dice) -> str:
    """Return the family history."""
    none = ("Non-contributory", "No relevant family history", "Nothing of note")
    return person.course.facts.get("fh") or dice.pick(none)


def social_history(_asked: str, person: Person, dice: Dice) -> str:
    """Return the social history."""
    return person.course.facts.get("sh") or dice.pick(("Lives with family", "Lives independently"))


def systems(asked: str, person: Person, dice: Dice) -> str:
    """Return symptoms that are there, ``+a, b``, and those that are not, ``-c, d``."""
    has, _, lacks = f" {asked}".partition(" -")
    said = []
    if has.strip("+ "):
        said.append(dice.pick(phrases.POSITIVE_ROS).format(yes=has.strip("+ ")))
    if lacks.strip():
        negative = dice.pick(phrases.NEGATIVE_ROS)
        said.append(negative.format(no=lacks.strip(), **person.words))
    said.append(dice.pick(phrases.ROS_END))
    return " ".join(part for part in said if part)


def exam(asked: str, _person: Person, dice: Dice) -> str:
    """Return the findings given, and normal ones for the usual systems not named.

    ``only;`` leaves the normal ones away.
    """
    parts = items(asked)
    found = dict(part.split("=", 1) for part in parts if "=" in part)
    usual = {} if "only" in parts else {k: dice.pick(v) for k, v in phrases.NORMAL_EXAM.items()}
    lines = [
        f"{dice.pick(phrases.EXAM_LABELS[system])}: {said}"
        for system, said in (usual | found).items()
    ]
    ending = dice.pick((".", ""))
    if dice.below(3) == 0:
        return ". ".join(lines) + "."
    return "\n".join(line + ending for line in lines)


def labs(asked: str, _person: Person, dice: Dice) -> str:
    """Return the results given."""
    rows = [_flagged(result) for result in items(asked)]
    return dice.pick(("\n", ", ", "; ", " | ")).join(rows)


def full_labs(asked: str, person: Person, dice: Dice) -> str:
    """Return the results given, and unremarkable ones of the usual panel."""
    named = {result.split()[0] for result in items(asked)}
    rest = [
        f"{test} {number}" if divisor == 1 else f"{test} {number / divisor}"
        for test, (low, high, divisor) in phrases.NORMAL_LABS.items()
        if (number := dice.between(low, high)) and test not in named
    ]
    return labs("; ".join([*items(asked), *rest]), person, dice)


def trend(asked: str, _person: Person, dice: Dice) -> str:
    """Return a table of results over days: ``Day: 1 2 3 | Cr: 1.0 2.1 1.4``."""
    rows = [row.split(":", 1) for row in asked.split(" | ")]
    gap = dice.pick(("  ", " | ", "\t"))
    return "\n".join(gap.join((name.strip(), *values.split())) for name, values in rows)


def flowsheet(asked: str, _person: Person, dice: Dice) -> str:
    """Return one row a day: ``1-20 | HR 128 96 | Cr 1.1 3.4 1.2`` goes from value to value."""
    days, *measures = (part.strip() for part in asked.split(" | "))
    first, last = (int(day) for day in days.split("-"))
    label = dice.pick(("Day", "HD", "D"))
    rows = []
    for day in range(first, last + 1):
        share = (day - first) / (last - first)
        values = [_on_the_way(measure.split(), share, dice) for measure in measures]
        rows.append(f"{label} {day}: {', '.join(values)}")
    return "\n".join(rows)


def _on_the_way(measure: list[str], share: float, dice: Dice) -> str:
    """Return name and value at this share of the stay, a little off the straight line."""
    name, *given = measure
    values = [float(value) for value in given]
    leg = min(int(share * (len(values) - 1)), len(values) - 2)
    within = share * (len(values) - 1) - leg
    value = values[leg] + (values[leg + 1] - values[leg]) * within
    value += (max(values) - min(values)) * dice.between(-5, 5) / 100
    value = max(value, 0.0)
    return f"{name} {value:.1f}" if "." in "".join(given) else f"{name} {value:.0f}"


def prophylaxis(asked: str, _person: Person, dice: Dice) -> str:
    """Return the line on diet, prevention of clots and resuscitation."""
    return dice.pick(phrases.PROPHYLAXIS[asked])


def nursing(asked: str, _person: Person, dice: Dice) -> str:
    """Return what nurses chart every shift, of the topics asked for or of some."""
    topics = asked.split() or dice.shuffled(list(phrases.NURSING))[:4]
    said = [dice.pick(phrases.NURSING[topic]) for topic in topics]
    return dice.pick((" ", "\n")).join(said)


def advice(asked: str, _person: Person, dice: Dice) -> str:
    """Return the instructions for home, of each topic asked for."""
    return " ".join(dice.pick(phrases.RETURN[topic]) for topic in asked.split())


def _list(rows: list[str], dice: Dice) -> str:
    style = dice.below(5)
    if style == 0:
        return "\n".join(f"{n}. {row}" for n, row in enumerate(rows, 1))
    if style == 1:
        return "\n".join(f"- {row}" for row in rows)
    if style == 2:
        return "\n".join(rows)
    return "; ".join(rows) if style == 3 else f"{joined(rows)}."


def _flagged(result: str) -> str:
    value, _, flag = result.rpartition(" ")
    return f"{value} ({flag})" if flag in ("H", "L") else result


SECTIONS: dict[str, Section] = {
    "v": vitals,
    "pmh": problems,
    "meds": medicines,
    "dcmeds": discharge_medicines,
    "all": allergies,
    "fh": family_history,
    "sh": social_history,
    "ros": systems,
    "exam": exam,
    "labs": labs,
    "labs+": full_labs,
    "trend": trend,
    "flow": flowsheet,
    "ppx": prophylaxis,
    "rn": nursing,
    "dc": advice,
}
