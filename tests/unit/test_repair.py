"""Repair makes damaged vectors again from the text, and guesses nothing."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from notekin import api
from notekin.errors import DamagedStoreError
from notekin.storage import repairing
from notekin.storage.oracle import OracleStore
from notekin.storage.store import StoreFolder
from tests.support.agreement import hold_the_same
from tests.support.make_golden import ENCODER, answers, make
from tests.support.operations import make_all_small, seed
from tests.support.words import WordEncoder


@pytest.fixture
def made(tmp_path: Path) -> Path:
    make(tmp_path / "made")
    return tmp_path / "made/store"


def damage(path: Path, how: str) -> None:
    file = sorted(path.glob("segments/*/passages.faiss"))[0]
    if how == "missing":
        shutil.rmtree(file.parent)
    else:
        file.write_bytes(file.read_bytes()[:-1] + b"\x7f")


@pytest.mark.parametrize("how", ["missing", "flipped"])
def test_a_repaired_store_answers_as_before(made: Path, how: str) -> None:
    expected = answers(StoreFolder.open(made))
    damage(made, how)
    with api.open(made, encoder=ENCODER) as store:
        assert not store.verify().whole
        done = store.repair()
        assert (done.segments, done.generation) == (1, 3)
        assert store.verify(deep=True).problems == ()
    assert answers(StoreFolder.open(made)) == expected | {"generation": 3}
    assert len(list(made.glob("segments/*"))) == 2


def test_a_whole_store_is_left_as_it_is(made: Path) -> None:
    with api.open(made, encoder=ENCODER) as store:
        assert store.repair().generation is None
        assert store.stats().generation == 2


def test_a_repair_that_fails_changes_nothing(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damage(made, "flipped")
    before = sorted(str(path) for path in made.glob("segments/*"))

    def fail(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(repairing, "_replace", fail)
    with api.open(made, encoder=ENCODER) as store, pytest.raises(KeyboardInterrupt):
        store.repair()
    assert sorted(str(path) for path in made.glob("segments/*")) == before


def test_a_note_whose_text_is_damaged_is_not_guessed(made: Path) -> None:
    for folder in made.glob("segments/*"):
        shutil.rmtree(folder)
    with sqlite3.connect(made / "catalog.sqlite") as connection:
        connection.execute("UPDATE note_texts SET text = x'41' WHERE note_key = 2")
    with api.open(made, encoder=ENCODER) as store:
        with pytest.raises(DamagedStoreError, match="1 notes"):
            store.repair()
        assert store.verify().generation == 2


@pytest.fixture
def indexed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, OracleStore]:
    """Return a store whose segments hold every kind of file, and what it holds."""
    make_all_small(monkeypatch.setattr)
    return tmp_path / "store", seed(tmp_path / "store")


@pytest.mark.parametrize("damage", ["flipped", "missing"])
@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("notes.faiss", True),
        ("passages.faiss", True),
        ("passages.ann.faiss", False),
        ("notes.words", False),
    ],
)
def test_any_damaged_file_is_made_again_and_no_more_is_encoded_than_must_be(
    indexed: tuple[Path, OracleStore], name: str, encoded: bool, damage: str
) -> None:
    path, oracle = indexed
    file = sorted(path.glob(f"segments/*/{name}"))[0]
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 8
    file.unlink()
    if damage == "flipped":
        file.touch(0o600)
        file.write_bytes(data)
    encoder = WordEncoder(dim=8)
    with api.open(path, encoder=encoder) as store:
        assert name in " ".join(problem.file for problem in store.verify().problems)
        assert store.repair().segments == 1
        assert store.verify(deep=True).problems == ()
    assert (encoder.notes_encoded > 0) == encoded
    hold_the_same(StoreFolder.open(path).snapshot(), oracle.snapshot())
