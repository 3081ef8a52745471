"""Rows given to the driver at once are what SQLAlchemy would have written, in both databases."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from notekin.storage.bulk import insert_rows
from notekin.storage.catalog import Catalog
from notekin.storage.location import ServerUrl
from notekin.storage.schema import AttributeRow, Base, NoteRow, NoteTextRow, RejectRow, SegmentRow
from tests.support.words import WordEncoder

ODD = "a\0\ud800é'\"%s:x\u2028"
NOTE: dict[str, Any] = {
    "note_key": 2**40,
    "born": 1,
    "died": None,
    "source": ODD,
    "note_id": ODD,
    "patient_id": None,
    "encounter_id": "",
    "category": "007",
    "recorded_at": datetime(1, 1, 1, 0, 0, 0, 1),
    "author": ODD,
    "title": None,
    "digest": b"\0\xff",
    "tokens_seen": 0,
    "tokens_total": 2**31 - 1,
    "attributes": '{"%(a)s": "?"}',
    "checksum": b"",
}
AT_MIDNIGHT = NOTE | {"note_key": 2, "note_id": "2", "recorded_at": datetime(2024, 2, 29)}
UNDATED = NOTE | {"note_key": 3, "note_id": "3", "recorded_at": None}
FILES = {"é": {"size_bytes": 1, "sha256": None}}
SEGMENT = {"name": "s", "born": 1, "died": None, "notes": 1, "passages": 1}
VALUE: dict[str, Any] = {"note_key": 2, "name": ODD, "position": 0, "text": ODD, "number": 5e-324}
ROWS: list[tuple[type[Base], list[dict[str, Any]]]] = [
    (NoteRow, [NOTE, AT_MIDNIGHT, UNDATED]),
    (NoteTextRow, [{"note_key": 2, "text": b"\0\xed\xa0\x80"}]),
    (AttributeRow, [VALUE, VALUE | {"position": 1, "number": None}]),
    (SegmentRow, [SEGMENT | {"files": FILES, "facts": {}}]),
    (RejectRow, [{"source": ODD, "place": "NUL\0 alone", "reason": ODD, "run": "r"}]),
]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_rows_are_written_as_sqlalchemy_writes_them(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres").schema_url() if database == "postgresql" else ""
    server = ServerUrl.parse(url) if url else None
    catalog = Catalog.create(tmp_path, WordEncoder().fingerprint, server=server)
    written: list[list[list[str]]] = []
    for plain in (True, False):
        with catalog.transaction() as connection:
            for table, rows in ROWS:
                if plain:
                    connection.execute(insert(table), rows)
                else:
                    insert_rows(connection, table, rows)
        with catalog.transaction() as connection:
            tables = [Base.metadata.tables[table.__tablename__] for table, _ in ROWS]
            raw = [connection.exec_driver_sql(f"SELECT * FROM {t.name}").all() for t in tables]  # noqa: S608
            read = [connection.execute(select(table)).all() for table in tables]
            written.append([sorted(map(repr, rows)) for rows in [*raw, *read]])
            for emptied in reversed(tables):
                connection.execute(delete(emptied))
    assert written[0] == written[1]
    assert len(written[0][0]) == 3
    catalog.close()
