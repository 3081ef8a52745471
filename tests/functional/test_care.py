"""The commands that look after a store, as a person types them."""

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from notekin import cli
from tests.support.tiny_longformer import write_tiny_longformer


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("care")
    (folder / "notes.csv").write_text("note_id,patient_id,text\nn1,p1,chest pain\nn2,p2,fever\n")
    model = write_tiny_longformer(folder / "model")
    assert run("index", folder / "notes.csv", folder / "store", "--model", model).exit_code == 0
    return folder / "store"


def run(command: str, *rest: object) -> Result:
    """Run a command; the store is the last argument before the options."""
    words = [str(word) for word in rest]
    at = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    return CliRunner().invoke(
        cli.app, [command, *words[: at - 1], "--store", words[at - 1], *words[at:]]
    )


def is_private(folder: Path) -> bool:
    entries = [folder, *folder.rglob("*")]
    return not any(stat.S_IMODE(entry.stat().st_mode) & 0o077 for entry in entries)


def test_a_whole_store_is_said_to_be_whole(store: Path) -> None:
    assert "whole" in run("verify", store).stdout
    assert json.loads(run("verify", store, "--deep", "--json").stdout)["whole"] is True


def test_what_is_damaged_is_named_mended_and_whole_again(store: Path, tmp_path: Path) -> None:
    assert run("backup", tmp_path / "backup", store).exit_code == 0
    assert run("restore", tmp_path / "backup", tmp_path / "again").exit_code == 0
    assert is_private(tmp_path / "backup")
    (file,) = (tmp_path / "again").glob("segments/*/notes.faiss")
    file.write_bytes(file.read_bytes()[:-1] + b"\x7f")
    found = run("verify", tmp_path / "again", "--json")
    assert found.exit_code == 6
    assert json.loads(found.stdout)["problems"][0]["file"] == str(file)
    assert run("repair", tmp_path / "again").exit_code == 0
    assert run("verify", tmp_path / "again", "--deep").exit_code == 0
    assert is_private(tmp_path / "again")


def test_nobody_else_can_read_a_store_after_any_command(store: Path) -> None:
    for command in (("search", "pain"), ("show", "n1"), ("similar", "n1"), ("stats",), ("verify",)):
        assert run(*command, store).exit_code == 0
        assert is_private(store)


def test_a_file_that_others_can_read_is_a_problem(store: Path) -> None:
    (store / "catalog.sqlite").chmod(0o644)
    try:
        found = json.loads(run("verify", store, "--json").stdout)
    finally:
        (store / "catalog.sqlite").chmod(0o600)
    assert next(problem["what"] for problem in found["problems"]) == "has mode 644"
