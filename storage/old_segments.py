"""Segments of formats 1 and 2, which know no words, written again with those of their notes.

The tables are described here as they were: a later change of the schema changes nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from notekin.errors import DamagedStoreError
from notekin.storage.keys import Keys, note_keys_of
from notekin.storage.marks import section_titles
from notekin.storage.postings import NoteWords, postings_of
from notekin.storage.records import decode_text
from notekin.storage.segments import Segment, SegmentRecord, write_reworded
from notekin.storage.sets import among

_SEGMENTS = sa.table(
    "segments",
    *(sa.column(name) for name in ("name", "died", "notes", "passages")),
    sa.column("files", sa.JSON),
)
_NOTES = sa.table("notes", sa.column("note_key", sa.BigInteger), sa.column("title", sa.Text))
_TEXTS = sa.table(
    "note_texts", sa.column("note_key", sa.BigInteger), sa.column("text", sa.LargeBinary)
)
_PASSAGES = sa.table(
    "passages", *(sa.column(name, sa.BigInteger) for name in ("passage_key", "note_key", "start"))
)
_NOTES_A_PAGE = 500


def write_with_words(
    connection: sa.Connection, folder: Path
) -> Iterator[tuple[str, SegmentRecord]]:
    """Write the live segments again, durably; give each old one's name and the new one.

    One that is damaged is left to ``notekin repair``.
    """
    rows = connection.execute(sa.select(_SEGMENTS).where(_SEGMENTS.c.died.is_(None)))
    for row in rows.all():
        old = SegmentRecord(row.name, row.notes, row.passages, row.files)
        try:
            segment = Segment(folder, old)
            keys, passages = segment.notes.ids, segment.passages.ids
        except DamagedStoreError:
            continue
        postings = postings_of(_words(connection, keys, passages))
        yield old.name, write_reworded(folder, old, postings)


def name_written(connection: sa.Connection, written: dict[str, SegmentRecord]) -> None:
    """Name the new segments in place of the old ones."""
    for old, new in written.items():
        connection.execute(
            sa.update(_SEGMENTS)
            .where(_SEGMENTS.c.name == old)
            .values(name=new.name, files=new.files)
        )


def readable_text(data: bytes) -> str:
    """Return a note's text; nothing where its bytes are no text, which ``verify`` then says."""
    try:
        return decode_text(data)
    except UnicodeDecodeError:
        return ""


def _words(connection: sa.Connection, keys: Keys, passage_keys: Keys) -> Iterator[NoteWords]:
    """Give what is to be indexed of each note, in the order of their keys."""
    of_passages = note_keys_of(passage_keys)
    for at in range(0, len(keys), _NOTES_A_PAGE):
        page = keys[at : at + _NOTES_A_PAGE]
        texts = _by_key(connection, _TEXTS.c.note_key, _TEXTS.c.text, page)
        titles = _by_key(connection, _NOTES.c.note_key, _NOTES.c.title, page)
        first, last = of_passages.searchsorted([page[0], page[-1] + 1])
        some = passage_keys[first:last]
        starts = _by_key(connection, _PASSAGES.c.passage_key, _PASSAGES.c.start, some)
        own = of_passages[first:last]
        for key in page.tolist():
            text = readable_text(texts.get(key, b""))
            mine = some[own.searchsorted(key) : own.searchsorted(key + 1)]
            begin = [starts.get(passage, 0) for passage in mine.tolist()]
            yield NoteWords(text, begin, section_titles(text, begin), titles.get(key))


def _by_key(
    connection: sa.Connection,
    key: sa.ColumnElement[int],
    value: sa.ColumnElement[Any],
    keys: Keys,
) -> dict[int, Any]:
    rows = connection.execute(sa.select(key, value).where(among(key, keys)))
    return {row[0]: row[1] for row in rows}
