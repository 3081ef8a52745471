"""The sections of a clinical note: which stretch of it stands under which heading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from notekin.section_titles import is_part, known_title, title_of


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a note, ``text[start:end]``, its heading taken in.

    ``title`` is the usual one for the heading, such as ``assessment and plan`` for ``A/P:``,
    in lower case; None for what stands before the first heading.
    """

    start: int
    end: int
    title: str | None


def sections_of(text: str) -> list[Section]:
    """Return the sections of a note in order: together they are the text, without gap or overlap.

    Headings are the table's (notekin/section_titles.py) in any case at a line's start, or in
    capitals after a full stop, and others by their shape: ``UPPER CASE:``, ``Title Case:``
    alone on its line, a line in Markdown. Headings of body systems (``HEENT:``, ``Neuro:``)
    stay within the section they are in. An empty text has no sections.
    """
    starts = [(0, None), *_headings(text)]
    ends = [start for start, _ in starts[1:]] + [len(text)]
    parts = zip(starts, ends, strict=True)
    return [Section(start, end, title) for (start, title), end in parts if end > start]


_HEADING = r"""
    (?: ^[ \t]* (?P<mark>\#{1,6}[ \t]*|\*\*|__|\[)?
        (?P<number>(?:\d{1,2}|[IVX]{1,4}|[A-H])[.)][ ]+)?
      | (?<=[.!?;:)][ ])
      | (?<=[.!?;:)][ ][ ])
    )
    (?P<name>[A-Za-z][A-Za-z0-9\ ,/&'()+\-]{0,60}?)
    [ \t]* (?:\*\*|__|\])?
    (?P<sign>[ \t]*:(?:\*\*|__)? | [ ][-\u2013\u2014](?=\s) | (?=[ \t]*$))
    (?=[ \t]*(?P<rest>\S{0,12}))
"""
_VALUE = re.compile(
    r"[\d<>=+~(]|(?:yes|no|none|nil|neg|negative|pos|positive|denies|denied|present|absent|n/a|na|"
    r"unknown|normal|nl|wnl|never)\b",
    re.IGNORECASE,
)
_SMALL = {
    "and",
    "of",
    "the",
    "on",
    "in",
    "for",
    "to",
    "at",
    "or",
    "with",
    "by",
    "a",
    "from",
    "upon",
}
_BEFORE_EXAM = {"vital signs", "allergies", "medications", "family history", "social history"}
_EXAMINED = {"general", "heent", "neck", "chest", "lungs", "heart", "abdomen", "extremities"}


@cache
def _heading() -> re.Pattern[str]:
    return re.compile(_HEADING, re.VERBOSE | re.MULTILINE)


def _headings(text: str) -> Iterator[tuple[int, str]]:
    """Give where each section begins and its title."""
    current: str | None = None
    for match in _heading().finditer(text):
        title = _title(match, current)
        if title is not None:
            yield match.start(), title
            current = title


def _title(match: re.Match[str], current: str | None) -> str | None:
    """Return the title of the section that begins here; None where none does."""
    name = match["name"]
    known = known_title(name)
    if known is None and is_part(name):
        begins_exam = current in _BEFORE_EXAM and name.lower() in _EXAMINED and ":" in match["sign"]
        return "physical exam" if begins_exam else None
    if known is not None:
        return known if _is_written_as_heading(match) and not _is_within(known, current) else None
    return title_of(name) if _has_shape_of_heading(match) else None


def _is_within(title: str, current: str | None) -> bool:
    """Say whether a heading belongs to the section it is in: the vital signs of an exam."""
    return title == "vital signs" and current in {"physical exam", "discharge exam", "objective"}


def _is_written_as_heading(match: re.Match[str]) -> bool:
    """Say whether a known heading stands where one does."""
    name, sign = match["name"], match["sign"]
    if _begins_line(match):
        if len(name) < 3 and not (":" in sign or match["mark"]):
            return False
        return bool(match["mark"]) or ":" in sign or name[0].isupper()
    return ":" in sign and name[0].isupper() and len(name) > (1 if name.isupper() else 2)


def _has_shape_of_heading(match: re.Match[str]) -> bool:
    """Say whether words that the table does not have look like a heading."""
    name, sign, rest = match["name"], match["sign"], match["rest"]
    letters = sum(letter.isalpha() for letter in name)
    alone = not rest
    if letters < 3 or match["number"] or not _begins_line(match):
        return False
    if match["mark"] and alone:
        return match["mark"] != "["
    if ":" not in sign:
        return alone and name.isupper() and letters > 7 and " " in name and _after_gap(match)
    if alone:
        return _is_title_case(name)
    is_list = "," in name and any(letter.isdigit() for letter in name)
    return name.isupper() and letters > 4 and not is_list and not _VALUE.match(rest)


def _begins_line(match: re.Match[str]) -> bool:
    return match.start() == 0 or match.string[match.start() - 1] == "\n"


def _after_gap(match: re.Match[str]) -> bool:
    """Say whether the line before is empty, or there is none."""
    before = match.string[: match.start()]
    return not before.strip() or before.endswith("\n\n")


def _is_title_case(name: str) -> bool:
    words = [word for word in re.split(r"[ ,/&()+-]+", name) if word]
    capital = [word[0].isupper() or word[0].isdigit() for word in words if word not in _SMALL]
    return bool(capital) and all(capital) and len(words) <= 7 and name[0].isupper()
