"""Cohorts from the command line, from a definition to an export."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from notekin import cli
from notekin.errors import CohortError, NoSuchCohortError, NoSuchSourceError, NotekinError
from tests.support.notes import CANARY, commit, note, store_of
from tests.support.words import WordEncoder

DEFINITION = """\
name: diuretics
include:
  all:
    - id: loop
      phrase: [furosemide, torsemide]
    - id: old
      where: {age: {at_least: 65}}
exclude:
  any:
    - {id: dialysis, phrase: dialysis}
"""
NOTES = [
    note(
        f"n{at}",
        f"{CANARY} takes furosemide" if at < 14 else "on dialysis, and furosemide",
        patient=f"{at:03}",
        recorded=f"2020-01-{at:02}",
        attributes={"age": 60 + at},
    )
    for at in range(1, 17)
]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    store_of(
        tmp_path / "store",
        WordEncoder(dim=8),
        *NOTES,
        note("denied", "no furosemide", patient="020", attributes={"age": 90}),
        note("nobody", "furosemide"),
    ).close()
    return tmp_path / "store"


@pytest.fixture
def ask(store: Path, tmp_path: Path) -> Callable[..., Result]:
    """Return what runs a command of cohorts on the store; no message names what it must not."""
    (tmp_path / "d.yaml").write_text(DEFINITION)

    def run(command: str, *rest: object) -> Result:
        words = ["cohort", command, *map(str, rest)]
        if command != "schema":
            words += ["--store", str(store)]
        result = CliRunner().invoke(cli.app, words)
        if result.exception and not isinstance(result.exception, SystemExit | NotekinError):
            raise result.exception
        assert CANARY not in result.stderr + str(result.exception)
        return result

    return run


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def test_a_cohort_is_found_kept_shown_and_run_again(
    ask: Callable[..., Result], tmp_path: Path
) -> None:
    found = answer(ask("run", tmp_path / "d.yaml", "--json"))
    assert [one["patient_id"] for one in found["patients"]] == [f"{at:03}" for at in range(5, 14)]
    assert [(row["step"], row["rule"], row["left"]) for row in found["attrition"]] == [
        ("all", "", 17),
        ("include", "loop", 16),
        ("include", "old", 12),
        ("exclude", "dialysis", 9),
    ]
    assert found["notes_without_subject"] == 1
    (evidence,) = found["patients"][0]["criteria"][0]["evidence"]
    assert evidence == {
        "source": "s",
        "note_id": "n5",
        "encounter_id": None,
        "recorded_at": "2020-01-05T00:00:00",
        "start": len(CANARY) + 7,
        "end": len(CANARY) + 17,
        "score": 1.0,
        "assertion": "affirmed patient current",
        "standing": "counts",
    }
    assert answer(ask("show", "diuretics", "--json")) == found
    assert ask("rerun", "diuretics", "--json").stdout == ask("show", "diuretics", "--json").stdout
    assert [one["members"] for one in answer(ask("list", "--json"))["cohorts"]] == [9]


def test_people_read_how_many_are_left_and_what_shows_it(
    ask: Callable[..., Result], tmp_path: Path
) -> None:
    said = ask("run", tmp_path / "d.yaml", "-n", 1).stdout
    assert "9 patients, generation 1" in said
    assert "1 notes name no patient and take no part" in said
    assert f"{CANARY} takes furosemide" in said
    assert "and 8 more" in said
    assert "diuretics" in ask("list").stdout
    assert "9 patients" in ask("show", "diuretics").stdout


def test_a_name_is_kept_once_unless_it_is_to_be_replaced(
    ask: Callable[..., Result], tmp_path: Path
) -> None:
    assert ask("run", tmp_path / "d.yaml").exit_code == 0
    again = ask("run", tmp_path / "d.yaml")
    assert isinstance(again.exception, CohortError)
    assert ask("run", tmp_path / "d.yaml", "--name", "other").exit_code == 0
    assert ask("run", tmp_path / "d.yaml", "--replace").exit_code == 0
    assert [one["name"] for one in answer(ask("list", "--json"))["cohorts"]] == [
        "diuretics",
        "other",
    ]
    assert ask("delete", "other").exit_code == 0
    assert isinstance(ask("delete", "other").exception, NoSuchCohortError)
    assert isinstance(ask("show", "other").exception, NoSuchCohortError)
    assert isinstance(ask("run", tmp_path / "none.yaml").exception, NoSuchSourceError)


def test_a_difference_says_who_came_who_left_and_why(
    ask: Callable[..., Result], tmp_path: Path, store: Path
) -> None:
    ask("run", tmp_path / "d.yaml")
    with_folder = store_of(store, WordEncoder(dim=8))
    commit(
        with_folder,
        WordEncoder(dim=8),
        note("n5", "denies furosemide", patient="005", attributes={"age": 65}),
        note("n30", "furosemide", patient="030", attributes={"age": 70}),
    )
    with_folder.close()
    ask("rerun", "diuretics", "--name", "later")
    found = answer(ask("diff", "diuretics", "later", "--json"))
    assert (found["stayed"], [one["patient_id"] for one in found["came"]]) == (8, ["030"])
    assert found["came"][0]["why"] == "is in it by now (as of generation 2)"
    assert found["left"] == [
        {
            "patient_id": "005",
            "encounter_id": None,
            "why": "include loop: not met, 0 of 1 notes, 1 asserted otherwise",
        }
    ]
    said = ask("diff", "diuretics", "later").stdout
    assert "1 left, not in later because" in said
    masked = answer(ask("diff", "diuretics", "later", "--mask", "--json"))
    assert masked == {
        "first": "diuretics",
        "second": "later",
        "came": None,
        "left": None,
        "stayed": None,
    }


def test_two_cohorts_are_united_intersected_and_subtracted(
    ask: Callable[..., Result], tmp_path: Path
) -> None:
    ask("run", tmp_path / "d.yaml")
    (tmp_path / "e.yaml").write_text("name: few\ninclude: {where: {age: {at_most: 66}}}\n")
    ask("run", tmp_path / "e.yaml")
    expected = {
        "union": [f"{at:03}" for at in range(1, 14)],
        "intersect": ["005", "006"],
        "minus": [f"{at:03}" for at in range(7, 14)],
    }
    for command, members in expected.items():
        found = answer(ask(command, "diuretics", "few", "--name", command, "--json"))
        assert sorted(one["patient_id"] for one in found["patients"]) == members
        assert answer(ask("show", command, "--json")) == found
        assert answer(ask("rerun", command, "--json")) == found
    difference = answer(ask("diff", "union", "minus", "--json"))
    assert {one["why"] for one in difference["left"]} == {
        "in few",
        "not in diuretics: include old: not met, 0 of 1 notes",
    }
    both = answer(ask("show", "intersect", "--json"))["patients"][0]["criteria"]
    assert [one["criterion"] for one in both] == [
        "diuretics.loop",
        "diuretics.old",
        "diuretics.dialysis",
        "few.c1",
    ]


def test_a_cohort_is_exported_in_every_format(ask: Callable[..., Result], tmp_path: Path) -> None:
    ask("run", tmp_path / "d.yaml")
    files = {
        name: tmp_path / f"out.{name}" for name in ("csv", "parquet", "json", "omop", "redcap")
    }
    for name, path in files.items():
        result = ask("export", "diuretics", "--to", path, "--format", name, "--cohort-id", 7)
        assert result.exit_code == 0, result.exception
        assert path.stat().st_mode & 0o077 == 0
    rows = read_csv(files["csv"])
    assert rows[0] == {
        "rank": "1",
        "patient_id": "005",
        "encounter_id": "",
        "score": "1.0",
        "first": "2020-01-05T00:00:00",
        "last": "2020-01-05T00:00:00",
        "loop": "met",
        "loop_score": "1.0",
        "loop_count": "1",
        "old": "met",
        "old_score": "1.0",
        "old_count": "1",
        "dialysis": "no evidence",
        "dialysis_score": "0.0",
        "dialysis_count": "0",
    }
    table = pq.read_table(files["parquet"])
    assert table["patient_id"].to_pylist() == [row["patient_id"] for row in rows]
    assert table["evidence"][0].as_py()[0]["note_id"] == "n5"
    assert json.loads(files["json"].read_text()) == answer(ask("show", "diuretics", "--json"))
    assert read_csv(files["omop"])[0] == {
        "cohort_definition_id": "7",
        "subject_id": "5",
        "cohort_start_date": "2020-01-05",
        "cohort_end_date": "2020-01-05",
    }
    assert read_csv(files["redcap"])[0] == {
        "record_id": "005",
        "cohort_score": "1.0",
        "first_date": "2020-01-05",
        "last_date": "2020-01-05",
        "loop": "1",
        "old": "1",
        "dialysis": "",
    }
    before = {name: path.read_bytes() for name, path in files.items()}
    ask("rerun", "diuretics")
    for name, path in files.items():
        ask("export", "diuretics", "--to", path, "--format", name, "--cohort-id", 7)
    assert {name: path.read_bytes() for name, path in files.items()} == before


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_omop_takes_subjects_from_a_file_and_refuses_those_it_lacks(
    ask: Callable[..., Result], tmp_path: Path
) -> None:
    ask("run", tmp_path / "d.yaml")
    ids, out = tmp_path / "ids.csv", tmp_path / "out.csv"
    ids.write_text("patient_id,subject_id\n" + "".join(f"{at:03},{at + 900}\n" for at in range(99)))
    options = ("--to", out, "--format", "omop", "--subjects", ids)
    assert ask("export", "diuretics", *options).exit_code == 0
    assert read_csv(out)[0]["subject_id"] == "905"
    ids.write_text("patient_id,subject_id\n005,1\n")
    assert "8 members have none" in str(ask("export", "diuretics", *options).exception)
    ids.write_text("patient_id,subject_id\n005,x\n")
    assert "line 2" in str(ask("export", "diuretics", *options).exception)


def test_masked_answers_show_no_small_count_and_no_member(
    ask: Callable[..., Result], tmp_path: Path
) -> None:
    found = answer(ask("run", tmp_path / "d.yaml", "--mask", "--json"))
    assert "patients" not in found
    assert [(row["left"], row["lost"]) for row in found["attrition"]] == [
        (17, 0),
        (None, None),
        (None, None),
        (None, None),
    ]
    assert found["members"] is None
    assert found["notes_without_subject"] is None
    said = ask("show", "diuretics", "--mask").stdout
    assert "hidden patients" in said
    assert "005" not in said
    assert CANARY not in said
    assert answer(ask("list", "--mask", "--json"))["cohorts"][0]["members"] is None
    out = tmp_path / "out"
    refused = ask("export", "diuretics", "--to", out, "--mask")
    assert isinstance(refused.exception, CohortError)
    assert not out.exists()
    assert ask("export", "diuretics", "--to", out, "--mask", "--format", "json").exit_code == 0
    assert json.loads(out.read_text()) == found


def test_patients_like_others_are_found_without_those(
    ask: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "ids").write_text("014\n015\n\nnobody at all\n")
    found = answer(ask("similar", "--patients", tmp_path / "ids", "-k", 2, "--json"))
    assert found["unknown"] == 1
    assert found["patients"][0]["patient_id"] == "016"
    assert found["patients"][0]["note_id"] == "n16"
    assert len(found["patients"]) == 2
    assert "016" in ask("similar", "--patients", tmp_path / "ids").stdout
    (tmp_path / "ids").write_text("nobody at all\n")
    assert isinstance(ask("similar", "--patients", tmp_path / "ids").exception, CohortError)


def test_the_schema_is_printed(ask: Callable[..., Result]) -> None:
    assert "Criterion" in answer(ask("schema"))["$defs"]


def test_a_definition_that_is_none_is_refused_in_one_line(
    ask: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "d.yaml").write_text(f"name: x\ninclude: {{phrase: x, {CANARY}: y}}\n")
    refused = ask("run", tmp_path / "d.yaml")
    assert isinstance(refused.exception, CohortError)
    assert "line 2" in str(refused.exception)
