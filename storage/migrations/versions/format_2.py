"""Checksums for notes and settings; what else is known of a segment.

The tables are described here as they were: a later change of the schema changes nothing here.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from notekin.storage.checksums import FACTS, Seal, value_checksum

revision = "2"
down_revision = None

_NOTES = sa.table(
    "notes",
    *(sa.column(name) for name in FACTS if name != "recorded_at"),
    sa.column("recorded_at", sa.DateTime),
    sa.column("checksum", sa.LargeBinary),
)
_TEXTS = sa.table("note_texts", sa.column("note_key"), sa.column("text", sa.LargeBinary))
_PASSAGES = sa.table(
    "passages",
    *(sa.column(name) for name in ("passage_key", "note_key", "start", "end", "tokens")),
)
_SETTINGS = sa.table("settings", sa.column("name"), sa.column("value", sa.JSON))
_NOTES_A_PAGE = 1_000


def upgrade() -> None:
    """Add the columns, then fill them in."""
    op.add_column("notes", sa.Column("checksum", sa.LargeBinary, nullable=False, server_default=""))
    op.add_column("segments", sa.Column("facts", sa.JSON, nullable=False, server_default="{}"))
    connection = op.get_bind()
    rows = connection.execute(sa.select(_SETTINGS))
    settings: dict[str, Any] = {row.name: row.value for row in rows}
    sealed = {name: value_checksum(settings[name]) for name in ("encoder", "spread")}
    connection.execute(sa.insert(_SETTINGS), {"name": "checksums", "value": sealed})
    seal, last = Seal(settings["store_id"]), -1
    while keys := _page(connection, last):
        _seal_notes(connection, seal, keys[-1], last)
        last = keys[-1]


def _page(connection: sa.Connection, last: int) -> list[int]:
    query = sa.select(_NOTES.c.note_key).where(_NOTES.c.note_key > last)
    return list(connection.scalars(query.order_by(_NOTES.c.note_key).limit(_NOTES_A_PAGE)))


def _seal_notes(connection: sa.Connection, seal: Seal, until: int, after: int) -> None:
    """Write the checksums of the notes above one key, up to another."""
    passages: dict[int, list[tuple[int, int, int]]] = {}
    for row in connection.execute(
        sa.select(_PASSAGES)
        .where(_PASSAGES.c.note_key > after, _PASSAGES.c.note_key <= until)
        .order_by(_PASSAGES.c.passage_key)
    ):
        passages.setdefault(row.note_key, []).append((row.start, row.end, row.tokens))
    rows = connection.execute(
        sa.select(_NOTES, _TEXTS.c.text)
        .join(_TEXTS, _TEXTS.c.note_key == _NOTES.c.note_key)
        .where(_NOTES.c.note_key > after, _NOTES.c.note_key <= until)
    ).mappings()
    sealed = [
        {"key": row["note_key"], "seal": seal.of(row, row["text"], passages[row["note_key"]])}
        for row in rows
    ]
    connection.execute(
        sa.update(_NOTES)
        .where(_NOTES.c.note_key == sa.bindparam("key"))
        .values(checksum=sa.bindparam("seal")),
        sealed,
    )
