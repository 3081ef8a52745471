"""What one asks of a store: by text, by example, many at once; each has its command."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypedDict, TypeVar, Unpack

from notekin.errors import UsageError
from notekin.search.asserted import Named, asserted_named
from notekin.search.examples import Examples
from notekin.search.export import check_export, export
from notekin.search.filters import When, Where, condition_of
from notekin.search.finding import Finder
from notekin.search.grouping import Grouping, grouping_named
from notekin.search.hits import Results
from notekin.search.mode import Mode, mode_named
from notekin.search.query_file import Queries, queries_of
from notekin.search.request import Request
from notekin.section_titles import title_of
from notekin.storage.field_counts import VALUES, FieldCount
from notekin.storage.snapshot import Snapshot

if TYPE_CHECKING:
    from notekin.types import Encoder

Answer = TypeVar("Answer")
Titles: TypeAlias = "str | Sequence[str] | None"
Told: TypeAlias = Callable[[int, int], None]
"""Is told how many queries are answered, and how many there are."""

_BATCH = 32


class Options(TypedDict, total=False):
    """What ``search`` takes beside its text; ``search_many`` and ``export`` take the same."""

    where: Where | None
    after: When | None
    before: When | None
    mode: str | Mode
    assertion: Named
    section: Titles
    by: str | Grouping | None
    context: int


class Searching(ABC):
    """The questions that a store answers."""

    def search(
        self,
        text: str | None = None,
        k: int = 10,
        where: Where | None = None,
        after: When | None = None,
        before: When | None = None,
        mode: str | Mode = Mode.HYBRID,
        *,
        assertion: Named = None,
        section: Titles = None,
        by: str | Grouping | None = None,
        context: int = 0,
        like: str | Sequence[str] = (),
        unlike: str | Sequence[str] = (),
        source: str | None = None,
    ) -> Results:
        """Return the ``k`` notes that answer a text best, with their evidence.

        A note whose best passage is a copy of a better note's comes after all others.

        Args:
            text: A question, a phrase, a pasted note; any length.
            k: How many; fewer come back only where fewer notes meet the filters.
            where: Field to the value it must have, or to several of which one will do; or an
                expression: ``(notekin.field("age") >= 65) & notekin.field("ward").missing()``.
            after: Only notes recorded then or later.
            before: Only notes recorded earlier.
            mode: ``hybrid`` goes by meaning and by words; ``dense`` by meaning alone;
                ``lexical`` by words alone, and finds only notes that hold some of them.
            assertion: Only notes that speak so of what the text speaks of: ``affirmed``,
                ``negated``, ``possible``, ``current``, ``historical``, ``hypothetical``,
                ``family``, or ``asked``: as the text itself does. One, or several of which
                one will do. As many notes are looked at as it takes to find ``k``.
            section: Only what stands in sections of this title, or of one of these.
            by: ``patient`` or ``encounter``: a hit for each, with its best note.
            context: How many sentences of the note to show to either side of a passage.
            like: An id, or several, of notes that hits are to be like. With examples, notes are
                compared as wholes; the text counts as one more example. Examples are never
                hits; other notes of the same text may be.
            unlike: Ids of notes that hits are to be unlike.
            source: The source of these notes, where several hold one of the ids.

        Raises:
            NoSuchStoreError: There is no store at this path.
            FilterError: A filter names no field of this store.
            UsageError: A name is none, or nothing is asked.
        """
        request = _request(
            k,
            where=where,
            after=after,
            before=before,
            mode=mode,
            assertion=assertion,
            section=section,
            by=by,
            context=context,
        )
        if like or unlike:
            texts = () if text is None else (text,)
            return self._like(Examples(_ids(like), _ids(unlike), texts, source), request)
        if text is None:
            raise UsageError("Nothing is asked: give a text, or notes to be like.")
        return self._find(lambda finder: finder.search(text, request))

    def similar(
        self,
        note_id: str | None = None,
        k: int = 10,
        where: Where | None = None,
        after: When | None = None,
        before: When | None = None,
        source: str | None = None,
        *,
        text: str | None = None,
        section: Titles = None,
        by: str | Grouping | None = None,
        context: int = 0,
    ) -> Results:
        """Return the ``k`` notes that are most like a note of the store, or like a text.

        They are compared as wholes. The note itself is no hit; another of the same text may be.

        Args:
            note_id: A note of the store.
            k: How many.
            where: As in ``search``.
            after: As in ``search``.
            before: As in ``search``.
            source: The note's source, where several hold this id.
            text: A text of any length, in place of a note or beside it.
            section: Show only evidence from sections of this title, or of one of these.
            by: As in ``search``.
            context: As in ``search``.

        Raises:
            NoSuchNoteError: The store holds no such note.
            AmbiguousNoteError: Several sources hold one; say which with ``source``.
            UsageError: Neither a note nor a text is given.
        """
        request = _request(
            k, where=where, after=after, before=before, section=section, by=by, context=context
        )
        like = () if note_id is None else (note_id,)
        texts = () if text is None else (text,)
        return self._like(Examples(like, (), texts, source), request)

    def search_many(
        self,
        queries: Queries,
        k: int = 10,
        progress: Told = lambda _done, _all: None,
        **options: Unpack[Options],
    ) -> Iterator[tuple[str, Results]]:
        """Give each query's id and its answer, in order; encoded and searched in batches.

        All are answered from one generation of the store.

        Args:
            queries: A file (docs/commands.md says of which form), texts by id, or texts.
            k: How many hits a query.
            progress: Told after each batch.
            **options: As in ``search``.

        Raises:
            NoSuchSourceError: There is no such file.
            ReaderError: The file holds something else than queries.
            UsageError: There is no query, or one is empty.
        """
        asked, request = queries_of(queries), _request(k, **options)
        finder = self._finder()
        names = list(asked)
        for start in range(0, len(names), _BATCH):
            some = names[start : start + _BATCH]
            yield from zip(
                some, finder.search_many([asked[one] for one in some], request), strict=True
            )
            progress(start + len(some), len(names))

    def export(
        self,
        queries: Queries,
        to: str | Path,
        k: int = 10,
        progress: Told = lambda _done, _all: None,
        **options: Unpack[Options],
    ) -> int:
        """Write the answers to queries to a file; return how many hits it holds.

        Args:
            queries: As in ``search_many``.
            to: ``.parquet``, ``.csv``, ``.jsonl`` or ``.trec``; it appears whole or not at all.
            k: How many hits a query.
            progress: Told after each batch.
            **options: As in ``search``.

        Raises:
            UsageError: The file's suffix names no form, or its folder is not there.
        """
        check_export(Path(to))
        answers = self.search_many(queries, k, progress, **options)
        return export(answers, Path(to), grouping_named(options.get("by")))

    def fields(self, values: int = VALUES) -> list[FieldCount]:
        """Return the fields that filters can name: types, how many notes have them, usual values.

        Args:
            values: How many of each field's most common values to give.
        """
        return self._read(lambda snapshot: snapshot.fields(values))

    def _like(self, examples: Examples, request: Request) -> Results:
        return self._find(lambda finder: finder.like(examples, request))

    def _find(self, answer: Callable[[Finder], Answer]) -> Answer:
        encoder = self._encoder_of_store()
        return self._read(lambda snapshot: answer(Finder(snapshot, encoder)))

    def _finder(self) -> Finder:
        encoder = self._encoder_of_store()
        return self._read(lambda snapshot: Finder(snapshot, encoder))

    @abstractmethod
    def _read(self, answer: Callable[[Snapshot], Answer]) -> Answer:
        """Answer from the newest generation, and again where a purge came between."""

    @abstractmethod
    def _encoder_of_store(self) -> Encoder:
        """Return the encoder that made the store."""


def _request(k: int, **options: Unpack[Options]) -> Request:
    section = options.get("section")
    titles = [section] if isinstance(section, str) else section
    return Request(
        k=k,
        condition=condition_of(options.get("where"), options.get("after"), options.get("before")),
        sections=None if titles is None else tuple(title_of(title) for title in titles),
        mode=mode_named(options.get("mode", Mode.HYBRID)),
        asserted=asserted_named(options.get("assertion")),
        by=grouping_named(options.get("by")),
        context=options.get("context", 0),
    )


def _ids(given: str | Sequence[str]) -> tuple[str, ...]:
    """Return ids as a tuple; a text is one id, not one a letter."""
    return (given,) if isinstance(given, str) else tuple(given)
