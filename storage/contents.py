"""What some notes say: their texts and passages, in one look at the catalog."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, distinct, func, select, union_all

from notekin.storage.checksums import PASSAGES, seal_of
from notekin.storage.damage import damaged_catalog
from notekin.storage.reading import seen_by
from notekin.storage.records import StoredPassage, decode_text
from notekin.storage.schema import IS_COPY, NoteRow, NoteTextRow, PassageRow
from notekin.storage.sets import among_bound, as_array
from notekin.types import NoteKey

_TEXTS = (
    select(NoteRow.note_key, NoteRow.checksum, NoteTextRow.text)
    .join(NoteTextRow, NoteRow.note_key == NoteTextRow.note_key)
    .where(among_bound(NoteRow.note_key, "keys"))
)
_PASSAGES = (
    select(PassageRow.note_key, *(getattr(PassageRow, name) for name in PASSAGES))
    .where(among_bound(PassageRow.note_key, "keys"))
    .order_by(PassageRow.passage_key)
)
_HELD = union_all(
    select(PassageRow.family, PassageRow.note_key).where(
        IS_COPY, among_bound(PassageRow.family, "families")
    ),
    select(PassageRow.passage_key, PassageRow.note_key).where(
        among_bound(PassageRow.passage_key, "families")
    ),
).subquery()
_IN_FAMILIES = (
    select(_HELD.c.family, func.count(distinct(_HELD.c.note_key)))
    .join(NoteRow, NoteRow.note_key == _HELD.c.note_key)
    .where(seen_by(bindparam("generation", type_=BigInteger)))
    .group_by(_HELD.c.family)
)


@dataclass(frozen=True, slots=True)
class Content:
    """A note's text to the letter, and its passages in text order."""

    text: str
    passages: tuple[StoredPassage, ...]


def contents_of(connection: Connection, keys: Sequence[NoteKey]) -> dict[NoteKey, Content]:
    """Return what some notes say, by key; meant for hits, not for whole stores."""
    values = {"keys": as_array(keys)}
    rows = connection.execute(_TEXTS, values).all()
    if len(rows) < len(set(keys)):
        raise damaged_catalog(connection, "does not hold the text of a note as it was written")
    passages: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in connection.execute(_PASSAGES, values).all():
        passages[row[0]].append(row[1:])
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
    connection: Connection, generation: int, families: Iterable[int]
) -> dict[int, int]:
    """Count the live notes that hold a passage of each family, by family.

    It costs what these families hold, however many notes their patients have.
    """
    values = {"families": as_array(families), "generation": generation}
    rows = connection.execute(_IN_FAMILIES, values)
    return {family: count for family, count in rows if family is not None}
