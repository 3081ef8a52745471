"""The commands that look after a store: is it whole, copy it, bring it back, mend it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from notekin.cli import JsonOption, StoreOption, app, open_store, print_json, stdout

DAMAGED = 6


@app.command()
def verify(
    store: StoreOption = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Look at every row, every vector and every byte.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check that a store is whole; the exit code is 6 where it is not."""
    with open_store(store) as opened:
        found = opened.verify(deep=deep)
    if as_json:
        print_json(dataclasses.asdict(found) | {"whole": found.whole})
    else:
        console = stdout()
        for problem in found.problems:
            line = f"{problem.file} {problem.what}. What to do: {problem.hint}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        said = "whole" if found.whole else f"{len(found.problems):,} problems"
        looked = "in depth" if deep else "quickly; --deep looks at every row and byte"
        console.print(f"{found.path}: {said} (checked {looked})", highlight=False, soft_wrap=True)
    if not found.whole:
        raise typer.Exit(DAMAGED)


@app.command()
def repair(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """Make damaged or missing vectors again from the notes' text."""
    with open_store(store) as opened:
        done = opened.repair()
    if as_json:
        print_json(dataclasses.asdict(done))
    else:
        said = f"{done.segments:,} segments replaced, {done.notes:,} notes read again"
        stdout().print(said, highlight=False)


@app.command()
def backup(
    to: Annotated[Path, typer.Argument(metavar="TO", help="A new or empty folder.")],
    store: StoreOption = None,
) -> None:
    """Copy a store as one generation of it is, while others read and write it; check the copy."""
    with open_store(store) as opened:
        generation = opened.backup(to)
    stdout().print(f"Generation {generation} is in {to}, checked.", highlight=False)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="A backup.")],
    store: StoreOption = None,
) -> None:
    """Make a store from a backup, in a new or empty folder; check it."""
    from notekin.api import restore as restore_store

    path, generation = restore_store(source, store)
    stdout().print(f"Generation {generation} is in {path}, checked.", highlight=False)
