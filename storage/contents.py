"""What some notes say: their texts and passages, in one look at the catalog."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, distinct, func, select

from notekin.storage.checksums import PASSAGES, seal_of
from notekin.storage.damage import damaged_catalog
from notekin.storage.reading import seen_by
from notekin.storage.records import StoredPassage, decode_text
from notekin.storage.schema import NoteRow, NoteTextRow, PassageRow
from notekin.storage.sets import among
from notekin.types import NoteKey


@dataclass(frozen=True, slots=True)
class Content:
    """A note's text to the letter, and its passages in text order."""

    text: str
    passages: tuple[StoredPassage, ...]


def contents_of(connection: Connection, keys: Sequence[NoteKey]) -> dict[NoteKey, Content]:
    """Return what some notes say, by key; meant for hits, not for whole stores."""
    rows = connection.execute(
        select(NoteRow.note_key, NoteRow.checksum, NoteTextRow.text)
        .join(NoteTextRow, NoteRow.note_key == NoteTextRow.note_key)
        .where(among(NoteRow.note_key, keys))
    ).all()
    if len(rows) < len(set(keys)):
        raise damaged_catalog(connection, "does not hold the text of a note as it was written")
    passages = _passages(connection, keys)
    seal = seal_of(connection)
    contents = {}
    for key, checksum, text in rows:
        note_key = NoteKey(key)
        if not seal.holds_text(checksum, note_key, text):
            raise damaged_catalog(connection, "does not hold the text of a note as it was written")
        if not seal.holds_passages(checksum, note_key, passages[key]):
            raise damaged_catalog(connection, "does not hold the passages of a note as written")
        read = tuple(StoredPassage(*row[:-1]) for row in passages[key])
        contents[note_key] = Content(decode_text(text), read)
    return contents


def notes_in_families(
    connection: Connection, generation: int, families: Iterable[int], patients: Iterable[str]
) -> dict[int, int]:
    """Count the live notes that hold a passage of each family, by family.

    Args:
        connection: To the catalog.
        generation: Whose notes.
        families: Which.
        patients: The patients whose notes they are.
    """
    rows = connection.execute(
        select(PassageRow.family, func.count(distinct(PassageRow.note_key)))
        .join(NoteRow, NoteRow.note_key == PassageRow.note_key)
        .where(
            among(NoteRow.patient_id, patients),
            among(PassageRow.family, families),
            seen_by(generation),
        )
        .group_by(PassageRow.family)
    )
    return {family: count for family, count in rows if family is not None}


def _passages(connection: Connection, keys: Sequence[NoteKey]) -> dict[int, list[tuple[Any, ...]]]:
    rows = connection.execute(
        select(PassageRow.note_key, *(getattr(PassageRow, name) for name in PASSAGES))
        .where(among(PassageRow.note_key, keys))
        .order_by(PassageRow.passage_key)
    )
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for key, *passage in rows:
        found[key].append(tuple(passage))
    return found
