"""Whole notes out of the catalog, page by page, each with what its checksum says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Executable, RowMapping, select

from notekin.storage.checksums import FACTS, PASSAGES, seal_of
from notekin.storage.records import attribute_values, load_attributes
from notekin.storage.schema import AttributeRow, NoteRow, NoteTextRow, PassageRow

_NOTES_A_PAGE = 500


@dataclass(frozen=True, slots=True)
class WholeNote:
    """All that the catalog holds of one note, and which parts of it are as written.

    Attributes:
        passages: Their columns (checksums.PASSAGES), in text order.
        live: Whether the newest generation has it.
    """

    note_key: int
    text: bytes
    passages: list[tuple[Any, ...]]
    checksum: bytes
    facts: dict[str, Any]
    live: bool
    facts_sound: bool
    text_sound: bool
    passages_sound: bool
    attributes_sound: bool

    @property
    def sound(self) -> bool:
        """Whether all of it is as it was written."""
        return self.readable and self.passages_sound and self.attributes_sound

    @property
    def readable(self) -> bool:
        """Whether its facts and text are: the rest can be made again from them."""
        return self.facts_sound and self.text_sound


def whole_notes(connection: Connection) -> Iterator[WholeNote]:
    """Give every note of the catalog, dead ones too, by key; memory holds one page."""
    last = -1
    while page := _page(connection, last):
        until = page[-1]["note_key"]
        passages = _by_note(
            connection,
            select(PassageRow.note_key, *(getattr(PassageRow, name) for name in PASSAGES))
            .where(PassageRow.note_key > last, PassageRow.note_key <= until)
            .order_by(PassageRow.passage_key),
        )
        attributes = _by_note(
            connection,
            select(
                AttributeRow.note_key,
                AttributeRow.name,
                AttributeRow.position,
                AttributeRow.text,
                AttributeRow.number,
            ).where(AttributeRow.note_key > last, AttributeRow.note_key <= until),
        )
        for row in page:
            key = row["note_key"]
            yield _whole(connection, row, passages.get(key, []), attributes.get(key, []))
        last = until


def _page(connection: Connection, last: int) -> list[RowMapping]:
    columns = [getattr(NoteRow, name) for name in FACTS]
    rows = connection.execute(
        select(*columns, NoteRow.checksum, NoteRow.died, NoteTextRow.text)
        .join(NoteTextRow, NoteTextRow.note_key == NoteRow.note_key, isouter=True)
        .where(NoteRow.note_key > last)
        .order_by(NoteRow.note_key)
        .limit(_NOTES_A_PAGE)
    )
    return list(rows.mappings())


def _by_note(connection: Connection, query: Executable) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = {}
    for key, *values in connection.execute(query):
        found.setdefault(key, []).append(tuple(values))
    return found


def _whole(
    connection: Connection,
    row: RowMapping,
    passages: list[tuple[Any, ...]],
    attributes: list[tuple[Any, ...]],
) -> WholeNote:
    seal, key, checksum = seal_of(connection), row["note_key"], row["checksum"]
    facts = {name: row[name] for name in FACTS}
    facts_sound = seal.holds_facts(checksum, facts)
    return WholeNote(
        note_key=key,
        text=row["text"] or b"",
        passages=passages,
        checksum=checksum,
        facts=facts,
        live=row["died"] is None,
        facts_sound=facts_sound,
        text_sound=row["text"] is not None and seal.holds_text(checksum, key, row["text"]),
        passages_sound=seal.holds_passages(checksum, key, passages),
        attributes_sound=facts_sound and _spread_out(facts["attributes"]) == set(attributes),
    )


def _spread_out(attributes: str) -> set[tuple[Any, ...]]:
    return set(attribute_values(load_attributes(attributes)))
