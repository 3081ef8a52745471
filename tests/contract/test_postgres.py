"""What only a catalog in PostgreSQL has to answer for: servers, passwords, lost lines."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, text, update

from notekin.errors import (
    DamagedStoreError,
    NoSuchStoreError,
    StoreError,
    StoreLockedError,
    UsageError,
)
from notekin.storage import catalog as catalog_module
from notekin.storage import postgres as postgres_module
from notekin.storage.catalog import Catalog
from notekin.storage.conditions import AllOf
from notekin.storage.location import ServerUrl
from notekin.storage.records import NewNote
from notekin.storage.schema import FORMAT, Base, SegmentRow, SettingRow
from notekin.storage.segments import WORDS_FILE
from notekin.storage.snapshot import Snapshot
from notekin.storage.store import StoreFolder
from notekin.storage.verification import verify
from notekin.storage.writing import insert_generation
from notekin.types import NoteKey
from tests.support.cutting_proxy import cutting_proxy
from tests.support.notes import commit, note, store_of
from tests.support.postgres import PASSWORD, TestServer
from tests.support.words import WordEncoder

ENCODER = WordEncoder()
ROOT = Path(__file__).parents[2]

READING = """
import sys
from pathlib import Path
from notekin.storage.store import StoreFolder
from tests.contract.test_postgres import LAST, read_whole

folder, seen = StoreFolder.open(Path(sys.argv[1])), []
while not seen or seen[-1] < LAST:
    seen.append(read_whole(folder.snapshot()))
    if len(seen) == 1:
        print("reading", flush=True)
assert seen == sorted(seen)
print(len(set(seen)))
"""
LAST = 12
"""The generation at which the readers of the shared folder stop."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)


def at(url: str) -> ServerUrl:
    return ServerUrl.parse(url)


def read_whole(snapshot: Snapshot) -> int:
    """Check that a snapshot is of one generation, SQL and vectors; return its number."""
    keys = [NoteKey(key) for key in snapshot.select(AllOf(())).tolist()]
    found = snapshot.nearest_notes(ENCODER.encode(["day"]), 1000).keys[0]
    assert sorted(found.tolist()) == keys
    for one in snapshot.notes(keys):
        text = snapshot.text(one.note_key)
        assert np.array_equal(snapshot.note_vector(one.note_key), ENCODER.encode([text])[0])
        assert text.endswith(f"day {len(keys) - 1}") == (one.note_id == "changing")
    return snapshot.generation


def day(number: int) -> list[Any]:
    return [note("changing", f"ward on day {number}"), note(f"n{number}", f"cough {number}")]


def segments(path: Path) -> int:
    return len(list(path.glob("segments/*")))


def test_the_folder_names_the_catalog_and_no_password(
    path: Path, postgres: TestServer, password: None
) -> None:
    store_of(path, ENCODER, note("n1", "fever"), server=at(postgres.schema_url())).close()
    file = path / "catalog.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PASSWORD not in file.read_text()
    assert sorted(entry.name for entry in path.iterdir()) == [
        "catalog.json",
        "segments",
        "writer.lock",
    ]
    assert StoreFolder.open(path).snapshot().find("n1").note_id == "n1"


def test_several_stores_lie_in_one_database(tmp_path: Path, postgres: TestServer) -> None:
    folders = [
        store_of(
            tmp_path / f"s{n}", ENCODER, note("n1", f"text {n}"), server=at(postgres.schema_url())
        )
        for n in range(2)
    ]
    with folders[0].write():  # one store's writer does not hinder another's
        commit(folders[1], ENCODER, note("n2", "more"))
    texts = [one.snapshot().text(one.snapshot().find("n1").note_key) for one in folders]
    assert texts == ["text 0", "text 1"]
    assert [one.generation() for one in folders] == [1, 2]


def test_a_schema_that_holds_a_store_is_not_given_to_another(
    tmp_path: Path, postgres: TestServer
) -> None:
    url = postgres.schema_url()
    mine = store_of(tmp_path / "mine", ENCODER, note("n1", "fever"), server=at(url))
    with pytest.raises(StoreError, match="holds another store") as caught:
        store_of(tmp_path / "other", ENCODER, server=at(url))
    assert_one_line_without_credentials(caught.value)
    assert mine.snapshot().count().notes == 1
    with pytest.raises(NoSuchStoreError):
        StoreFolder.open(tmp_path / "other")


def test_a_folder_that_points_at_another_stores_database_is_refused(
    tmp_path: Path, postgres: TestServer, password: None
) -> None:
    urls = [postgres.schema_url(), postgres.schema_url()]
    for n, url in enumerate(urls):
        store_of(tmp_path / f"s{n}", ENCODER, note("n1", "fever"), server=at(url)).close()
    with pytest.raises(StoreError, match="holds another store"):
        StoreFolder.open(tmp_path / "s0", at(urls[1]))
    file = tmp_path / "s0" / "catalog.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"catalog": urls[1]}))
    with pytest.raises(StoreError, match="holds another store") as caught:
        StoreFolder.open(tmp_path / "s0")
    assert_one_line_without_credentials(caught.value)


def test_an_empty_database_in_place_of_the_stores_own_costs_no_segment(
    path: Path, postgres: TestServer
) -> None:
    store_of(path, ENCODER, note("n1", "fever"), server=at(postgres.schema_url())).close()
    wrong = at(postgres.schema_url())
    with pytest.raises(StoreError, match="is empty"):
        StoreFolder.open(path, wrong)
    with pytest.raises(StoreError, match="is empty"):
        store_of(path, ENCODER, note("n2", "rash"), server=wrong)
    assert segments(path) == 1


def test_a_store_cut_short_before_its_tables_is_made_at_the_place_it_names(
    path: Path, postgres: TestServer, password: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_arguments: object) -> None:
        raise KeyboardInterrupt

    server = at(postgres.schema_url())
    with monkeypatch.context() as patched:
        patched.setattr(Catalog, "_make", die)
        with pytest.raises(KeyboardInterrupt):
            store_of(path, ENCODER, server=server)
    with pytest.raises(NoSuchStoreError):
        StoreFolder.open(path)
    assert store_of(path, ENCODER, note("n1", "fever")).snapshot().count().notes == 1
    assert not (path / "catalog.sqlite").exists()


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"catalog": "mysql://x/y", "store_id": "1"}'])
def test_a_damaged_location_is_said_to_be_damaged(path: Path, damage: str) -> None:
    path.mkdir()
    (path / "catalog.json").write_text(damage)
    with pytest.raises(DamagedStoreError, match=r"catalog\.json"):
        StoreFolder.open(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace(PASSWORD, "wrong-and-secret"),
        lambda url: url.replace("notekin:", "nobody-known:"),
        lambda url: url.replace("/postgres?", "/no_such_database?"),
        lambda url: re.sub(r"127.0.0.1:\d+", "127.0.0.1:1", url),
    ],
    ids=["password", "user", "database", "port"],
)
def test_a_server_that_lets_nobody_in_is_one_line_without_credentials(
    path: Path, postgres: TestServer, change: Callable[[str], str]
) -> None:
    url = change(postgres.schema_url())
    with pytest.raises(StoreError, match=r"The catalog at|for the catalog at") as caught:
        store_of(path, ENCODER, server=at(url))
    assert_one_line_without_credentials(caught.value)
    assert not (path / "catalog.json").exists()


def test_a_missing_driver_is_one_line(
    path: Path, postgres: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_module, "find_spec", lambda _name: None)
    with pytest.raises(StoreError, match=r"pip install 'notekin\[postgres\]'") as caught:
        store_of(path, ENCODER, server=at(postgres.schema_url()))
    assert_one_line_without_credentials(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://u:secret@h",
        "mysql://u:secret@h/db",
        "u:secret@h/db",
        "postgresql+psycopg://u:secret@h:port/db",
        "postgresql+psycopg://u@h/db?password=secret",
        "postgresql+psycopg://u:secret@h/db?schema=a;drop",
        "postgresql+psycopg://u:secret@h/db?schema=a&schema=b",
    ],
)
def test_a_url_that_names_no_catalog_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        ServerUrl.parse(url)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_password_with_odd_characters_and_options_survive_the_way_to_the_file() -> None:
    text = "postgresql+psycopg://us%40er:p%2Fw@h:5433/db?sslmode=verify-full&schema=ward7"
    server = at(text)
    assert (server.url.password, server.schema) == ("p/w", "ward7")
    assert "p/w" not in repr(server)
    again = at(str(server))
    assert again.url == server.url._replace(password=None)
    assert again.schema == "ward7"


def test_who_loses_the_connection_loses_the_lock_and_can_commit_no_more(
    path: Path, postgres: TestServer
) -> None:
    url = postgres.schema_url()
    first = store_of(path, ENCODER, note("n1", "fever"), server=at(url))
    second = StoreFolder.open(path, at(url))
    with first.write() as writer:
        with pytest.raises(StoreLockedError):
            _enter(second)
        (session,) = postgres.run("SELECT pid FROM pg_locks WHERE locktype = 'advisory'")
        postgres.run(f"SELECT pg_terminate_backend({session[0]}, 10000)")
        with second.catalog.exclusive(path):
            encoded = ENCODER.encode_notes(["rash"])
            for _ in range(2):
                with pytest.raises(StoreError, match="was lost") as caught:
                    writer.commit([NewNote(note("n2", "rash"), encoded[0], b"")])
                assert_one_line_without_credentials(caught.value)
    assert first.snapshot().count().notes == 1
    commit(first, ENCODER, note("n2", "rash"))
    assert (first.snapshot().count().notes, segments(path)) == (2, 2)


@pytest.mark.parametrize("delivered", [True, False])
def test_a_line_that_breaks_in_a_commit_leaves_all_of_it_or_nothing(
    path: Path, postgres: TestServer, delivered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.schema_url()
    with cutting_proxy(postgres.port) as proxy:
        proxy.delivers = delivered
        there = at(url.replace(str(postgres.port), str(proxy.port)))
        folder = store_of(path, ENCODER, note("n1", "fever"), server=there)

        def arm(*arguments: Any) -> Any:
            proxy.armed = True
            return insert_generation(*arguments)

        with monkeypatch.context() as patched:
            patched.setattr(catalog_module, "insert_generation", arm)
            _commit_over_a_breaking_line(folder, delivered)
        assert not proxy.armed, "no commit was cut"
    after = StoreFolder.open(path, at(url))
    snapshot = after.snapshot()
    assert snapshot.text(snapshot.find("n1").note_key) == ("rash" if delivered else "fever")
    assert snapshot.generation == (2 if delivered else 1)
    commit(after, ENCODER, note("n2", "cough"))
    assert segments(path) == (3 if delivered else 2)


def test_readers_elsewhere_see_whole_generations_while_a_writer_commits(
    path: Path, postgres: TestServer, password: None
) -> None:
    folder = store_of(path, ENCODER, *day(1), server=at(postgres.schema_url()))
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READING, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for _ in range(2)
    ]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
    for number in range(2, LAST + 1):
        assert commit(folder, ENCODER, *day(number)) >= number  # merges are generations, too
    for reader in readers:
        seen, _ = reader.communicate(timeout=60)
        assert reader.returncode == 0
        assert int(seen) > 1


def test_a_store_of_an_older_format_is_migrated_as_one_in_a_folder_is(
    path: Path, postgres: TestServer
) -> None:
    url = postgres.schema_url()
    said = "HISTORY:\nfever since monday, chills\nPLAN:\nblood cultures, fever chart"
    store = store_of(path, ENCODER, note("n1", said, patient="p"), server=at(url))
    commit(store, ENCODER, note("n2", said, patient="p"), note("n3", "no fever"))
    commit(store, ENCODER, note("n3", "rash"))
    expected = words_and_passages(store)
    make_format_2(store)
    with pytest.raises(DamagedStoreError):
        store.snapshot().lexical(["fever"])
    store.close()
    again = StoreFolder.open(path, at(url))
    assert again.catalog.format() == FORMAT
    assert words_and_passages(again) == expected
    assert verify(again, deep=True).problems == ()
    assert len(list(path.glob("segments/*"))) == len(list(path.glob("segments/*/notes.words"))) == 3


def words_and_passages(store: StoreFolder) -> list[object]:
    """Return what format 3 added, as a store answers it."""
    snapshot = store.snapshot()
    keys = [NoteKey(key) for key in snapshot.select(AllOf(())).tolist()]
    found = snapshot.lexical(["fever", "cultur"])
    return [found.keys.tolist(), found.scores.tolist(), *map(snapshot.passages, keys)]


def make_format_2(store: StoreFolder) -> None:
    """Take out of a store what came later; checksums stay, for the same values come back."""
    with store.catalog.transaction() as connection:
        for name in [name for name in Base.metadata.tables if name.startswith("cohort")]:
            connection.execute(text(f"DROP TABLE {name} CASCADE"))
        for column in ("section", "family", "likeness"):
            connection.execute(text(f"ALTER TABLE passages DROP COLUMN {column}"))
        connection.execute(update(SettingRow).where(SettingRow.name == "format").values(value=2))
        for row in connection.execute(select(SegmentRow.name, SegmentRow.files)).all():
            (store.path / "segments" / row.name / WORDS_FILE).unlink()
            files = {name: facts for name, facts in row.files.items() if name != WORDS_FILE}
            named = update(SegmentRow).where(SegmentRow.name == row.name)
            connection.execute(named.values(files=files))
    store._open_segments.clear()


def assert_one_line_without_credentials(error: Exception) -> None:
    said = str(error)
    assert "\n" not in said
    for word in (PASSWORD, "secret", "notekin:", "nobody-known", "@"):
        assert word not in said
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None


def _commit_over_a_breaking_line(folder: StoreFolder, delivered: bool) -> None:
    if delivered:
        assert commit(folder, ENCODER, note("n1", "rash")) == 2
        return
    with pytest.raises(StoreError, match="was lost"):
        commit(folder, ENCODER, note("n1", "rash"))


def _enter(folder: StoreFolder) -> None:
    with folder.catalog.exclusive(folder.path):
        raise AssertionError("two writers hold the lock")
