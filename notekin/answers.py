"""What a store says of itself and of its notes, ready to print or serialise."""

from __future__ import annotations

import dataclasses
from typing import Any

from notekin.storage.records import StoredNote, StoredPassage


@dataclasses.dataclass(frozen=True, slots=True)
class ShownNote:
    """A note as the store holds it, with its text to the letter and its passages."""

    facts: StoredNote
    text: str
    passages: tuple[StoredPassage, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        facts = dataclasses.asdict(self.facts)
        del facts["note_key"]
        facts["recorded_at"] = facts["recorded_at"] and facts["recorded_at"].isoformat()
        passages = [dataclasses.asdict(passage) for passage in self.passages]
        return facts | {"text": self.text, "passages": passages}


@dataclasses.dataclass(frozen=True, slots=True)
class Stats:
    """What a store holds.

    Attributes:
        tokens_seen: Tokens that the model read; less than ``tokens_total`` would mean that
            text was cut, which never happens.
        generations: Commits that the catalog remembers.
        dead_notes: Replaced or deleted, and not purged yet.
        size_bytes: Of the whole store; ``segments_bytes`` of it are vectors.
        mean_pairwise_cosine: Over all pairs of note vectors; near 1 means that the model's
            vectors hardly tell notes apart. None with fewer than two notes.
        sources: Name to number of notes.
        categories: Category to number of notes, most first.
        rejects: Rows that could not be read, as (source, place, reason).
    """

    path: str
    generation: int
    notes: int
    patients: int
    passages: int
    tokens_seen: int
    tokens_total: int
    generations: int
    segments: int
    dead_notes: int
    size_bytes: int
    segments_bytes: int
    model: str
    revision: str | None
    reading: str
    dim: int
    mean_pairwise_cosine: float | None
    sources: dict[str, int]
    categories: dict[str, int]
    attributes: list[str]
    rejects: list[dict[str, str]]

    def to_dict(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return dataclasses.asdict(self)
