"""Hits for people to read in a terminal: facts, evidence with what matched marked, fields."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from notekin.types import Assertion, Experiencer, Polarity, Span, Temporality

if TYPE_CHECKING:
    from notekin.search.hits import Evidence, Hit, Results
    from notekin.storage.field_counts import FieldCount

_INDENT = 4
_TERM = "bold yellow"
_STYLES = {"negated": "red", "possible": "yellow", "other": "magenta", "hypothetical": "cyan"}
_SPACE = re.compile(r"\s+")


def results(console: Console, found: Results) -> None:
    """Print hits: the facts of each, and the passage that matched best."""
    if not found:
        console.print("No note meets the filters.")
    for hit in found:
        console.print(_hanging(_facts(hit)))
        if hit.evidence:
            console.print(Padding(_said(hit), (0, 0, 0, _INDENT)))
            console.print(Padding(_passage(hit.evidence[0]), (0, 0, 1, _INDENT)))
    console.print(
        Text(
            f"{len(found)} {'hit' if len(found) == 1 else 'hits'}, generation {found.generation}, "
            f"{found.path}, {found.candidates:,} scored, {found.took_ms:.0f} ms",
            style="dim",
        )
    )


def fields(console: Console, found: Sequence[FieldCount]) -> None:
    """Print the fields of a store."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("field", "type", "notes", "values", "most common, or range"):
        right = name in {"notes", "values"}
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for one in found:
        common = ", ".join(f"{value} {count:,}" for value, count in one.values)
        range_ = f"{one.low} to {one.high}" if one.low is not None else ""
        shown = range_ if range_ and one.distinct > len(one.values) else common
        table.add_row(
            Text(one.name), one.type.value, f"{one.notes:,}", f"{one.distinct:,}", Text(shown)
        )
    console.print(table)


def _hanging(line: Text) -> Table:
    """Return a hit's first line so that what is wrapped stands under its beginning."""
    rank, rest = line.divide([_INDENT])
    table = Table.grid()
    table.add_column(width=_INDENT)
    table.add_column(overflow="fold")
    table.add_row(rank, rest)
    return table


def _facts(hit: Hit) -> Text:
    when = hit.recorded_at and f"{hit.recorded_at:%Y-%m-%d}"
    patient = hit.patient_id and f"patient {hit.patient_id}"
    facts = [fact for fact in (patient, hit.category, when, hit.title) if fact]
    line = Text(f"{hit.rank:>2}  {hit.score:.3f}  ")
    line.append(hit.note_id, style="bold")
    return line.append("  " + " · ".join(facts))


def _said(hit: Hit) -> Text:
    """Return where the passage stands, how it speaks of what was asked, and how often."""
    best = hit.evidence[0]
    parts = [Text(best.section or "no section", style="italic")]
    if best.assertion is not None:
        parts.append(_assertion(best.assertion, as_a_whole=not best.terms))
    if hit.notes > 1:
        copies = (
            ""
            if hit.independent_notes == hit.notes
            else f", {hit.independent_notes} of them not copied"
        )
        parts.append(Text(f"{hit.notes} notes{copies}"))
    if hit.copies:
        parts.append(Text(f"also in {hit.copies} {'note' if hit.copies == 1 else 'notes'}"))
    return Text(" · ", style="dim").join(parts)


def _assertion(said: Assertion, *, as_a_whole: bool) -> Text:
    words = [said.polarity.value]
    if said.experiencer is Experiencer.OTHER:
        words.append("of someone else")
    if said.temporality is not Temporality.CURRENT:
        words.append(said.temporality.value)
    if as_a_whole:
        words.append("as a whole")
    style = _STYLES.get(said.polarity.value, "")
    if said.polarity is Polarity.AFFIRMED:
        style = _STYLES.get(said.experiencer.value) or _STYLES.get(said.temporality.value, "green")
    return Text(", ".join(words), style=style)


def _passage(evidence: Evidence) -> Text:
    """Return the passage on as few lines as it takes; what matched is marked."""
    text = Text()
    for start, end, style in _pieces(evidence):
        text.append(
            _SPACE.sub(" ", evidence.text[start - evidence.start : end - evidence.start]), style
        )
    return text


def _pieces(evidence: Evidence) -> Iterator[tuple[int, int, str]]:
    """Give the passage in pieces of one style each: terms, their sentence, the rest."""
    sentence = evidence.sentence or (evidence.start, evidence.end)
    edges = {evidence.start, evidence.end, *sentence}
    edges.update(edge for term in evidence.terms for edge in term)
    places = sorted(edge for edge in edges if evidence.start <= edge <= evidence.end)
    for start, end in itertools.pairwise(places):
        yield start, end, _style(start, end, sentence, evidence.terms)


def _style(start: int, end: int, sentence: Span, terms: Sequence[Span]) -> str:
    if any(begins <= start and end <= ends for begins, ends in terms):
        return _TERM
    return "" if sentence[0] <= start and end <= sentence[1] else "dim"
