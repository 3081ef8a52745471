"""The commands that ask a store: search, similar, fields."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notekin.cli import (
    AfterOption,
    BeforeOption,
    CountOption,
    FiltersOption,
    JsonOption,
    SourceOption,
    StoreOption,
    WhereOption,
    app,
    open_store,
    print_json,
    stderr,
    stdout,
)
from notekin.errors import NoSuchSourceError, ReaderError, UsageError

if TYPE_CHECKING:
    from notekin.api import Store
    from notekin.search.hits import Results
    from notekin.searching import Options, Told

AssertOption = Annotated[
    list[str] | None,
    typer.Option(
        "--assert",
        metavar="WHAT",
        help="Only notes that speak so of it: affirmed, negated, possible, current, historical, "
        "hypothetical, family, or asked (as the text does). Repeat: one of them will do.",
    ),
]
SectionOption = Annotated[
    list[str] | None,
    typer.Option("--section", metavar="TITLE", help="Only in sections of this title; repeat."),
]
ByOption = Annotated[str | None, typer.Option("--by", help="A hit for each patient or encounter.")]
ContextOption = Annotated[
    int,
    typer.Option("--context", metavar="N", min=0, help="Show N sentences more to either side."),
]
ToOption = Annotated[
    Path | None,
    typer.Option("--to", metavar="FILE", help="Write to .parquet, .csv, .jsonl or .trec."),
]


@app.command()
def search(
    text: Annotated[
        str | None,
        typer.Argument(metavar="[TEXT]", help="What the notes are about; - reads it from stdin."),
    ] = None,
    store: StoreOption = None,
    k: CountOption = 10,
    where: WhereOption = None,
    filters: FiltersOption = None,
    after: AfterOption = None,
    before: BeforeOption = None,
    mode: Annotated[
        str,
        typer.Option(
            "--mode", help="hybrid (meaning and words), dense (meaning) or lexical (words)."
        ),
    ] = "hybrid",
    assertion: AssertOption = None,
    section: SectionOption = None,
    by: ByOption = None,
    context: ContextOption = 0,
    like: Annotated[
        list[str] | None,
        typer.Option("--like", metavar="NOTE_ID", help="Like this note, as a whole; repeat."),
    ] = None,
    unlike: Annotated[
        list[str] | None,
        typer.Option("--unlike", metavar="NOTE_ID", help="Unlike this note; repeat."),
    ] = None,
    source: SourceOption = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            "--queries", metavar="FILE", help="Many queries: .jsonl, .csv, or one a line."
        ),
    ] = None,
    to: ToOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the notes that answer a text best, with the passages that say so."""
    from notekin.search.where import parse_where

    options: Options = {
        "where": parse_where(where or [], filters),
        "after": after,
        "before": before,
        "mode": mode,
        "assertion": assertion,
        "section": section,
        "by": by,
        "context": context,
    }
    examples = like or unlike
    _check_asked(text, queries, to, examples=bool(examples))
    with open_store(store) as opened:
        if queries is not None and to is not None:
            _export(opened, queries, to, k, options, as_json=as_json)
            return
        asked = None if text is None else _read(text)
        if to is not None and asked is not None:
            _export(opened, {"1": asked}, to, k, options, as_json=as_json)
            return
        found = opened.search(
            asked, k, **options, like=like or (), unlike=unlike or (), source=source
        )
    _show(found, as_json=as_json)


@app.command()
def similar(
    note_id: Annotated[
        str | None, typer.Argument(metavar="[NOTE_ID]", help="A note of the store.")
    ] = None,
    store: StoreOption = None,
    k: CountOption = 10,
    where: WhereOption = None,
    filters: FiltersOption = None,
    after: AfterOption = None,
    before: BeforeOption = None,
    text: Annotated[
        str | None,
        typer.Option("--text", metavar="FILE", help="Like the text of this file; - for stdin."),
    ] = None,
    section: SectionOption = None,
    by: ByOption = None,
    context: ContextOption = 0,
    source: SourceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the notes most like one of the store's, or like a text."""
    from notekin.search.where import parse_where

    pasted = None if text is None else _read(text) if text == "-" else _read_file(Path(text))
    with open_store(store) as opened:
        found = opened.similar(
            note_id,
            k,
            parse_where(where or [], filters),
            after,
            before,
            source,
            text=pasted,
            section=section,
            by=by,
            context=context,
        )
    _show(found, as_json=as_json)


@app.command()
def fields(
    store: StoreOption = None,
    values: Annotated[
        int, typer.Option("--values", metavar="N", min=0, help="Common values of each field.")
    ] = 5,
    as_json: JsonOption = False,
) -> None:
    """List the fields that filters can name: types, notes that have them, common values."""
    from notekin import display_hits

    with open_store(store) as opened:
        found = opened.fields(values)
    if as_json:
        print_json(
            {"fields": [dataclasses.asdict(one) | {"type": one.type.value} for one in found]}
        )
    else:
        display_hits.fields(stdout(), found)


def _show(found: Results, *, as_json: bool) -> None:
    from notekin import display_hits

    print_json(found.to_dict()) if as_json else display_hits.results(stdout(), found)


def _check_asked(
    text: str | None, queries: Path | None, to: Path | None, *, examples: bool
) -> None:
    """Refuse what would leave a part of the command line without effect."""
    if queries is None:
        if to is not None and (text is None or examples):
            raise UsageError("--to takes the answers to a text, or to --queries FILE.")
        return
    if text is not None or examples:
        raise UsageError("--queries stands in place of a text and of --like.")
    if to is None:
        raise UsageError("Name the file to write with --to, such as --to results.parquet.")


def _export(
    store: Store,
    queries: Path | dict[str, str],
    to: Path,
    k: int,
    options: Options,
    *,
    as_json: bool,
) -> None:
    from notekin.search.query_file import queries_of

    asked = queries_of(queries)
    with _told() as told:
        hits = store.export(asked, to, k, told, **options)
    if as_json:
        print_json({"queries": len(asked), "hits": hits, "file": str(to)})
        return
    stdout().print(f"{hits:,} hits in {to}", highlight=False, markup=False, soft_wrap=True)


@contextmanager
def _told() -> Iterator[Told]:
    from notekin.progress import counted

    with counted(stderr(), "searching", "queries") as told:
        yield told


def _read(text: str) -> str:
    """Return the text, or for ``-`` what stands on stdin."""
    return sys.stdin.buffer.read().decode("utf-8", "replace") if text == "-" else text


def _read_file(path: Path) -> str:
    if not path.is_file():
        raise NoSuchSourceError(path)
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ReaderError(f"{path} is not UTF-8 text. Save it as UTF-8.") from None
    except OSError as error:
        raise ReaderError(f"{path} can't be read: {error.strerror}.") from None
