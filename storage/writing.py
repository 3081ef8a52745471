"""The statements of a commit; the catalog runs them inside one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from notekin.storage.bulk import insert_rows
from notekin.storage.checksums import PASSAGES, Seal, seal_of
from notekin.storage.families import Newcomer, families_of
from notekin.storage.keys import passage_key
from notekin.storage.marks import Marks, PassageValues, passage_values
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
from notekin.storage.sets import among
from notekin.types import NoteKey, Reject


def live_digests(connection: Connection, source: str, note_ids: Sequence[str]) -> dict[str, bytes]:
    """Return the digests of those of a source's notes that are live, by note id."""
    rows = connection.execute(
        select(NoteRow.note_id, NoteRow.digest).where(
            NoteRow.source == source,
            among(NoteRow.note_id, map(storable, note_ids)),
            NoteRow.died.is_(None),
        )
    )
    return {row.note_id: row.digest for row in rows}


def insert_generation(
    connection: Connection,
    keys: Sequence[NoteKey],
    notes: Sequence[NewNote],
    marks: Sequence[Marks],
    segment: SegmentRecord,
    committed_at: datetime,
) -> Generation:
    """Write one generation: tombstones for what is replaced, the notes, their segment."""
    number = next_number(connection)
    replaced = _bury(connection, notes, number)
    pairs = list(zip(keys, notes, strict=True))
    passages = _passages(connection, keys, notes, marks)
    seal = seal_of(connection)
    _insert(
        connection,
        NoteRow,
        [_note_row(key, new, number, seal, passages[key]) for key, new in pairs],
    )
    _insert(connection, NoteTextRow, [_text_row(key, new) for key, new in pairs])
    _insert(connection, PassageRow, list(_passage_rows(passages)))
    _insert(connection, AttributeRow, list(_attribute_rows(keys, notes)))
    add_segments(connection, [segment], number)
    _set(connection, "next_note_key", keys[-1] + 1)
    generation = Generation(number, committed_at, len(notes) - replaced, replaced, 0)
    add_generation(connection, generation)
    return generation


def insert_merge(
    connection: Connection,
    old: Collection[str],
    merged: Sequence[SegmentRecord],
    committed_at: datetime,
) -> Generation:
    """Write one generation that reads the merged segments in place of the old ones."""
    generation = Generation(next_number(connection), committed_at, 0, 0, 0)
    connection.execute(
        update(SegmentRow)
        .where(among(SegmentRow.name, old), SegmentRow.died.is_(None))
        .values(died=generation.number)
    )
    add_segments(connection, merged, generation.number)
    add_generation(connection, generation)
    return generation


def next_number(connection: Connection) -> int:
    """Return the number that the generation being written will have."""
    return (connection.scalar(select(func.max(GenerationRow.number))) or 0) + 1


def add_generation(connection: Connection, generation: Generation) -> None:
    """Write a generation's own row, which makes it the newest."""
    _insert(connection, GenerationRow, [_generation_row(generation)])


def add_segments(connection: Connection, segments: Sequence[SegmentRecord], number: int) -> None:
    """Name segments that are on disk, born in this generation."""
    _insert(connection, SegmentRow, [_segment_row(segment, number) for segment in segments])


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
    by_source: dict[str, list[str]] = defaultdict(list)
    for new in notes:
        by_source[new.note.source].append(new.note.note_id)
    buried = 0
    for source, note_ids in by_source.items():
        found = connection.execute(
            update(NoteRow)
            .where(
                NoteRow.source == source, among(NoteRow.note_id, note_ids), NoteRow.died.is_(None)
            )
            .values(died=number)
        )
        buried += found.rowcount
    return buried


def _insert(connection: Connection, table: type[Base], rows: list[dict[str, Any]]) -> None:
    if rows:
        insert_rows(connection, table, rows)


def _set(connection: Connection, name: str, value: object) -> None:
    connection.execute(update(SettingRow).where(SettingRow.name == name).values(value=value))


def _passages(
    connection: Connection,
    keys: Sequence[NoteKey],
    notes: Sequence[NewNote],
    marks: Sequence[Marks],
) -> dict[NoteKey, list[PassageValues]]:
    """Return the columns of the passages of each note; what they are copies of is dead or live."""
    newcomers = [
        Newcomer(key, _storable(new.note.patient_id), mark.likeness)
        for key, new, mark in zip(keys, notes, marks, strict=True)
    ]
    families = families_of(connection, newcomers)
    return {
        key: passage_values(
            [(part.start, part.end, part.tokens) for part in new.encoded.passages],
            mark,
            families.get(key),
        )
        for key, new, mark in zip(keys, notes, marks, strict=True)
    }


def _note_row(
    key: NoteKey, new: NewNote, number: int, seal: Seal, passages: Sequence[PassageValues]
) -> dict[str, Any]:
    note = new.note
    facts: dict[str, Any] = {
        name: _storable(getattr(note, name))
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
    facts |= {
        "note_key": key,
        "born": number,
        "died": None,
        "recorded_at": note.recorded_at,
        "digest": new.digest,
        "tokens_seen": new.encoded.tokens_seen,
        "tokens_total": new.encoded.tokens_total,
        "attributes": dump_attributes(note.attributes),
    }
    return facts | {"checksum": seal.of(facts, encode_text(note.text), passages)}


def _storable(value: str | None) -> str | None:
    return None if value is None else storable(value)


def _text_row(key: NoteKey, new: NewNote) -> dict[str, Any]:
    return {"note_key": key, "text": encode_text(new.note.text)}


def _passage_rows(
    passages: Mapping[NoteKey, Sequence[PassageValues]],
) -> Iterator[dict[str, Any]]:
    for key, rows in passages.items():
        for place, values in enumerate(rows):
            yield {
                "passage_key": passage_key(key, place),
                "note_key": key,
                **dict(zip(PASSAGES, values, strict=True)),
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
