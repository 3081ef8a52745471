"""The Python face: open a store, index notes into it, search it.

This is where the rooms meet and where an encoder is picked.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias, TypeVar

import numpy as np

from notekin.answers import ShownNote, Stats
from notekin.caring import Caring
from notekin.errors import (
    EncoderMismatchError,
    NoSuchStoreError,
    StaleSnapshotError,
    UsageError,
)
from notekin.indexer.encoder import NoteEncoder, is_int8
from notekin.indexer.pooling import Pooling, pooling_named
from notekin.indexer.reading import describe, reading_in
from notekin.indexer.spread import (
    SAMPLE_NOTES,
    Spread,
    SpreadEncoder,
    Spreading,
    spreading_named,
)
from notekin.search.grouping import Grouping, grouping_named
from notekin.search.mode import Mode, modes_named
from notekin.searching import Searching
from notekin.settings import Settings, read_settings
from notekin.storage.catalog import FILE_NAME
from notekin.storage.index_choice import IndexChoice, index_named
from notekin.storage.location import ServerUrl
from notekin.storage.snapshot import Snapshot
from notekin.storage.store import StoreFolder
from notekin.storage.vector_file import set_threads
from notekin.types import Encoder, Fingerprint, Vectors

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from notekin.cohorts import Cohorts
    from notekin.indexer.pipeline import IndexReport, Progress
    from notekin.indexer.readers import NoteSource
    from notekin.search.evaluation import Evaluation

# A method imports what it alone needs, so that a search waits for nothing else to load.

Answer = TypeVar("Answer")
_TRIES = 10
"""How often a purge may cut into one answer before the caller is told."""

Source: TypeAlias = "str | Path | pd.DataFrame | pa.Table | pa.RecordBatchReader"


class Store(Searching, Caring):
    """A store of notes: index into it, search it. Use it in ``with``, or ``close`` it."""

    def __init__(
        self,
        path: Path,
        settings: Settings,
        model: str | None = None,
        pooling: Pooling | None = None,
        spreading: Spreading | None = None,
        catalog: ServerUrl | None = None,
        index: IndexChoice | None = None,
    ) -> None:
        self.path = path
        self._settings = settings
        self._model = model
        self._pooling = pooling
        self._spreading = spreading
        self._asked_catalog = catalog
        self._catalog = catalog or _catalog_of(settings)
        self._index_choice = index
        self._spread: Spread | None = None
        self._folder: StoreFolder | None = None
        self._snapshot: Snapshot | None = None
        self._encoder: Encoder | None = None
        self._fits = False

    def index(
        self,
        *sources: Source,
        format: str | None = None,  # noqa: A002 - the name of the command's option
        mapping: Mapping[str, str] | None = None,
        source: str | None = None,
        progress: Progress = lambda _report, _total: None,
        wait_s: float = 0.0,
    ) -> IndexReport:
        """Bring notes into the store, which is made where there is none.

        Notes that the store has as they are cost one lookup; changed ones are replaced.
        Each commit is complete: a run that is killed goes on where it stopped.

        Args:
            *sources: Files, folders, pandas or Arrow tables.
            format: How to read them; found from name and content where None.
            mapping: Field to column, for columns that bear unusual names.
            source: The name under which to keep them. A note's identity is its source and
                its note_id. Where None: a file's or folder's full path, or ``table``.
            progress: Told after each batch.
            wait_s: How long to wait where another process is writing; ``math.inf`` for as
                long as it takes.

        Raises:
            ReaderError: A source as a whole can't be read.
            EncoderMismatchError: The store was made with another model than asked for.
            StoreLockedError: Another process is writing.
        """
        from notekin.indexer.readers import open_source

        opened = [
            open_source(one, format=format, mapping=mapping, source_name=source) for one in sources
        ]
        return self._index(opened, progress, wait_s)

    def show(self, note_id: str, source: str | None = None) -> ShownNote:
        """Return a note with its facts, its text to the letter and its passages.

        Raises:
            NoSuchNoteError: The store holds no such note.
            AmbiguousNoteError: Several sources hold one; say which with ``source``.
        """
        return self._read(lambda snapshot: _shown(snapshot, note_id, source))

    def stats(self) -> Stats:
        """Return what the store holds, counted now."""
        return self._read(self._stats)

    def _stats(self, snapshot: Snapshot) -> Stats:
        folder = self._open()
        fingerprint = folder.catalog.fingerprint()
        rejects = folder.catalog.rejects()
        return Stats(
            path=str(self.path),
            generation=snapshot.generation,
            **dataclasses.asdict(snapshot.count()),
            **dataclasses.asdict(snapshot.upkeep()),
            size_bytes=folder.size_bytes(),
            segments_bytes=folder.segments_bytes(),
            model=fingerprint.model,
            revision=fingerprint.revision,
            reading=describe(fingerprint.reading),
            dim=fingerprint.dim,
            mean_pairwise_cosine=_mean_pairwise_cosine(snapshot.note_vectors()),
            sources={name or "": size for name, size in snapshot.notes_by("source").items()},
            categories={
                name or "(none)": size for name, size in snapshot.notes_by("category").items()
            },
            attributes=snapshot.attribute_names(),
            rejects=[dataclasses.asdict(reject) for reject in rejects],
        )

    def evaluate(
        self,
        task: str | Path,
        k: int = 10,
        progress: Progress = lambda _report, _total: None,
        *,
        modes: Sequence[str | Mode] = (Mode.HYBRID,),
        filters: bool = False,
        recall: bool = False,
        plot: str | Path | None = None,
        run: str | Path | None = None,
        by: str | Grouping | None = None,
    ) -> Evaluation:
        """Measure how well the store answers a retrieval task in BEIR form.

        The task's corpus is indexed first where it isn't in the store, and only its
        documents are searched.

        Args:
            task: A folder with corpus.jsonl, queries.jsonl and qrels.tsv or qrels/test.tsv;
                each may end in .gz.
            k: The cut of the measures.
            progress: Told after each batch of documents indexed.
            modes: Measured side by side; ``all`` for every mode.
            filters: Ask each query's ``metadata.filters`` as predicates, and its
                ``metadata.semantic_text`` as the text.
            recall: Measure, too, how many of the truly nearest notes the search's path finds.
            plot: A picture to draw: nDCG by the notes' length and by the answer's depth.
            run: A file to write what was found to, in TREC's form.
            by: ``patient`` or ``encounter`` where the qrels name these in place of documents.

        Raises:
            NoSuchSourceError: There is no such folder.
            ReaderError: The task is not in BEIR form, or nothing that it judges is in its corpus.
            FilterError: A query's filter is none, or names no field of the task's documents.
            UsageError: A mode is none, ``k`` is below 1, or a plot can't be made.
        """
        from notekin.column_names import usual_field
        from notekin.indexer.readers import open_source
        from notekin.indexer.readers.source import Remembering
        from notekin.search.asked_task import Plan, check_plan, corpus_of
        from notekin.search.evaluation import check_ids, check_run, evaluate
        from notekin.search.plot import check_plot, draw, lengths_of
        from notekin.search.task import read_task

        plan = Plan(modes_named(modes), k, filters, recall, usual_field, grouping_named(by))
        check_plan(plan)
        if run is not None:
            check_run(Path(run))
        if plot is not None:
            check_plot(Path(plot))
        read = read_task(Path(task))
        corpus = Remembering(open_source(read.corpus, format="beir"))
        self._index([corpus], progress)
        if run is not None:
            check_ids(read, chain.from_iterable(corpus.given.values()), plan.by)
        encoder = self._encoder_of_store()
        condition = self._read(lambda snapshot: corpus_of(snapshot, corpus.given))
        measured = self._read(lambda snapshot: evaluate(read, snapshot, encoder, condition, plan))
        if run is not None:
            measured.write_run(Path(run))
        if plot is not None:
            draw(measured, self._read(lambda snapshot: lengths_of(snapshot, condition)), Path(plot))
        return measured

    @property
    def cohort(self) -> Cohorts:
        """Cohorts over this store: ``store.cohort.run(...)`` and what else the command has."""
        from notekin.cohorts import Cohorts

        return Cohorts(self._read, self._encoder_of_store, self._open)

    def close(self) -> None:
        """Give the store's files back."""
        if self._folder is not None:
            self._folder.close()
        self._folder = self._snapshot = None
        self._fits = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        """Say where the store is and what it holds."""
        try:
            counts = self._read(Snapshot.count)
        except NoSuchStoreError:
            return f"<notekin.Store {self.path}, empty>"
        return (
            f"<notekin.Store {self.path}, {counts.notes:,} notes of {counts.patients:,} patients>"
        )

    def _index(
        self, sources: list[NoteSource], progress: Progress, wait_s: float = 0.0
    ) -> IndexReport:
        from notekin.indexer import pipeline

        if not sources:
            raise UsageError("Nothing to index: give a file, a folder or a table.")
        if self._asked_catalog is not None and (self.path / FILE_NAME).exists():
            raise UsageError(
                f"The store at {self.path} keeps its catalog in {FILE_NAME}. "
                "Leave out --catalog, or name another folder with --store."
            )
        encoder = self._encoder_for_writing(sources)
        kept = self._spread.to_settings() if self._spread else None
        folder = self._folder = self._folder or StoreFolder.open_or_create(
            self.path, encoder.fingerprint, kept, self._catalog, wait_s, self._index_choice
        )
        folder.check_index(self._index_choice)
        with folder.write(wait_s) as writer:
            return pipeline.index(sources, encoder, writer, progress)

    def _open(self) -> StoreFolder:
        if self._folder is None:
            self._folder = StoreFolder.open(self.path, self._catalog)
        return self._folder

    def _newest(self) -> Snapshot:
        """Return a snapshot of the newest generation; the one in hand where it is that."""
        folder = self._open()
        if self._snapshot is None or self._snapshot.generation != folder.generation():
            self._snapshot = folder.snapshot()
        return self._snapshot

    def _read(self, answer: Callable[[Snapshot], Answer]) -> Answer:
        """Answer from the newest generation; where a purge cuts in, from the next one."""
        for _ in range(_TRIES - 1):
            with contextlib.suppress(StaleSnapshotError):
                return answer(self._newest())
        return answer(self._newest())

    def _encoder_for_writing(self, sources: list[NoteSource]) -> Encoder:
        """Return the encoder of the store, or of a new one: the model asked for, or the usual."""
        try:
            self._open()
        except NoSuchStoreError:
            encoder = self._encoder or self._load(self._model or self._settings.model)
            if self._spreading is None or self._spread is not None:
                return encoder
            from notekin.indexer import pipeline

            sample = pipeline.sample(sources, encoder, SAMPLE_NOTES)
            self._spread = Spread.fit(self._spreading, sample)
            self._encoder = SpreadEncoder(encoder, self._spread)
            return self._encoder
        return self._encoder_of_store()

    def _encoder_of_store(self) -> Encoder:
        """Return the encoder that made the store; refuse another one.

        What a store says of its encoder never changes, so it is asked once.
        """
        folder = self._open()
        if self._fits and self._encoder is not None:
            return self._encoder
        made_by, spread = folder.catalog.fingerprint(), folder.catalog.spread()
        if self._spreading is not None and (spread is None or spread["kind"] != self._spreading):
            raise EncoderMismatchError(
                f"The store at {self.path} was not made with --spread {self._spreading}. "
                "Leave it out, or index into a new store."
            )
        encoder = self._encoder or self._load(self._model or made_by.model, made_by, spread)
        folder.check_encoder(encoder.fingerprint)
        self._encoder, self._fits = encoder, True
        return encoder

    def _load(
        self,
        model: str,
        made_by: Fingerprint | None = None,
        spread: Mapping[str, object] | None = None,
    ) -> Encoder:
        """Load a model to read as the store does, or, for a new store, as was asked for."""
        settings = self._settings
        stored = reading_in(made_by.reading) if made_by else None
        pooling = self._pooling or (stored.pooling if stored else Pooling.MEAN)
        rounded = made_by is not None and is_int8(made_by)
        encoder = NoteEncoder.load(
            model,
            settings.cache,
            reading=stored and dataclasses.replace(stored, pooling=pooling),
            pooling=pooling,
            precision="int8" if rounded else settings.precision,
            device=settings.device,
            threads=settings.threads,
        )
        self._encoder = SpreadEncoder(encoder, Spread.from_settings(spread)) if spread else encoder
        return self._encoder


def open(  # noqa: A001 - read as notekin.open
    path: str | Path | None = None,
    *,
    model: str | None = None,
    pooling: str | None = None,
    spreading: str | None = None,
    catalog: str | None = None,
    index: str | None = None,
    encoder: Encoder | None = None,
) -> Store:
    """Return the store at a path; it is made by the first ``index`` where there is none.

    Args:
        path: The store's folder; where None, NOTEKIN_STORE or ``notekin-store``.
        model: For a new store: ``builtin``, a folder, or a name on the hub. A store that
            exists keeps its own, and refuses another.
        pooling: For a new store: ``mean`` (the usual), ``cls``, ``max`` or ``mean_max``.
        spreading: For a new store: ``centre`` or ``whiten`` its vectors, fitted on the first
            notes indexed; for models whose vectors all point the same way.
        catalog: For a new store: the PostgreSQL database that holds its SQL side,
            ``postgresql+psycopg://USER@HOST/DATABASE?schema=NAME``; else a file in the folder.
        index: For a new store: ``auto`` (the usual: exact while small, then approximate with
            exact scores), ``exact``, ``hnsw`` or ``ivf``.
        encoder: An encoder of one's own in place of a model.
    """
    settings = read_settings()
    store = Store(
        Path(path) if path is not None else settings.store,
        settings,
        model,
        pooling_named(pooling) if pooling else None,
        spreading_named(spreading) if spreading else None,
        ServerUrl.parse(catalog) if catalog else None,
        index_named(index) if index else None,
    )
    if settings.threads:
        set_threads(settings.threads)
    store._encoder = encoder
    return store


def _catalog_of(settings: Settings) -> ServerUrl | None:
    return ServerUrl.parse(settings.catalog.get_secret_value()) if settings.catalog else None


def _shown(snapshot: Snapshot, note_id: str, source: str | None) -> ShownNote:
    note = snapshot.find(note_id, source)
    passages = tuple(snapshot.passages(note.note_key))
    return ShownNote(note, snapshot.text(note.note_key), passages)


def restore(source: str | Path, path: str | Path | None = None) -> tuple[Path, int]:
    """Make a store from a backup, checked; return where it is and its generation.

    Args:
        source: The backup; it is not changed.
        path: A new or empty folder; where None, NOTEKIN_STORE or ``notekin-store``.

    Raises:
        UsageError: There is something at ``path``.
        DamagedStoreError: The backup is not whole.
    """
    from notekin.storage.backup import copy_store

    to = Path(path) if path is not None else read_settings().store
    backup = StoreFolder.open(Path(source))
    try:
        return to, copy_store(backup, to)
    finally:
        backup.close()


def _mean_pairwise_cosine(vectors: Vectors) -> float | None:
    """Return the mean cosine over all pairs of unit vectors, from the length of their sum."""
    count = len(vectors)
    if count < 2:
        return None
    total = vectors.sum(axis=0, dtype=np.float64)
    return float((total @ total - count) / (count * (count - 1)))


__all__ = ["Source", "Store", "open", "restore"]
