"""The statements of a commit; the catalog runs them inside one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from notekin.storage.keys import passage_key
from notekin.storage.records import (
    Generation,
    NewNote,
    attribute_values,
    dump_attributes,
    encode_text,
    storable,
)
from notekin.storage.schema import (
    AttributeRow,
    Base,
    GenerationRow,
    NoteRow,
    NoteTextRow,
    PassageRow,
    RejectRow,
    SegmentRow,
    SettingRow,
)
from notekin.storage.segments import SegmentRecord
from notekin.types import NoteKey, Reject

IDS_A_STATEMENT = 500
"""Statements never name more ids than this: databases bound how many values one may hold."""


def live_digests(connection: Connection, source: str, note_ids: Sequence[str]) -> dict[str, bytes]:
    """Return the digests of those of a source's notes that are live, by note id."""
    found: dict[str, bytes] = {}
    for some in _chunks(note_ids):
        rows = connection.execute(
            select(NoteRow.note_id, NoteRow.digest).where(
                NoteRow.source == source, NoteRow.note_id.in_(some), NoteRow.died.is_(None)
            )
        )
        found.update((note_id, digest) for note_id, digest in rows)
    return found


def insert_generation(
    connection: Connection,
    keys: Sequence[NoteKey],
    notes: Sequence[NewNote],
    segment: SegmentRecord,
    committed_at: datetime,
) -> Generation:
    """Write one generation: tombstones for what is replaced, the notes, their segment."""
    number = (connection.scalar(select(func.max(GenerationRow.number))) or 0) + 1
    replaced = _bury(connection, notes, number)
    pairs = list(zip(keys, notes, strict=True))
    _insert(connection, NoteRow, [_note_row(key, new, number) for key, new in pairs])
    _insert(connection, NoteTextRow, [_text_row(key, new) for key, new in pairs])
    _insert(connection, PassageRow, list(_passage_rows(keys, notes)))
    _insert(connection, AttributeRow, list(_attribute_rows(keys, notes)))
    _insert(connection, SegmentRow, [_segment_row(segment, number)])
    _set(connection, "next_note_key", keys[-1] + 1)
    generation = Generation(number, committed_at, len(notes) - replaced, replaced, 0)
    _insert(connection, GenerationRow, [_generation_row(generation)])
    return generation


def replace_rejects(connection: Connection, rejects: Sequence[Reject], run: str) -> None:
    """Write rejects, each in place of an older one of the same place."""
    rows = [
        {
            "source": storable(reject.source),
            "place": storable(reject.place),
            "reason": storable(reject.reason),
            "run": run,
        }
        for reject in rejects
    ]
    if not rows:
        return
    connection.execute(
        delete(RejectRow).where(
            RejectRow.source == bindparam("at_source"), RejectRow.place == bindparam("at_place")
        ),
        [{"at_source": row["source"], "at_place": row["place"]} for row in rows],
    )
    _insert(
        connection, RejectRow, list({(row["source"], row["place"]): row for row in rows}.values())
    )


def forget_rejects(connection: Connection, sources: Sequence[str], run: str) -> None:
    """Remove the rejects of these sources that an earlier run left and this one did not meet."""
    for source in sources:
        connection.execute(
            delete(RejectRow).where(RejectRow.source == storable(source), RejectRow.run != run)
        )


def _bury(connection: Connection, notes: Sequence[NewNote], number: int) -> int:
    """Set the tombstone of every live note that one of these replaces; return how many."""
    found = connection.execute(
        update(NoteRow)
        .where(
            NoteRow.source == bindparam("at_source"),
            NoteRow.note_id == bindparam("at_note_id"),
            NoteRow.died.is_(None),
        )
        .values(died=number),
        [
            {"at_source": storable(new.note.source), "at_note_id": storable(new.note.note_id)}
            for new in notes
        ],
    )
    return found.rowcount


def _insert(connection: Connection, table: type[Base], rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _set(connection: Connection, name: str, value: object) -> None:
    connection.execute(update(SettingRow).where(SettingRow.name == name).values(value=value))


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), IDS_A_STATEMENT):
        yield ids[start : start + IDS_A_STATEMENT]


def _note_row(key: NoteKey, new: NewNote, number: int) -> dict[str, Any]:
    note = new.note
    facts = {
        name: None if (value := getattr(note, name)) is None else storable(value)
        for name in (
            "source",
            "note_id",
            "patient_id",
            "encounter_id",
            "category",
            "author",
            "title",
        )
    }
    return facts | {
        "note_key": key,
        "born": number,
        "died": None,
        "recorded_at": note.recorded_at,
        "digest": new.digest,
        "tokens_seen": new.encoded.tokens_seen,
        "tokens_total": new.encoded.tokens_total,
        "attributes": dump_attributes(note.attributes),
    }


def _text_row(key: NoteKey, new: NewNote) -> dict[str, Any]:
    return {"note_key": key, "text": encode_text(new.note.text)}


def _passage_rows(keys: Sequence[NoteKey], notes: Sequence[NewNote]) -> Iterator[dict[str, Any]]:
    for key, new in zip(keys, notes, strict=True):
        for place, passage in enumerate(new.encoded.passages):
            yield {
                "passage_key": passage_key(key, place),
                "note_key": key,
                "start": passage.start,
                "end": passage.end,
                "tokens": passage.tokens,
            }


def _attribute_rows(keys: Sequence[NoteKey], notes: Sequence[NewNote]) -> Iterator[dict[str, Any]]:
    for key, new in zip(keys, notes, strict=True):
        for name, position, text, number in attribute_values(new.note.attributes):
            yield {
                "note_key": key,
                "name": name,
                "position": position,
                "text": text,
                "number": number,
            }


def _segment_row(segment: SegmentRecord, number: int) -> dict[str, Any]:
    return {
        "name": segment.name,
        "born": number,
        "died": None,
        "notes": segment.notes,
        "passages": segment.passages,
        "files": segment.files,
        "facts": segment.facts,
    }


def _generation_row(generation: Generation) -> dict[str, Any]:
    return {
        "number": generation.number,
        "committed_at": generation.committed_at,
        "added": generation.added,
        "replaced": generation.replaced,
        "deleted": generation.deleted,
    }
