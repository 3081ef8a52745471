"""What a search answers: hits with their evidence, ready to print, tabulate or serialise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any, overload

from notekin.types import Assertion, AttributeValue, Span

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage that matched: ``text`` is the note's ``text[start:end]``, to the letter.

    All places are in characters of the note's text.

    Attributes:
        start: Where it starts; with ``context`` asked for, sentences before the passage.
        end: Where it ends, in the same way.
        score: The passage's cosine to the query; 0 in lexical mode.
        passage: From where to where the passage itself reaches.
        section: The title of the section that it begins in.
        sentence: The sentence in it that says most of the query; None where no words match.
        terms: Where the query's words stand, or what says the same; in order.
        assertion: How that sentence, or else the passage, speaks of what the query asks; None
            where the query was a note.
    """

    start: int
    end: int
    text: str
    score: float
    passage: Span = (0, 0)
    section: str | None = None
    sentence: Span | None = None
    terms: tuple[Span, ...] = ()
    assertion: Assertion | None = None


@dataclass(frozen=True, slots=True)
class ChannelScore:
    """How one channel sees a note.

    Attributes:
        rank: Among all notes that the search scored in this channel, counted from 1.
        score: ``dense``: the cosine of its best passage; ``lexical``: its relevance, 0 to 1;
            ``note``: the cosine of its note vector.
    """

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A note that was found; of a patient's or an encounter's, where they are one row, the best.

    Attributes:
        score: From 0 to 1 in hybrid and lexical mode (docs/decisions/0017-fusion.md); a
            cosine in dense mode and of notes that are like another. Higher is nearer.
        channels: Channel to the note's rank and score there.
        evidence: The passages that matched best, best first.
        copies: In how many other notes of the patient the first of them stands, or nearly so.
        notes: How many notes of the row are as near as the last row's best, or nearer.
        independent_notes: The same, copies of one passage counted once.
    """

    rank: int
    note_id: str
    patient_id: str | None
    score: float
    channels: Mapping[str, ChannelScore]
    category: str | None
    recorded_at: datetime | None
    title: str | None
    evidence: tuple[Evidence, ...]
    source: str
    encounter_id: str | None
    author: str | None
    attributes: Mapping[str, AttributeValue]
    copies: int = 0
    notes: int = 1
    independent_notes: int = 1


@dataclass(frozen=True, slots=True)
class Results(Sequence[Hit]):
    """The hits of one query, best first, and how they were found.

    Attributes:
        generation: The store's generation that was searched.
        path: Which way the search took: ``exact`` scored all that the filters allow, ``ann``
            what an approximate index proposed; ``ann+exact`` did both.
        candidates: How many vectors were scored exactly.
        took_ms: From the query's text to the evidence.
    """

    generation: int
    path: str
    candidates: int
    took_ms: float
    hits: tuple[Hit, ...]

    @overload
    def __getitem__(self, at: int) -> Hit: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Hit]: ...
    def __getitem__(self, at: int | slice) -> Hit | Sequence[Hit]:
        return self.hits[at]

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints, as values that JSON can hold."""
        return {
            "generation": self.generation,
            "path": self.path,
            "candidates": self.candidates,
            "took_ms": round(self.took_ms, 3),
            "hits": [hit_as_json(hit) for hit in self.hits],
        }

    def to_pandas(self) -> pd.DataFrame:
        """Return one row a hit, with the best passage; attributes become columns of their own."""
        import pandas as pd

        return pd.DataFrame([_hit_as_row(hit) for hit in self.hits])

    def _repr_html_(self) -> str:
        """Show the hits as a table in a notebook, the best passage of each beside its facts."""
        head = "".join(f"<th>{name}</th>" for name in ("", "score", "note", "facts", "evidence"))
        rows = "".join(_hit_as_html(hit) for hit in self.hits)
        foot = f"{len(self)} notes, generation {self.generation}, {self.took_ms:.0f} ms"
        return f"<table><tr>{head}</tr>{rows}</table><small>{foot}</small>"


def hit_as_json(hit: Hit) -> dict[str, Any]:
    """Return a hit as values that JSON can hold."""
    row = asdict(hit)
    row["recorded_at"] = hit.recorded_at.isoformat() if hit.recorded_at else None
    row["attributes"] = dict(hit.attributes)
    for said, evidence in zip(row["evidence"], hit.evidence, strict=True):
        said["assertion"] = evidence.assertion and evidence.assertion.to_dict()
    return row


def _hit_as_row(hit: Hit) -> dict[str, Any]:
    row = asdict(hit)
    del row["evidence"], row["attributes"]
    best = hit.evidence[0] if hit.evidence else None
    row |= {"evidence": best and best.text, "start": best and best.start, "end": best and best.end}
    said = best.assertion.to_dict() if best and best.assertion else {}
    row |= {"section": best and best.section}
    row |= {name: said.get(name) for name in ("polarity", "experiencer", "temporality")}
    others = {name: value for name, value in hit.attributes.items() if name not in row}
    return row | others


def _hit_as_html(hit: Hit) -> str:
    facts = (hit.patient_id, hit.category, hit.recorded_at and f"{hit.recorded_at:%Y-%m-%d}")
    cells = (
        str(hit.rank),
        f"{hit.score:.3f}",
        hit.note_id,
        " · ".join(str(fact) for fact in facts if fact),
        hit.evidence[0].text if hit.evidence else "",
    )
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
