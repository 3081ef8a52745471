"""A byte that changes on disk is found and named, and no search answers from it."""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notekin.errors import DamagedStoreError, EncoderMismatchError, StoreError
from notekin.search.finding import Finder
from notekin.search.request import Request
from notekin.storage.store import StoreFolder
from notekin.storage.verification import Verification, as_problem, verify
from tests.support.notes import commit, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder(dim=8)
CANARY = "Quackenbush"
POSITIONS = 40
STEP = 31
"""Bytes from one flip of a segment's file to the next."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "store"
    folder = store_of(
        path,
        ENCODER,
        note("n1", "chest pain for two days, worse at night", patient=CANARY, category="ED"),
        note("n2", "fever and cough", patient="p2", attributes={"ward": ["a", "b"], "age": 63}),
        note("n3", "rash after penicillin, no fever", patient="p3", title="Rash", author="A"),
    )
    commit(folder, ENCODER, note("n1", "chest pain, now gone", patient=CANARY, category="ED"))
    commit(folder, ENCODER, note("n4", "stroke on the left", patient="p4", category="Clinic"))
    folder.close()
    return path


def answers(path: Path) -> list[Any]:
    """Return all that three searches, a similar and a show say."""
    folder = StoreFolder.open(path)
    try:
        folder.check_encoder(ENCODER.fingerprint)
        snapshot = folder.snapshot()
        finder = Finder(snapshot, ENCODER)
        found = [finder.search(text, Request(4)) for text in ("fever", "chest pain", "stroke")]
        found.append(finder.search("rash", Request(2)))
        words = snapshot.lexical(["fever", "pain"])
        said = [
            words.keys.tolist(),
            words.scores.tolist(),
            snapshot.with_phrase("no fever").tolist(),
        ]
        return [[snapshot.generation], said, *(list(one) for one in found)]
    finally:
        folder.close()


def answers_or_refusal(path: Path) -> list[Any] | str:
    """Return the answers; where the store refuses, what it says."""
    try:
        return answers(path)
    except (StoreError, EncoderMismatchError) as error:
        return str(error)


def check(path: Path) -> Verification:
    try:
        folder = StoreFolder.open(path)
    except StoreError as error:
        problem = as_problem(path / "catalog.sqlite", error)
        return Verification(str(path), True, None, 0, (problem,))
    try:
        return verify(folder, deep=True)
    finally:
        folder.close()


def flip(path: Path, at: int, by: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ by]))


UNSEALED = {"generations", "rejects"}
"""When a commit was, how many it replaced, which rows were rejected: no answer depends on it."""


def dump(path: Path) -> list[str] | None:
    """Return all that the sealed tables hold; None where SQLite can't tell."""
    connection = sqlite3.connect(path)
    connection.text_factory = bytes
    try:
        names = [
            row[0].decode()
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        return [
            repr(connection.execute(f"SELECT * FROM {name}").fetchall())  # noqa: S608
            for name in names
            if name not in UNSEALED
        ]
    except (sqlite3.Error, UnicodeDecodeError):
        return None
    finally:
        connection.close()


def flips(whole: Path, number: int) -> Iterator[tuple[str, int, int]]:
    """Give (file, position, bits): of the catalog used bytes alone, of segments all."""
    dice = random.Random(7)  # noqa: S311 - not for secrets
    for file in sorted(whole.rglob("*")):
        name = str(file.relative_to(whole))
        if file.is_file() and name.startswith("segments"):
            data = file.read_bytes()
            for at in range(0, len(data), STEP):
                yield name, at, dice.choice([1, 8, 0x80, 0xFF])
    data = (whole / "catalog.sqlite").read_bytes()
    used = [at for at, byte in enumerate(data) if byte]
    for at in dice.sample(used, number):
        yield "catalog.sqlite", at, dice.choice([1, 8, 0x80, 0xFF])


def test_a_flipped_byte_is_found_and_named_and_never_answers(whole: Path, tmp_path: Path) -> None:
    expected, held = answers(whole), dump(whole / "catalog.sqlite")
    assert check(whole).whole
    outcomes = {"found": 0, "unused": 0}
    for name, at, by in flips(whole, POSITIONS):
        outcome = outcome_of(whole, tmp_path / "store", (name, at, by), expected, held)
        outcomes[outcome] += 1
    assert outcomes["found"] > POSITIONS / 2


def outcome_of(
    whole: Path, path: Path, where: tuple[str, int, int], expected: list[Any], held: Any
) -> str:
    """Flip one byte of a copy; see that answers are right or refused, and that it is found."""
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(whole, path)
    name, at, by = where
    flip(path / name, at, by)
    said = answers_or_refusal(path)
    assert CANARY not in said if isinstance(said, str) else said == expected, where
    found = check(path)
    if found.whole:
        assert dump(path / name) == held, f"not found: {where}"
        return "unused"
    told = " ".join(problem.file + problem.what for problem in found.problems)
    assert name in told or Path(name).parent.name in told, f"not named: {where}: {told}"
    assert CANARY not in told
    return "found"


def test_a_flipped_byte_in_what_a_table_says_of_itself_is_found(
    whole: Path, tmp_path: Path
) -> None:
    expected, held = answers(whole), dump(whole / "catalog.sqlite")
    data = (whole / "catalog.sqlite").read_bytes()
    outcomes = set()
    for column in (b"standing VARCHAR", b"drawn BOOLEAN", b"likeness BLOB", b"died INTEGER"):
        at = data.index(column) + 2
        for by in (1, 0xFF):
            where = ("catalog.sqlite", at, by)
            outcomes.add(outcome_of(whole, tmp_path / "store", where, expected, held))
    assert outcomes == {"found"}


@pytest.mark.parametrize("damage", ["missing", "shorter", "of another store"])
@pytest.mark.parametrize("name", ["notes.faiss", "passages.faiss"])
def test_a_segment_file_that_is_not_its_own_is_named_and_not_searched(
    whole: Path, tmp_path: Path, name: str, damage: str
) -> None:
    path = tmp_path / "store"
    shutil.copytree(whole, path)
    store_of(tmp_path / "other", ENCODER, note("n1", "another patient's note")).close()
    file = sorted(path.glob(f"segments/*/{name}"))[0]
    (other,) = (tmp_path / "other").glob(f"segments/*/{name}")
    kept = file.read_bytes()
    file.unlink()
    if damage == "of another store":
        shutil.copy(other, file)
    elif damage == "shorter":
        file.write_bytes(kept[:-1])
    with pytest.raises(DamagedStoreError, match=name):
        answers(path)
    assert [problem for problem in check(path).problems if name in problem.file]


def test_a_catalog_of_another_store_is_refused_and_found(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "store"
    shutil.copytree(whole, path)
    store_of(tmp_path / "other", ENCODER, note("n1", "another patient's note")).close()
    shutil.copy(tmp_path / "other/catalog.sqlite", path / "catalog.sqlite")
    with pytest.raises(DamagedStoreError):
        answers(path)
    assert not check(path).whole


def test_a_row_of_another_store_is_refused(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "store"
    shutil.copytree(whole, path)
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        connection.execute("UPDATE settings SET value = '\"another\"' WHERE name = 'store_id'")
    with pytest.raises(DamagedStoreError, match="facts"):
        answers(path)


def test_a_file_that_is_no_part_of_a_store_is_named(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "store"
    shutil.copytree(whole, path)
    (path / "thesis.docx").touch(mode=0o600)
    assert [problem.file for problem in check(path).problems] == [str(path / "thesis.docx")]
