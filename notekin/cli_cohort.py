"""The commands of cohorts, ``notekin cohort ...``. ``notekin.cli`` loads them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notekin.cli import JsonOption, StoreOption, app, open_store, print_json, stdout
from notekin.errors import CohortError, NoSuchSourceError

if TYPE_CHECKING:
    from notekin.api import Store
    from notekin.search.cohort.answer import CohortAnswer

cohort_app = typer.Typer(
    name="cohort",
    help="Find which patients meet a definition, and keep, compare and export them.",
    no_args_is_help=True,
)
app.add_typer(cohort_app)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A kept cohort.")]
FirstArgument = Annotated[str, typer.Argument(metavar="A", help="A kept cohort.")]
SecondArgument = Annotated[str, typer.Argument(metavar="B", help="Another.")]
NewNameOption = Annotated[
    str, typer.Option("--name", metavar="NAME", help="What to keep the result as.")
]
MaskOption = Annotated[
    bool,
    typer.Option(
        "--mask", help="Hide counts from 1 to 9, the members, and what would give them away."
    ),
]
MostOption = Annotated[int, typer.Option("-n", help="How many members to show.", min=0)]


@cohort_app.command()
def run(
    definition: Annotated[
        Path, typer.Argument(metavar="FILE", help="The definition, in YAML or JSON.")
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="What to keep it as; else its own name."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write over a kept cohort of this name.")
    ] = False,
    store: StoreOption = None,
    most: MostOption = 10,
    mask: MaskOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find who meets a definition, with the evidence for each, and keep the cohort."""
    with open_store(store) as opened:
        answer = opened.cohort.run(definition, name, replace=replace)
        _show(opened, answer, most, mask, as_json)


@cohort_app.command("list")
def list_kept(
    store: StoreOption = None, mask: MaskOption = False, as_json: JsonOption = False
) -> None:
    """List the kept cohorts."""
    from notekin import display_cohort
    from notekin.search.cohort.masking import masked

    with open_store(store) as opened:
        kept = opened.cohort.list()
    if not as_json:
        display_cohort.heads(stdout(), kept, mask=mask)
        return
    print_json(
        {
            "cohorts": [
                {
                    "name": one.name,
                    "grain": one.grain,
                    "members": masked(one.members) if mask else one.members,
                    "generation": one.generation,
                    "kept_at": one.kept_at.isoformat(),
                }
                for one in kept
            ]
        }
    )


@cohort_app.command()
def show(
    name: NameArgument,
    store: StoreOption = None,
    most: MostOption = 10,
    mask: MaskOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show a kept cohort as it was found."""
    with open_store(store) as opened:
        found = opened.cohort.show(name)
        _show(opened, found.answer, most, mask, as_json)
    if found.gone and not as_json and not mask:
        line = f"{found.gone:,} members have no note in the store any more and are left out"
        stdout().print(line, style="dim", highlight=False, soft_wrap=True)


@cohort_app.command()
def rerun(
    name: NameArgument,
    to: Annotated[
        str | None,
        typer.Option("--name", metavar="NEW", help="Keep the new result as this, beside the old."),
    ] = None,
    store: StoreOption = None,
    most: MostOption = 10,
    mask: MaskOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find again who meets a kept cohort's definition; at the same generation all is the same."""
    with open_store(store) as opened:
        answer = opened.cohort.rerun(name, to)
        _show(opened, answer, most, mask, as_json)


@cohort_app.command()
def diff(
    first: FirstArgument,
    second: SecondArgument,
    store: StoreOption = None,
    mask: MaskOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say who came and who left from A to B, and why."""
    from notekin import display_cohort

    with open_store(store) as opened:
        found = opened.cohort.diff(first, second)
    if as_json:
        print_json(found.to_dict(mask=mask))
    else:
        display_cohort.difference(stdout(), found, mask=mask)


def _add_combining(how: str, said: str) -> None:
    """Add the command that keeps two cohorts as another, put together by the twin of its name."""

    @cohort_app.command(how, help=said)
    def combine(
        first: FirstArgument,
        second: SecondArgument,
        name: NewNameOption,
        store: StoreOption = None,
        most: MostOption = 10,
        mask: MaskOption = False,
        as_json: JsonOption = False,
    ) -> None:
        with open_store(store) as opened:
            answer = getattr(opened.cohort, how)(first, second, name)
            _show(opened, answer, most, mask, as_json)


_add_combining("union", "Keep who is in A or in B.")
_add_combining("intersect", "Keep who is in A and in B.")
_add_combining("minus", "Keep who is in A and not in B.")


@cohort_app.command()
def export(
    name: NameArgument,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The file to write.")],
    format: Annotated[  # noqa: A002 - the option's name
        str, typer.Option("--format", help="csv, parquet, json, omop or redcap.")
    ] = "csv",
    cohort_id: Annotated[
        int, typer.Option("--cohort-id", help="For omop: the cohort_definition_id.")
    ] = 1,
    subjects: Annotated[
        Path | None,
        typer.Option(
            "--subjects",
            metavar="FILE",
            help="For omop: a CSV of patient_id and subject_id, where they are not the same.",
        ),
    ] = None,
    mask: MaskOption = False,
    store: StoreOption = None,
) -> None:
    """Write a kept cohort to a file."""
    with open_store(store) as opened:
        members = opened.cohort.export(
            name,
            to,
            format,
            mask=mask,
            cohort_id=cohort_id,
            subjects=None if subjects is None else _subjects_in(subjects),
        )
    said = f"{to} holds the counts" if mask else f"{members:,} members in {to}"
    stdout().print(said, highlight=False, markup=False, soft_wrap=True)


@cohort_app.command()
def delete(name: NameArgument, store: StoreOption = None) -> None:
    """Remove a kept cohort and the verdicts on it; no note is touched."""
    with open_store(store) as opened:
        opened.cohort.delete(name)
    stdout().print("The cohort is deleted; its notes are as they were.", highlight=False)


@cohort_app.command()
def schema() -> None:
    """Print the JSON Schema of a definition, from which editors complete and check."""
    from notekin.search.cohort.definition import json_schema

    print_json(json_schema())


@cohort_app.command()
def similar(
    patients: Annotated[
        Path, typer.Option("--patients", metavar="FILE", help="A file of patient ids, one a line.")
    ],
    store: StoreOption = None,
    k: Annotated[int, typer.Option("-k", help="How many patients.", min=1)] = 10,
    as_json: JsonOption = False,
) -> None:
    """Find the patients whose notes as a whole are most like those of given ones."""
    from notekin import display_cohort

    given = _ids_in(patients)
    with open_store(store) as opened:
        found = opened.cohort.similar(given, k)
    print_json(found.to_dict()) if as_json else display_cohort.alike(stdout(), found)


def _show(opened: Store, answer: CohortAnswer, most: int, mask: bool, as_json: bool) -> None:
    from notekin import display_cohort
    from notekin.search.cohort.exports import as_json as answer_as_json

    if as_json:
        print_json(answer_as_json(answer, mask=mask))
        return
    evidence = [] if mask else list(display_cohort.shown_evidence(answer, most))
    texts = dict(zip(evidence, opened.cohort.sentences(evidence), strict=True))
    display_cohort.cohort(stdout(), answer, texts, mask=mask, most=most)


def _ids_in(path: Path) -> list[str]:
    return [line.strip() for line in _read(path).splitlines() if line.strip()]


def _subjects_in(path: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for number, row in enumerate(csv.DictReader(_read(path).splitlines()), start=2):
        try:
            found[row["patient_id"]] = int(row["subject_id"])
        except (KeyError, ValueError, TypeError):
            raise CohortError(
                f"{path} line {number} is no patient_id and subject_id, a whole number; the "
                "first line names these columns."
            ) from None
    return found


def _read(path: Path) -> str:
    if not path.is_file():
        raise NoSuchSourceError(path)
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise CohortError(f"{path} can't be read as UTF-8 text.") from None
