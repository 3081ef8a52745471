"""Sentences with a concept in brackets and what they say of it: tests/data/assertions/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from notekin.types import Assertion, Experiencer, Polarity, Temporality

FOLDER = Path(__file__).parent.parent / "data" / "assertions"
_BEGINS = re.compile(
    r"^((?:affirmed|negated|possible)(?: other)?(?: historical| hypothetical)?) \| ", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A concept in a text, ``text[start:end]``, and how the text speaks of it."""

    text: str
    start: int
    end: int
    expected: Assertion


def labelled(name: str) -> list[Labelled]:
    """Return the sentences of ``development``, ``heldout`` or ``varied``."""
    written = (FOLDER / f"{name}.txt").read_text("utf-8")
    lines = [line for line in written.splitlines() if not line.startswith("#")]
    return list(_read("\n".join(lines)))


def marked(text: str) -> tuple[str, int, int]:
    """Return a text without its brackets, and what they held: from, up to."""
    start, end = text.index("["), text.index("]")
    return text[:start] + text[start + 1 : end] + text[end + 1 :], start, end - 1


def _read(written: str) -> Iterator[Labelled]:
    begins = list(_BEGINS.finditer(written))
    ends = [match.start() for match in begins[1:]] + [len(written)]
    for match, end in zip(begins, ends, strict=True):
        yield Labelled(*marked(written[match.end() : end].rstrip("\n")), _assertion(match[1]))


def _assertion(labels: str) -> Assertion:
    polarity, *rest = labels.split()
    times = [Temporality(label) for label in rest if label != "other"]
    return Assertion(
        Polarity(polarity),
        Experiencer.OTHER if "other" in rest else Experiencer.PATIENT,
        times[0] if times else Temporality.CURRENT,
    )
