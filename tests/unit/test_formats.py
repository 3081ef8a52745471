"""A store of every released format opens as one of this; killed on the way, it still does."""

import json
import shutil
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import ClauseElement, Table, event
from sqlalchemy.sql import visitors

from notekin.errors import StoreError, StoreLockedError
from notekin.storage import migrations
from notekin.storage.catalog import Catalog
from notekin.storage.migrations import steps
from notekin.storage.schema import FORMAT, Base
from notekin.storage.store import StoreFolder
from notekin.storage.upgrade import KEPT_BESIDE, upgrade
from notekin.storage.verification import verify
from tests.support.make_golden import ENCODER, answers
from tests.support.notes import commit, note, store_of

GOLDEN = sorted((Path(__file__).parents[1] / "data/golden").glob("format-*"))


def golden(number: int, to: Path) -> Path:
    """Copy a golden store, private as a store is; return its folder."""
    path = to / "store"
    shutil.copytree(Path(__file__).parents[1] / f"data/golden/format-{number}/store", path)
    for entry in [path, *path.rglob("*")]:
        entry.chmod(0o700 if entry.is_dir() else 0o600)
    return path


def format_of(path: Path) -> int:
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        found = connection.execute("SELECT value FROM settings WHERE name = 'format'").fetchone()
    return int(found[0])


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_a_store_of_each_format_answers_as_it_did(folder: Path, tmp_path: Path) -> None:
    path = golden(int(folder.name.removeprefix("format-")), tmp_path)
    store = StoreFolder.open(path)
    assert answers(store) == json.loads((folder / "expected.json").read_text())
    assert format_of(path) == FORMAT
    snapshot = store.snapshot()
    found = snapshot.notes(snapshot.lexical(["fever"]).keys.tolist())
    assert [one.note_id for one in found] == ["n2", "n3", "n1"]
    assert [part.family is None for one in found for part in snapshot.passages(one.note_key)] == [
        False
    ] * sum(len(snapshot.passages(one.note_key)) for one in found)
    assert len(list(path.glob("segments/*"))) == len(list(path.glob("segments/*/notes.words")))
    assert verify(store, deep=True).problems == ()
    commit(store, ENCODER, note("n9", "stroke"))
    assert store.snapshot().count().notes == 5
    store.close()
    assert not (path / KEPT_BESIDE).exists()
    for entry in [path, *path.rglob("*")]:
        assert stat.S_IMODE(entry.stat().st_mode) & 0o077 == 0


def test_there_is_a_golden_store_of_every_format_but_the_newest() -> None:
    kept = {int(folder.name.removeprefix("format-")) for folder in GOLDEN}
    assert kept >= set(range(1, FORMAT))


def test_the_migrations_lead_to_the_newest_format_one_by_one() -> None:
    assert [int(step.revision) for step in steps(1)] == list(range(2, FORMAT + 1))


def test_migrated_tables_are_those_of_a_new_store(tmp_path: Path) -> None:
    migrated = StoreFolder.open(golden(1, tmp_path))
    new = store_of(tmp_path / "new", ENCODER)
    assert shape(tmp_path / "store") == shape(tmp_path / "new")
    for store in (migrated, new):
        with store.catalog.engine.connect() as connection:
            options = {"compare_type": True, "include_object": belongs_to_sqlite}
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, Base.metadata) == []
        store.close()


def test_a_migration_names_no_table_as_it_is_today(tmp_path: Path) -> None:
    catalog = Catalog.open(golden(1, tmp_path))
    assert catalog is not None
    named: set[str] = set()

    def see(_connection: object, statement: Any, *_more: object) -> None:
        if isinstance(statement, ClauseElement):
            tables = [part for part in visitors.iterate(statement) if isinstance(part, Table)]
            named.update(table.name for table in tables if table.metadata is Base.metadata)

    event.listen(catalog.engine, "before_execute", see)
    upgrade(catalog, tmp_path / "store")
    catalog.close()
    assert named == {"settings"}  # which says how old a store is, and must stay as it is


@pytest.mark.parametrize("notes_a_page", [1, 2, 500])
def test_a_migration_finds_copies_on_whatever_page_the_first_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notes_a_page: int
) -> None:
    path = golden(2, tmp_path)
    text = b"seen by cardiology today feels well"
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        connection.execute("DELETE FROM passages WHERE passage_key % 1048576 > 0")
        connection.execute("UPDATE passages SET start = 0, end = ?", [len(text)])
        connection.execute("UPDATE note_texts SET text = ?", [text])
        connection.execute("UPDATE notes SET patient_id = 'p' || (note_key % 2)")

    def paged(since: int) -> list[Any]:
        found: list[Any] = steps(since)
        found[0].module._NOTES_A_PAGE = notes_a_page
        return found

    monkeypatch.setattr(migrations, "steps", paged)
    StoreFolder.open(path).close()
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        found = connection.execute(
            "SELECT patient_id, count(*), count(DISTINCT family), min(family), min(passage_key) "
            "FROM passages JOIN notes USING (note_key) WHERE died IS NULL GROUP BY 1"
        ).fetchall()
    assert len(found) == 2
    for _patient, passages, families, family, first in found:
        assert passages > 1
        assert (families, family) == (1, first)


def belongs_to_sqlite(what: Any, name: str, *_: object) -> bool:
    return name != "ix_attribute_values_text"  # PostgreSQL's alone


def shape(path: Path) -> dict[str, Any]:
    """Return every column and index of a catalog, as SQLite itself sees them."""
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        names = [
            row[0]
            for row in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            )
        ]
        columns = {
            name: sorted(row[1:] for row in connection.execute(f"PRAGMA table_info({name})"))
            for name in names
        }
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name"
        ).fetchall()
        return {"columns": columns, "indexes": indexes}


class Killed(BaseException):
    """Stands for the process's end."""


def test_killed_at_any_statement_of_a_migration_it_opens_as_before(tmp_path: Path) -> None:
    expected = json.loads((GOLDEN[0] / "expected.json").read_text())
    statements = count_statements(golden(1, tmp_path / "counted"))
    assert statements > 5
    for number in range(statements):
        path = golden(1, tmp_path / str(number))
        with pytest.raises(Killed):
            upgrade_until(path, number)
        assert format_of(path) == 1, f"statement {number} left a half"
        store = StoreFolder.open(path)
        assert answers(store) == expected
        store.close()
        assert not (path / KEPT_BESIDE).exists()


def count_statements(path: Path) -> int:
    """Return how many statements the migration of a store makes."""
    return upgrade_until(path, None)


def upgrade_until(path: Path, last: int | None) -> int:
    """Upgrade a store, dying at statement number ``last``; return how many there were."""
    catalog = Catalog.open(path)
    assert catalog is not None
    seen = 0

    def die(*_arguments: object) -> None:
        nonlocal seen
        if seen == last:
            raise Killed
        seen += 1

    event.listen(catalog.engine, "before_cursor_execute", die)
    try:
        upgrade(catalog, path)
    finally:
        catalog.close()
    return seen


def test_a_store_whose_folder_cannot_be_written_says_so_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = golden(1, tmp_path)

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("notekin.storage.upgrade.copy_catalog", full)
    with pytest.raises(StoreError, match="Nothing was changed"):
        StoreFolder.open(path)
    assert format_of(path) == 1


def test_an_old_store_that_another_process_writes_to_is_left_to_it(tmp_path: Path) -> None:
    path = golden(1, tmp_path)
    with store_lock(path), pytest.raises(StoreLockedError):
        StoreFolder.open(path)
    assert format_of(path) == 1


def store_lock(path: Path) -> Any:
    from filelock import FileLock

    return FileLock(path / "writer.lock")
