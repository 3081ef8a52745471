"""The command line: parse, one call, print. Answers go to stdout, all else to stderr."""

from __future__ import annotations

import dataclasses
import gc
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand

from notekin.errors import NotekinError, UsageError

if TYPE_CHECKING:
    from notekin.api import Store

_GARBAGE_AFTER = 50_000
"""Objects that are made until cycles among them are looked for. Starting makes many that stay;
at Python's 700, a search from the shell spends 5 to 11% of its time going through these."""

app = typer.Typer(
    name="notekin",
    help="Finds clinical notes by meaning, and the patients they belong to.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

StoreOption = Annotated[
    Path | None,
    typer.Option("--store", help="The store's folder; else NOTEKIN_STORE, else notekin-store."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
CountOption = Annotated[int, typer.Option("-k", help="How many hits.", min=1)]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="FIELD=VALUE",
        help="Only notes with this fact; also != >= > <= < ~ (holds the text), FIELD:missing, "
        "FIELD:present. Repeat for several; one field twice takes either value.",
    ),
]
FiltersOption = Annotated[
    Path | None,
    typer.Option("--filters", metavar="FILE", help="A JSON file with a filter of any, all, not."),
]
AfterOption = Annotated[
    str | None, typer.Option("--after", metavar="DATE", help="Recorded on this day or later.")
]
BeforeOption = Annotated[
    str | None, typer.Option("--before", metavar="DATE", help="Recorded before this day.")
]
SourceOption = Annotated[
    str | None,
    typer.Option("--source", metavar="NAME", help="The source, where several hold this id."),
]
WaitOption = Annotated[
    float,
    typer.Option(
        "--wait",
        metavar="[SECONDS]",
        min=0,
        help="Wait for another writer to finish, this long or, alone, as long as it takes.",
    ),
]
FormatOption = Annotated[
    str | None, typer.Option("--format", help="How to read the sources; else found out.")
]
MapOption = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FIELD=COLUMN", help="Which column holds a field."),
]


class WaitingCommand(TyperCommand):
    """A command whose ``--wait`` may stand alone: it then waits for as long as it takes."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a ``--wait`` that has no number the one that never ends."""
        given: list[str] = []
        for place, word in enumerate(args):
            given.append(word)
            if word == "--wait" and not _is_number(args[place + 1 : place + 2]):
                given.append("inf")
        return super().parse_args(ctx, given)


def _is_number(words: list[str]) -> bool:
    return bool(words) and re.fullmatch(r"[0-9.]+|inf", words[0]) is not None


def _say_version(asked: bool) -> None:
    if asked:
        from notekin import __version__

        sys.stdout.write(f"notekin {__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_say_version, is_eager=True),
    ] = False,
) -> None:
    """Finds clinical notes by meaning, and the patients they belong to."""


@app.command(cls=WaitingCommand)
def index(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="Files or folders.")],
    store: StoreOption = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", help="For a new store: builtin, a Longformer's folder, or a hub name."
        ),
    ] = None,
    pooling: Annotated[
        str | None,
        typer.Option("--pooling", help="For a new store: mean (the usual), cls, max, mean_max."),
    ] = None,
    spreading: Annotated[
        str | None,
        typer.Option("--spread", help="For a new store: centre or whiten its vectors."),
    ] = None,
    catalog: Annotated[
        str | None,
        typer.Option(
            "--catalog",
            metavar="URL",
            help="For a new store: keep its SQL side in this PostgreSQL database.",
        ),
    ] = None,
    index_choice: Annotated[
        str | None,
        typer.Option("--index", help="For a new store: auto (the usual), exact, hnsw, ivf."),
    ] = None,
    format: FormatOption = None,  # noqa: A002 - the option's name
    mapping: MapOption = None,
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="NAME", help="Keep the notes under this source's name."),
    ] = None,
    wait_s: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Read notes into a store; what is in it already, unchanged, is skipped."""
    from notekin import display
    from notekin.progress import shown

    with open_store(store, model, pooling, spreading, catalog, index_choice) as opened:
        try:
            with shown(stderr()) as progress:
                report = opened.index(
                    *sources,
                    format=format,
                    mapping=_parse_map(mapping or []),
                    source=source,
                    progress=progress,
                    wait_s=wait_s,
                )
        except KeyboardInterrupt:
            stderr().print("Interrupted. What is committed stays; the same command goes on.")
            raise typer.Exit(130) from None
        if as_json:
            print_json(dataclasses.asdict(report))
        else:
            display.report(stdout(), report, opened.path)


@app.command()
def show(
    note_id: Annotated[str, typer.Argument(metavar="NOTE_ID", help="A note of the store.")],
    store: StoreOption = None,
    source: SourceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a note with its facts."""
    from notekin import display

    with open_store(store) as opened:
        found = opened.show(note_id, source)
    print_json(found.to_dict()) if as_json else display.note(stdout(), found)


@app.command()
def stats(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Say what a store holds, and which rows could not be read."""
    from notekin import display

    with open_store(store) as opened:
        counted = opened.stats()
    print_json(counted.to_dict()) if as_json else display.stats(stdout(), counted)


@app.command()
def evaluate(
    task: Annotated[Path, typer.Argument(metavar="TASK_DIR", help="A task in BEIR form.")],
    store: StoreOption = None,
    k: CountOption = 10,
    model: Annotated[str | None, typer.Option("--model", help="For a new store.")] = None,
    modes: Annotated[
        list[str] | None,
        typer.Option(
            "--mode", help="hybrid (the usual), dense, lexical, or all; may be given again."
        ),
    ] = None,
    filters: Annotated[
        bool,
        typer.Option("--filters", help="Ask each query's metadata.filters as predicates."),
    ] = False,
    recall: Annotated[
        bool,
        typer.Option("--recall", help="Measure the search path's recall by filter, too."),
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw nDCG by note length and by depth."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", metavar="FILE", help="Write what was found, as a TREC run."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", help="The qrels name each patient or encounter, not documents."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure retrieval on a BEIR task; its corpus is indexed first where it isn't there."""
    from notekin import display
    from notekin.progress import shown

    with open_store(store, model) as opened, shown(stderr()) as progress:
        measured = opened.evaluate(
            task,
            k,
            progress,
            modes=modes or ["hybrid"],
            filters=filters,
            recall=recall,
            plot=plot,
            run=run,
            by=by,
        )
    print_json(measured.to_dict()) if as_json else display.evaluation(stdout(), measured)


@app.command()
def convert(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A BERT or RoBERTa: folder or hub name.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to make.")],
) -> None:
    """Make a Longformer that reads 4,096 tokens from a BERT or RoBERTa checkpoint."""
    from notekin.indexer.longformer.convert import convert as convert_model

    convert_model(model, to)
    stdout().print(f"{to} is a Longformer now. Use it with: --model {to}", highlight=False)


@app.command()
def embed(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="Files or folders.")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The Parquet file to write.")],
    level: Annotated[
        str, typer.Option("--level", help="What a row stands for: token, passage or note.")
    ] = "note",
    model: Annotated[
        str | None, typer.Option("--model", help="builtin, a Longformer's folder, or a hub name.")
    ] = None,
    pooling: Annotated[
        str, typer.Option("--pooling", help="mean, cls, max or mean_max; tokens are not pooled.")
    ] = "mean",
    format: FormatOption = None,  # noqa: A002 - the option's name
    mapping: MapOption = None,
) -> None:
    """Write the embeddings of notes, passages or tokens as a Parquet table, without a store."""
    from notekin.embedding import embed_file

    report = embed_file(
        *sources,
        to=to,
        level=level,
        model=model,
        pooling=pooling,
        format=format,
        mapping=_parse_map(mapping or []),
    )
    for reject in report.rejects:
        stderr().print(
            f"rejected: {reject.source} {reject.place}: {reject.reason}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    stdout().print(f"{report.rows:,} rows of {report.notes:,} notes in {to}", highlight=False)


@app.command()
def demo(
    store: Annotated[
        Path, typer.Option("--store", help="Where to make the demonstration's store.")
    ] = Path("notekin-demo"),
) -> None:
    """Index the invented sample notes with the built-in model, and search them."""
    from notekin.demo import run

    run(store, stdout(), stderr())


def main() -> None:
    """Run the command line; an error of ours becomes one line and its exit code."""
    gc.set_threshold(_GARBAGE_AFTER)
    try:
        app()
    except NotekinError as error:
        sys.stderr.write(f"notekin: {error}\n")
        sys.exit(error.exit_code)


def open_store(
    path: Path | None,
    model: str | None = None,
    pooling: str | None = None,
    spreading: str | None = None,
    catalog: str | None = None,
    index_choice: str | None = None,
) -> Store:
    """Return the store at a path, else at the one that the settings name."""
    from notekin import api

    return api.open(
        path,
        model=model,
        pooling=pooling,
        spreading=spreading,
        catalog=catalog,
        index=index_choice,
    )


def _parse_map(pairs: list[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if not equals or not field or not column:
            raise UsageError("--map takes FIELD=COLUMN, such as --map text=NOTE_TEXT")
        if field in mapping:
            raise UsageError(f"--map names the field {field} twice.")
        mapping[field] = column
    return mapping


def print_json(answer: dict[str, Any]) -> None:
    """Print an answer for programs."""
    sys.stdout.write(json.dumps(answer, indent=2) + "\n")


def stdout() -> Console:
    """Return where answers go."""
    return Console()


def stderr() -> Console:
    """Return where all else goes."""
    return Console(stderr=True)


from notekin import cli_cohort as _cli_cohort  # noqa: E402, F401 - registers its commands on app
from notekin import cli_cohort_review as _cli_review  # noqa: E402, F401 - registers its commands
from notekin import cli_search as _cli_search  # noqa: E402, F401 - registers its commands on app
from notekin import cli_store  # noqa: E402, F401 - its commands register on app
from notekin import cli_upkeep as _cli_upkeep  # noqa: E402, F401 - registers its commands on app
