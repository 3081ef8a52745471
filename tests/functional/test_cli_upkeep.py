"""delete, compact, purge and --wait from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import notekin
from notekin import cli
from notekin.errors import (
    NoneFoundError,
    NoSuchSourceError,
    NotekinError,
    StoreLockedError,
    UsageError,
)
from notekin.storage.store import StoreFolder
from tests.support.bytes import found_in
from tests.support.notes import CANARY, note, store_of
from tests.support.words import WordEncoder

IDS = ("id-4711", "id-4712", "patient-0815", "patient-0816")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    store_of(
        tmp_path / "store",
        WordEncoder(),
        note("id-4711", f"{CANARY} fever", patient="patient-0815"),
        note("id-4712", "rash", patient="patient-0815"),
        note("id-4713", "cough", patient="patient-0816"),
        note("id-4714", "itch", patient="patient-0817"),
    ).close()
    return tmp_path / "store"


def run(*arguments: object, answer: str | None = None) -> Result:
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments], input=answer)
    if result.exception and not isinstance(result.exception, SystemExit | NotekinError):
        raise result.exception
    said = result.output + result.stderr + str(result.exception)
    assert [name for name in (*IDS, CANARY) if name in said] == []
    return result


def answer(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def left(store: Path) -> int:
    with notekin.open(store, encoder=WordEncoder()) as opened:
        return opened.stats().notes


def test_notes_and_patients_are_deleted_and_counted(store: Path) -> None:
    ids = ["--note", "id-4713", "--note", "none", "--patient", "patient-0815"]
    done = answer("delete", "--store", store, "--yes", *ids)
    assert done == {"deleted": 3, "notes_not_found": 1, "patients_not_found": 0, "generation": 2}
    assert left(store) == 1


def test_ids_come_from_files(store: Path, tmp_path: Path) -> None:
    notes, patients = tmp_path / "notes.txt", tmp_path / "patients.txt"
    notes.write_text("\ufeffid-4711\r\n\nid-4712\n", encoding="utf-8")
    patients.write_text("patient-0816")
    done = answer("delete", "--store", store, "--yes", "--from", notes, "--patients-from", patients)
    assert (done["deleted"], done["notes_not_found"]) == (3, 0)


def test_a_file_of_ids_that_is_not_there_is_said_to_be_missing(store: Path) -> None:
    missing = run("delete", "--store", store, "--yes", "--from", store / "no")
    assert isinstance(missing.exception, NoSuchSourceError)


@pytest.mark.parametrize(("said", "notes"), [("y\n", 3), ("n\n", 4), ("", 4)])
def test_nothing_is_deleted_before_a_yes(store: Path, said: str, notes: int) -> None:
    result = run("delete", "--store", store, "--note", "id-4711", answer=said)
    assert "1 note ids and 0 patient ids" in result.stderr
    assert isinstance(result.exception, UsageError) == (notes == 4)
    assert left(store) == notes


def test_ids_that_are_all_unknown_are_not_found(store: Path) -> None:
    result = run("delete", "--store", store, "--yes", "--note", "x", "--patient", "y")
    assert isinstance(result.exception, NoneFoundError)
    assert result.exception.exit_code == 3
    assert "none of the 2 ids" in str(result.exception)


def test_no_ids_at_all_are_a_mistake(store: Path) -> None:
    assert isinstance(run("delete", "--store", store, "--yes").exception, UsageError)


def test_only_the_named_source_loses_a_note(store: Path) -> None:
    result = run("delete", "--store", store, "--yes", "--note", "id-4711", "--source", "other")
    assert isinstance(result.exception, NoneFoundError)
    assert run(
        "delete", "--store", store, "--yes", "--note", "id-4711", "--source", "s"
    ).stdout.startswith("1 notes deleted")


def test_delete_compact_and_purge_leave_no_byte(store: Path) -> None:
    trace = {CANARY: CANARY.encode(), "id-4711": b"id-4711"}
    run("delete", "--store", store, "--yes", "--note", "id-4711")
    done = answer("compact", "--store", store)
    assert (done["segments_before"], done["segments_after"]) == (1, 1)
    assert found_in(store, trace) == set(trace)
    assert "1 dead notes removed" in run("purge", "--store", store).stdout
    assert found_in(store, trace) == set()
    assert answer("purge", "--store", store)["notes"] == 0


def test_stats_say_what_is_kept(store: Path) -> None:
    run("delete", "--store", store, "--yes", "--note", "id-4711")
    counted = answer("stats", "--store", store)
    assert (counted["generations"], counted["segments"], counted["dead_notes"]) == (2, 1, 1)
    assert 0 < counted["segments_bytes"] < counted["size_bytes"]
    assert "1 replaced or deleted" in run("stats", "--store", store).stdout


@pytest.mark.parametrize("command", ["delete", "compact", "purge"])
def test_a_second_writer_fails_at_once_or_waits(store: Path, command: str) -> None:
    more = ["--yes", "--note", "id-4711"] if command == "delete" else []
    with StoreFolder.open(store).write():
        for wait in ([], ["--wait", "0.01"]):
            locked = run(command, "--store", store, *more, *wait)
            assert isinstance(locked.exception, StoreLockedError)
    assert run(command, "--wait", "--store", store, *more).exit_code == 0


def test_purge_cuts_into_an_answer_and_the_store_asks_again(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from notekin.search.finding import Finder

    search, cuts = Finder.search, ["none", "purge"]

    def cut_in(finder: Any, text: str, *more: Any) -> Any:
        if cuts.pop() == "purge":
            run("delete", "--store", store, "--yes", "--note", "id-4714")
            run("purge", "--store", store)
        return search(finder, text, *more)

    monkeypatch.setattr(Finder, "search", cut_in)
    with notekin.open(store, encoder=WordEncoder()) as opened:
        found = opened.search("itch", k=9)
    assert {hit.note_id for hit in found} == {"id-4711", "id-4712", "id-4713"}
    assert cuts == []
