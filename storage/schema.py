"""The catalog's tables: what SQL knows of a store.

A row that a later generation replaces or deletes is not removed: its ``died`` is set to
that generation. A reader of generation g sees the rows with ``born <= g`` and ``died``
null or above g, so a snapshot needs no lock (docs/decisions/0002-store-format.md).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import JSON

from notekin.storage.sql_text import SqlText

FORMAT = 5
"""The number of the on-disk format; a higher one is refused, a lower one migrated."""

Key = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """All tables, with constraint names that migrations can address."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: SqlText}

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class SettingRow(Base):
    """One fact about the store as a whole: format, id, encoder fingerprint, next key."""

    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(SqlText, primary_key=True)
    value: Mapped[object] = mapped_column(JSON)


class GenerationRow(Base):
    """One commit; the highest number is the store as it is now."""

    __tablename__ = "generations"
    number: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    committed_at: Mapped[datetime]
    added: Mapped[int]
    replaced: Mapped[int]
    deleted: Mapped[int]


class SegmentRow(Base):
    """One folder of vectors under ``segments/``, with what its files must be.

    ``facts`` says what else is known of it: the kind of its index, the recall measured.
    """

    __tablename__ = "segments"
    name: Mapped[str] = mapped_column(SqlText, primary_key=True)
    born: Mapped[int] = mapped_column(Key)
    died: Mapped[int | None] = mapped_column(Key)
    notes: Mapped[int]
    passages: Mapped[int]
    files: Mapped[dict[str, dict[str, object]]] = mapped_column(JSON)
    facts: Mapped[dict[str, object]] = mapped_column(JSON, server_default="{}")


class NoteRow(Base):
    """One version of one note: its facts, not its text.

    ``checksum`` is over the facts, the text and the passages (storage/checksums.py).
    """

    __tablename__ = "notes"
    note_key: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    born: Mapped[int] = mapped_column(Key)
    died: Mapped[int | None] = mapped_column(Key, index=True)
    source: Mapped[str]
    note_id: Mapped[str] = mapped_column(SqlText, index=True)
    patient_id: Mapped[str | None] = mapped_column(SqlText, index=True)
    encounter_id: Mapped[str | None] = mapped_column(SqlText, index=True)
    category: Mapped[str | None] = mapped_column(SqlText, index=True)
    recorded_at: Mapped[datetime | None] = mapped_column(index=True)
    author: Mapped[str | None] = mapped_column(SqlText)
    title: Mapped[str | None] = mapped_column(SqlText)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    tokens_seen: Mapped[int]
    tokens_total: Mapped[int]
    attributes: Mapped[str] = mapped_column(Text)
    checksum: Mapped[bytes] = mapped_column(LargeBinary, server_default="")


Index(
    "uq_notes_source_note_id_live",
    NoteRow.source,
    NoteRow.note_id,
    unique=True,
    sqlite_where=NoteRow.died.is_(None),
    postgresql_where=NoteRow.died.is_(None),
)


class NoteTextRow(Base):
    """A note's text as UTF-8 bytes, which can hold what SQL text can't: NUL, lone surrogates."""

    __tablename__ = "note_texts"
    note_key: Mapped[int] = mapped_column(ForeignKey(NoteRow.note_key), primary_key=True)
    text: Mapped[bytes] = mapped_column(LargeBinary)


class PassageRow(Base):
    """One passage: its key says its note and place (storage/keys.py).

    ``section`` is the title of the section it begins in. ``family`` is the same for passages
    of one patient that are copies of one another (storage/families.py), which ``likeness``
    tells (storage/likeness.py); notes without a patient have neither.
    """

    __tablename__ = "passages"
    passage_key: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    note_key: Mapped[int] = mapped_column(ForeignKey(NoteRow.note_key), index=True)
    start: Mapped[int]
    end: Mapped[int]
    tokens: Mapped[int]
    section: Mapped[str | None] = mapped_column(SqlText)
    family: Mapped[int | None] = mapped_column(Key)
    likeness: Mapped[bytes | None] = mapped_column(LargeBinary)


IS_COPY = PassageRow.family != PassageRow.passage_key
"""That a passage did not begin its family; a query must ask it in these words."""
Index("ix_passages_copies", PassageRow.family, sqlite_where=IS_COPY, postgresql_where=IS_COPY)


class AttributeRow(Base):
    """One value of one attribute, spread out of ``notes.attributes`` so that filters find it.

    ``text`` holds any value as text (true and false for booleans), ``number`` those that
    are numbers. A list gives one row an item.
    """

    __tablename__ = "attribute_values"
    note_key: Mapped[int] = mapped_column(ForeignKey(NoteRow.note_key), primary_key=True)
    name: Mapped[str] = mapped_column(SqlText, primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    number: Mapped[float | None]


Index("ix_attribute_values_name_text", AttributeRow.name, AttributeRow.text).ddl_if(
    dialect="sqlite"
)
# PostgreSQL's B-trees end at 2,704 bytes a value; an attribute may be a page of text.
Index("ix_attribute_values_text", AttributeRow.text, postgresql_using="spgist").ddl_if(
    dialect="postgresql"
)
Index("ix_attribute_values_name_number", AttributeRow.name, AttributeRow.number)


class RejectRow(Base):
    """A row that could not be read, with its place and the reason; never what it said."""

    __tablename__ = "rejects"
    source: Mapped[str] = mapped_column(SqlText, primary_key=True)
    place: Mapped[str] = mapped_column(SqlText, primary_key=True)
    reason: Mapped[str]
    run: Mapped[str]
