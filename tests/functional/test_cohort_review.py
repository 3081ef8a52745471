"""A cohort is reviewed and drawn, as a person types it."""

import csv
import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from notekin import cli
from notekin.errors import CohortError, NotekinError, UsageError
from tests.support.notes import CANARY
from tests.support.tiny_longformer import write_tiny_longformer

WORDS = ("chest pain", "fever and cough", "rash", "fracture of the wrist", "heart failure")
DEFINITION = """
name: hf
description: Patients with heart failure.
include:
  all:
    - id: hf
      meaning: heart failure
      assertion: any
      cut: calibrated
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("review")
    with (folder / "notes.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["note_id", "patient_id", "note_date", "text"])
        for number in range(40):
            said = f"{CANARY} was seen. {WORDS[number % 5]}, day {number}."
            rows.writerow([f"n{number}", f"{CANARY}-{number // 2}", "2024-05-01", said])
    (folder / "hf.yaml").write_text(DEFINITION)
    model = write_tiny_longformer(folder / "model")
    assert run("index", folder / "notes.csv", folder, "--model", model).exit_code == 0
    assert run("cohort", "run", folder / "hf.yaml", folder).exit_code == 0
    return folder


def run(*words: object, typed: str = "") -> Result:
    """Run a command; the folder of the store is the last argument before the options."""
    given = [str(word) for word in words]
    at = next((place for place, word in enumerate(given) if word.startswith("-")), len(given))
    given[at - 1 : at] = ["--store", str(Path(given[at - 1]) / "store")]
    return CliRunner().invoke(cli.app, given, input=typed)


def reviewed(store: Path, *options: object, typed: str = "") -> dict[str, object]:
    result = run("cohort", "review", "hf", store, *options, "--json", typed=typed)
    assert result.exit_code == 0, result.exception
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_verdicts_are_kept_and_the_review_goes_on_where_it_was_left(store: Path) -> None:
    before = reviewed(store, typed="q\n")
    after = reviewed(store, typed="y\nn\nu\nb\nn\nq\n")
    assert [after[name] for name in ("yes", "no", "unsure")] == [1, 2, 0]
    again = reviewed(store, typed="q\n")
    assert again == after != before
    shown = run("cohort", "review", "hf", store, typed="q\n").stdout
    assert "3 judged of 20" in shown
    assert "heart failure" in shown


def test_a_sheet_is_filled_in_and_brought_in(store: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    reviewed(store, "--sheet", sheet, "--count", 6)
    with sheet.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    filled = tmp_path / "filled.csv"
    lines = [f"{row['note_id']},{'yes' if 'heart' in row['evidence'] else 'no'}" for row in rows]
    filled.write_text("\n".join(["note_id,verdict", *lines, "nobody,yes"]) + "\n")
    before = reviewed(store, typed="q\n")
    found = reviewed(store, "--judgements", filled)
    assert found["not_found"] == 1
    assert int(str(found["drawn"])) == int(str(before["drawn"])) + 6
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600


def test_a_rerun_takes_the_verdicts(store: Path) -> None:
    reviewed(store, typed="n\n" * 40)
    (cut,) = json.loads(run("cohort", "rerun", "hf", store, "--json").stdout)["cuts"]
    assert cut["calibrated"] is True
    assert cut["passed"] == reviewed(store, typed="q\n")["passes"]


def test_a_report_is_one_private_page_with_everybody_and_a_mask_leaves_them_out(
    store: Path, tmp_path: Path
) -> None:
    page, masked = tmp_path / "report.html", tmp_path / "masked.html"
    assert run("cohort", "report", "hf", store, "--to", page).exit_code == 0
    assert run("cohort", "report", "hf", store, "--to", masked, "--mask").exit_code == 0
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    members = json.loads(run("cohort", "rerun", "hf", store, "--json").stdout)["members"]
    html = page.read_text()
    assert "Patients with heart failure." in html
    assert html.count('<details class="person">') == members
    assert CANARY not in masked.read_text()


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (["--criterion", CANARY], CohortError),
        (["--judgements", "bad.csv"], UsageError),
    ],
)
def test_no_error_holds_what_was_asked(
    store: Path, tmp_path: Path, options: list[str], kind: type[NotekinError]
) -> None:
    (tmp_path / "bad.csv").write_text(f"note_id,verdict\n{CANARY},{CANARY}\n")
    given = [str(tmp_path / word) if word.endswith(".csv") else word for word in options]
    result = run("cohort", "review", "hf", store, *given)
    assert isinstance(result.exception, kind)
    assert CANARY not in str(result.exception)
    assert CANARY not in result.stderr
