"""What the store itself finds in a note when it is written: of each passage, section and likeness.

The words are found by the segment (storage/postings.py), families by the transaction that
writes the passages (storage/families.py).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from notekin.sections import sections_of
from notekin.storage.likeness import Likeness, likeness_of
from notekin.storage.postings import NoteWords

Span: TypeAlias = tuple[int, int]
"""Start and end of a passage in its note's text."""


PassageValues: TypeAlias = tuple[int, int, int, str | None, int | None, bytes | None]
"""A passage's start, end, tokens, section, family and likeness."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What is found in one note.

    Attributes:
        sections: The title of the section that each passage begins in; None for none.
        likeness: uint8 of shape (passages, HASHES).
    """

    text: str
    starts: Sequence[int]
    sections: Sequence[str | None]
    likeness: Likeness

    def words(self, title: str | None) -> NoteWords:
        """Return what the segment indexes of the note, given its title."""
        return NoteWords(self.text, self.starts, self.sections, title)


def marks_of(texts: Sequence[str], passages: Sequence[Sequence[Span]]) -> list[Marks]:
    """Return what is found in some notes, given their texts and their passages' spans."""
    likeness = likeness_of(
        [
            text[start:end]
            for text, spans in zip(texts, passages, strict=True)
            for start, end in spans
        ]
    )
    marks, at = [], 0
    for text, spans in zip(texts, passages, strict=True):
        starts = [start for start, _ in spans]
        some = likeness[at : at + len(spans)]
        marks.append(Marks(text, starts, section_titles(text, starts), some))
        at += len(spans)
    return marks


def passage_values(
    passages: Sequence[tuple[int, int, int]], marks: Marks, families: Sequence[int] | None
) -> list[PassageValues]:
    """Return the columns of a note's passages, in the order of ``checksums.PASSAGES``.

    Args:
        passages: (start, end, tokens) of each.
        marks: The note's.
        families: The passages'; None where the note has no patient.
    """
    if families is None:
        return [
            (*span, section, None, None)
            for span, section in zip(passages, marks.sections, strict=True)
        ]
    return [
        (*span, section, family, likeness.tobytes())
        for span, section, family, likeness in zip(
            passages, marks.sections, families, marks.likeness, strict=True
        )
    ]


def section_titles(text: str, starts: Sequence[int]) -> list[str | None]:
    """Return the title of the section in which each offset lies; None for none."""
    sections = sections_of(text)
    if not sections:
        return [None] * len(starts)
    firsts = [section.start for section in sections]
    return [sections[bisect_right(firsts, start) - 1].title for start in starts]
