"""The commands that judge a cohort's evidence and draw a cohort. ``notekin.cli`` loads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from notekin.cli import JsonOption, StoreOption, open_store, print_json, stdout
from notekin.cli_cohort import NameArgument, cohort_app

if TYPE_CHECKING:
    from notekin.cohort_review import CohortReview


@cohort_app.command()
def review(
    name: NameArgument,
    criterion: Annotated[
        str | None,
        typer.Option("--criterion", metavar="ID", help="Which one, where several are calibrated."),
    ] = None,
    judgements: Annotated[
        Path | None,
        typer.Option(
            "--judgements", metavar="FILE", help="Bring in verdicts: a CSV of note_id, verdict."
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet", metavar="FILE", help="Write what is to be judged to a CSV to fill in."
        ),
    ] = None,
    count: Annotated[
        int, typer.Option("--count", help="How many lines the sheet has.", min=1)
    ] = 40,
    until: Annotated[
        int | None, typer.Option("--until", metavar="N", help="Stop at so many verdicts.", min=1)
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge evidence, one piece at a time; the verdicts set the cut and say how right it is."""
    from notekin import reviewing
    from notekin.judgement_file import read_judgements, write_sheet

    with open_store(store) as opened:
        lines = None if judgements is None else read_judgements(judgements)
        desk = opened.cohort.review(name, criterion)
        missing = 0 if lines is None else desk.bring_in(lines)
        if sheet is not None:
            questions = desk.to_judge(count)
            write_sheet(
                sheet,
                [(one.note_id, one.source, one.text[one.start : one.end]) for one in questions],
            )
        if lines is None and sheet is None:
            shown = Console(stderr=True) if as_json else stdout()
            with reviewing.typed_keys() as read:
                reviewing.review(desk, shown, read, until)
        print_json(desk.to_dict() | {"not_found": missing}) if as_json else _say(desk, missing)


@cohort_app.command()
def report(
    name: NameArgument,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The HTML file to write.")],
    mask: Annotated[
        bool, typer.Option("--mask", help="Hide counts from 1 to 9, and the members.")
    ] = False,
    store: StoreOption = None,
) -> None:
    """Draw a kept cohort as one page: attrition, overlap, timeline, scores, evidence."""
    with open_store(store) as opened:
        opened.cohort.report(name, to, mask=mask)
    stdout().print(f"{to} is written.", markup=False, highlight=False, soft_wrap=True)


def _say(desk: CohortReview, missing: int) -> None:
    from notekin.reviewing import said_of_accuracy, said_of_progress

    lines = [said_of_progress(desk.progress())]
    if missing:
        lines.append(f"{missing:,} note ids of the file are not in the store")
    if desk.progress().judged:
        found = desk.calibration()
        lines += [
            f"{int(found.passes.sum()):,} pass, at a probability of {found.cut:.3f} or more",
            said_of_accuracy(desk.accuracy()),
            f"To make the cohort of it: notekin cohort rerun {desk.name}",
        ]
    for line in lines:
        stdout().print(line, markup=False, highlight=False, soft_wrap=True)
