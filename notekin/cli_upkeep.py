"""The commands that keep a store in order: delete, compact, purge. ``notekin.cli`` loads them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from notekin.cli import (
    JsonOption,
    StoreOption,
    WaitingCommand,
    WaitOption,
    app,
    open_store,
    print_json,
    stdout,
)
from notekin.errors import NoSuchSourceError, UsageError


@app.command(cls=WaitingCommand)
def delete(
    notes: Annotated[
        list[str] | None,
        typer.Option("--note", metavar="ID", help="The note of this id. Repeat for several."),
    ] = None,
    patients: Annotated[
        list[str] | None,
        typer.Option(
            "--patient", metavar="ID", help="All notes of this patient. Repeat for several."
        ),
    ] = None,
    notes_file: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="A file of note ids, one a line.")
    ] = None,
    patients_file: Annotated[
        Path | None,
        typer.Option("--patients-from", metavar="FILE", help="A file of patient ids, one a line."),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="NAME", help="Only notes of this source.")
    ] = None,
    store: StoreOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    wait_s: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Delete notes by their ids or their patients'; purge then removes their bytes."""
    from notekin import display

    of_notes = [*(notes or []), *_ids_in(notes_file)]
    of_patients = [*(patients or []), *_ids_in(patients_file)]
    with open_store(store) as opened:
        if not yes:
            _confirm(len(of_notes), len(of_patients), opened.path)
        report = opened.delete(of_notes, of_patients, source, wait_s)
    if as_json:
        print_json(dataclasses.asdict(report))
    else:
        display.deletion(stdout(), report, opened.path)


@app.command(cls=WaitingCommand)
def compact(
    store: StoreOption = None, wait_s: WaitOption = 0.0, as_json: JsonOption = False
) -> None:
    """Rewrite the vectors of live notes into as few segments as there can be."""
    from notekin import display

    with open_store(store) as opened:
        report = opened.compact(wait_s)
    if as_json:
        print_json(dataclasses.asdict(report))
    else:
        display.compaction(stdout(), report)


@app.command(cls=WaitingCommand)
def purge(store: StoreOption = None, wait_s: WaitOption = 0.0, as_json: JsonOption = False) -> None:
    """Remove every byte of what was deleted or replaced: texts, facts, vectors."""
    from notekin import display

    with open_store(store) as opened:
        report = opened.purge(wait_s)
    if as_json:
        print_json(dataclasses.asdict(report))
    else:
        display.purging(stdout(), report)


def _confirm(notes: int, patients: int, path: Path) -> None:
    """Ask before anything is deleted; in numbers, for a terminal's scrollback is a log, too."""
    asked = f"Delete the notes of {notes:,} note ids and {patients:,} patient ids from {path}?"
    try:
        agreed = typer.confirm(asked, err=True)
    except typer.Abort:
        raise UsageError("Nothing was deleted. Where nobody can answer, give --yes.") from None
    if not agreed:
        raise UsageError("Nothing was deleted.")


def _ids_in(path: Path | None) -> list[str]:
    """Return the ids of a file, one a line; empty lines are none."""
    if path is None:
        return []
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except FileNotFoundError:
        raise NoSuchSourceError(path) from None
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{path} can't be read as a text file of ids, one a line.") from None
    return [line.strip() for line in lines if line.strip()]
