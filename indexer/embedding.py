"""The embeddings themselves, as a table: a row a token, a passage or a note."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from notekin.errors import UsageError
from notekin.indexer.encoder import NoteEncoder
from notekin.indexer.readers import NoteSource
from notekin.text import without_surrogates
from notekin.types import Note, Reject, Vectors

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_CHARACTERS = 200_000
BATCH_NOTES = 64


class Level(StrEnum):
    """What one row stands for."""

    TOKEN = "token"  # noqa: S105 - a word piece, not a secret
    PASSAGE = "passage"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches of one text with their embeddings: ``text[begin:end]``.

    Attributes:
        begins: int of shape (n,), in characters.
        ends: int of shape (n,).
        embeddings: float32 of shape (n, dim). Passages and notes have length 1; tokens are
            as the model's last layer gives them.
    """

    begins: Sequence[int]
    ends: Sequence[int]
    embeddings: Vectors


@dataclass(slots=True)
class EmbedReport:
    """What was written, and which rows could not be read."""

    notes: int = 0
    rows: int = 0
    rejects: list[Reject] = field(default_factory=list)


def embed(encoder: NoteEncoder, texts: Sequence[str], level: Level) -> Iterator[Stretches]:
    """Give each text's embeddings at a level, in the order given."""
    if level is Level.TOKEN:
        for tokens in encoder.encode_tokens(texts):
            yield Stretches(tokens.starts.tolist(), tokens.ends.tolist(), tokens.vectors)
        return
    for text, note in zip(texts, encoder.encode_notes(texts), strict=True):
        if level is Level.NOTE:
            yield Stretches([0], [len(text)], note.vector[None])
        else:
            begins = [passage.start for passage in note.passages]
            ends = [passage.end for passage in note.passages]
            yield Stretches(begins, ends, note.passage_vectors)


def write(
    sources: Sequence[NoteSource], encoder: NoteEncoder, level: Level, to: Path
) -> EmbedReport:
    """Write the embeddings of all notes as one Parquet file, in the order of the notes.

    Columns: note_id, patient_id, text, begin, end, embedding (a list of float32). At the
    note level ``text`` is left out. The file appears when it is whole, or not at all.

    Raises:
        UsageError: ``to`` lies in no folder that is there.
    """
    import pyarrow.parquet as pq

    if not to.parent.is_dir():
        raise UsageError(f"There is no folder {to.parent} to write in.")
    report = EmbedReport()
    unfinished = to.with_name(f".{to.name}.{uuid.uuid4().hex}")
    try:
        schema = _schema(encoder.token_dim if level is Level.TOKEN else encoder.fingerprint.dim)
        opened = os.open(unfinished, os.O_CREAT | os.O_WRONLY, 0o600)
        with os.fdopen(opened, "wb") as file, pq.ParquetWriter(file, schema) as writer:
            for notes in _batches(sources, report):
                rows = _table(encoder, notes, level, schema)
                writer.write_table(rows)
                report.rows += rows.num_rows
        unfinished.replace(to)
    finally:
        unfinished.unlink(missing_ok=True)
    return report


def _schema(dim: int) -> pa.Schema:
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("note_id", pa.string(), nullable=False),
            pa.field("patient_id", pa.string()),
            pa.field("text", pa.string()),
            pa.field("begin", pa.int64(), nullable=False),
            pa.field("end", pa.int64(), nullable=False),
            pa.field("embedding", pa.list_(pa.float32(), dim), nullable=False),
        ]
    )


def _table(
    encoder: NoteEncoder, notes: Sequence[Note], level: Level, schema: pa.Schema
) -> pa.Table:
    import pyarrow as pa

    parts = list(embed(encoder, [note.text for note in notes], level))
    counts = [len(part.begins) for part in parts]
    columns: dict[str, Any] = {
        "note_id": _repeated([note.note_id for note in notes], counts),
        "patient_id": _repeated([note.patient_id for note in notes], counts),
        "text": [
            None if level is Level.NOTE else without_surrogates(note.text[begin:end])
            for note, part in zip(notes, parts, strict=True)
            for begin, end in zip(part.begins, part.ends, strict=True)
        ],
        "begin": [begin for part in parts for begin in part.begins],
        "end": [end for part in parts for end in part.ends],
    }
    arrays = [pa.array(columns[name], schema.field(name).type) for name in schema.names[:-1]]
    rows = np.concatenate([part.embeddings for part in parts])
    wide = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])
    return pa.Table.from_arrays([*arrays, wide], schema=schema)


def _repeated(values: Sequence[str | None], counts: Sequence[int]) -> list[str | None]:
    return [value for value, count in zip(values, counts, strict=True) for _ in range(count)]


def _batches(sources: Sequence[NoteSource], report: EmbedReport) -> Iterator[list[Note]]:
    batch: list[Note] = []
    for source in sources:
        for row in source:
            if isinstance(row, Reject):
                report.rejects.append(row)
                continue
            batch.append(row)
            report.notes += 1
            if len(batch) >= BATCH_NOTES or sum(map(_length, batch)) >= BATCH_CHARACTERS:
                yield batch
                batch = []
    if batch:
        yield batch


def _length(note: Note) -> int:
    return len(note.text)
