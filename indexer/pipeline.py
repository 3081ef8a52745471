"""From sources to committed notes: read, skip what is unchanged, encode, commit.

What is committed stays when a run is interrupted; the same run again skips it and goes
on. Memory does not grow with the notes, but for what the sieve remembers.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from notekin.indexer.readers import NoteSource
from notekin.indexer.sieve import Sieve
from notekin.storage.records import NewNote
from notekin.storage.store import Writer
from notekin.types import Encoder, Note, Reject, Vectors

BATCH_ROWS = 64
BATCH_CHARACTERS = 500_000
COMMIT_NOTES = 2_048
COMMIT_S = 30.0


@dataclass(slots=True)
class IndexReport:
    """What an index run did.

    Attributes:
        embedded: Notes that the model read; ``added`` and ``replaced`` once committed.
        unchanged: Notes that the store had as they are.
        rejected: Rows that can't be read; the store keeps where and why.
        elsewhere: Notes written whose id another source of the store has, too.
        generation: The newest generation; None where nothing was committed.
        seconds: Time by stage: read, skip, encode, commit.
    """

    embedded: int = 0
    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    rejected: int = 0
    elsewhere: int = 0
    tokens_seen: int = 0
    tokens_total: int = 0
    generation: int | None = None
    elapsed_s: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows dealt with."""
        return self.embedded + self.unchanged + self.rejected

    @property
    def notes_per_s(self) -> float:
        """Notes read by the model in a second of the whole run."""
        return self.embedded / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def tokens_per_s(self) -> float:
        """Tokens read by the model in a second of encoding."""
        spent = self.seconds.get("encode", 0.0)
        return self.tokens_seen / spent if spent else 0.0


Progress = Callable[[IndexReport, int | None], None]
"""Told after each batch: the report so far, and the rows in all where that is known."""


def index(
    sources: Sequence[NoteSource], encoder: Encoder, writer: Writer, progress: Progress
) -> IndexReport:
    """Bring the store to what the sources say, note by note, and report what was done.

    A note that the store has with the same text and facts is not read again. Rows that
    can't be read are kept in the rejects with place and reason, and the run goes on.

    Args:
        sources: Read in this order.
        encoder: The one whose fingerprint the store has.
        writer: Holds the store's lock.
        progress: Called after each batch, in this thread.
    """
    run = _Run(encoder, writer)
    totals = [source.total for source in sources]
    total = None if None in totals else sum(size for size in totals if size is not None)
    try:
        for source in sources:
            run.name(source.name)
            for batch in run.reading(source):
                run.take(batch)
                progress(run.report, total)
    finally:
        run.commit()
    return run.finish()


def sample(sources: Sequence[NoteSource], encoder: Encoder, notes: int) -> Vectors:
    """Return note and passage vectors of the first notes of some sources, to fit on.

    Returns:
        float32 of shape (vectors, dim); no rows where the sources hold no notes.
    """
    rows = (row for source in sources for row in source)
    texts = [row.text for row in islice((r for r in rows if isinstance(r, Note)), notes)]
    vectors = [np.empty((0, encoder.fingerprint.dim), np.float32)]
    for start in range(0, len(texts), BATCH_ROWS):
        for note in encoder.encode_notes(texts[start : start + BATCH_ROWS]):
            vectors += [note.vector[None], note.passage_vectors]
    return np.concatenate(vectors)


class _Run:
    """One index run: the report, and the notes that are encoded and not yet committed."""

    def __init__(self, encoder: Encoder, writer: Writer) -> None:
        self._encoder = encoder
        self._writer = writer
        self._sieve = Sieve(writer, encoder.fingerprint)
        self._id = uuid.uuid4().hex
        self._sources: set[str] = set()
        self._pending: list[NewNote] = []
        self._first_generation: int | None = None
        self._began = self._committed = time.monotonic()
        self.report = IndexReport()

    def name(self, source: str) -> None:
        """Note that the run reads this source."""
        self._sources.add(source)

    def reading(self, source: NoteSource) -> Iterator[list[Note | Reject]]:
        """Give a source's rows in batches, timed."""
        batches = _batches(source)
        while True:
            with self._stage("read"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def take(self, batch: Sequence[Note | Reject]) -> None:
        """Deal with one batch: every row is encoded, found unchanged, or rejected."""
        with self._stage("skip"):
            sifted = self._sieve.sift(batch)
            self._writer.record_rejects(sifted.rejects, self._id)
        self._sources.update(row.source for row in batch)
        self.report.unchanged += sifted.unchanged
        self.report.rejected += len(sifted.rejects)
        with self._stage("encode"):
            self._encode(sifted.changed)
        waited = time.monotonic() - self._committed
        if len(self._pending) >= COMMIT_NOTES or waited > COMMIT_S:
            self.commit()
        self.report.elapsed_s = time.monotonic() - self._began

    def commit(self) -> None:
        """Commit what is encoded, as one generation; nothing to do where nothing is."""
        if self._pending:
            pending, self._pending = self._pending, []
            with self._stage("commit"):
                generation = self._writer.commit(pending)
            self._first_generation = self._first_generation or generation.number
            self.report.added += generation.added
            self.report.replaced += generation.replaced
            self.report.generation = generation.number
        self._committed = time.monotonic()

    def finish(self) -> IndexReport:
        """Close the books once every source is read to its end."""
        self._writer.forget_rejects(sorted(self._sources), self._id)
        if self._first_generation is not None:
            self.report.elsewhere = self._writer.ids_elsewhere(self._first_generation)
        self.report.elapsed_s = time.monotonic() - self._began
        return self.report

    def _encode(self, changed: Sequence[tuple[Note, bytes]]) -> None:
        encoded = self._encoder.encode_notes([note.text for note, _ in changed])
        for (note, digest), vectors in zip(changed, encoded, strict=True):
            self._pending.append(NewNote(note, vectors, digest))
            self.report.tokens_seen += vectors.tokens_seen
            self.report.tokens_total += vectors.tokens_total
        self.report.embedded += len(changed)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        seconds = self.report.seconds
        seconds[name] = seconds.get(name, 0.0) + time.monotonic() - began


def _batches(source: NoteSource) -> Iterator[list[Note | Reject]]:
    """Give a source's rows some at a time: few where they are long."""
    batch: list[Note | Reject] = []
    characters = 0
    for row in source:
        batch.append(row)
        characters += len(row.text) if isinstance(row, Note) else 0
        if len(batch) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
