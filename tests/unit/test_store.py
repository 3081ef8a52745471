import shutil
import sqlite3
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from notekin.errors import (
    AmbiguousNoteError,
    DamagedStoreError,
    EncoderMismatchError,
    NoSuchNoteError,
    NoSuchStoreError,
    StoreError,
    StoreFormatError,
    StoreLockedError,
    UsageError,
)
from notekin.storage import catalog as catalog_module
from notekin.storage import segments
from notekin.storage.store import StoreFolder
from notekin.storage.writing import insert_generation
from notekin.types import NoteKey, Passage
from tests.support.notes import commit, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_a_note_comes_back_to_the_letter(path: Path) -> None:
    text = "NUL \0, lone surrogate \ud800, emoji 😀, CRLF\r\n, é and é"
    given = note("n1", text, patient="p1", title="T", recorded="2020-02-03T04:05:06", author="A")
    found = store_of(path, ENCODER, given).snapshot()
    stored = found.find("n1")
    assert found.text(stored.note_key) == text
    assert (stored.patient_id, stored.title, stored.author) == ("p1", "T", "A")
    assert stored.recorded_at == given.recorded_at


@pytest.mark.parametrize(
    "value", ["x", 7, 7.5, True, ["a", "b"], "\ud800\0", 2**70, float("inf"), []]
)
def test_an_attribute_comes_back_as_given(path: Path, value: object) -> None:
    snapshot = store_of(path, ENCODER, note("n1", "text", attributes={"a": value})).snapshot()
    assert snapshot.find("n1").attributes == {"a": value}


def test_a_missing_attribute_is_left_out(path: Path) -> None:
    snapshot = store_of(path, ENCODER, note("n1", "text", attributes={"a": None})).snapshot()
    assert snapshot.find("n1").attributes == {}


def test_a_replaced_note_is_found_once_as_it_is_now(path: Path) -> None:
    folder = store_of(path, ENCODER, note("n1", "fever"), note("n2", "cough"))
    commit(folder, ENCODER, note("n1", "rash"))
    snapshot = folder.snapshot()
    assert snapshot.count().notes == 2
    assert snapshot.text(snapshot.find("n1").note_key) == "rash"
    _, keys = snapshot.nearest_notes(ENCODER.encode(["fever"]), 10)
    assert len(keys[0]) == 2


def test_a_snapshot_shows_its_generation_after_a_later_commit(path: Path) -> None:
    folder = store_of(path, ENCODER, note("n1", "fever"))
    before = folder.snapshot()
    commit(folder, ENCODER, note("n1", "rash"), note("n2", "cough"))
    assert before.count().notes == 1
    assert before.text(before.find("n1").note_key) == "fever"
    _, keys = before.nearest_notes(ENCODER.encode(["rash"]), 10)
    assert keys[0].tolist() == [before.find("n1").note_key]


def test_the_same_id_in_two_sources_is_two_notes(path: Path) -> None:
    snapshot = store_of(
        path, ENCODER, note("1", "fever", source="a"), note("1", "rash", source="b")
    ).snapshot()
    assert snapshot.text(snapshot.find("1", "b").note_key) == "rash"
    with pytest.raises(AmbiguousNoteError):
        snapshot.find("1")


def test_a_note_that_is_not_there_is_said_to_be_missing(path: Path) -> None:
    with pytest.raises(NoSuchNoteError):
        store_of(path, ENCODER, note("n1", "fever")).snapshot().find("n2")


def test_vectors_are_those_of_the_note(path: Path) -> None:
    text = "one two three four five six seven"
    snapshot = store_of(path, ENCODER, note("a", "x"), note("b", text)).snapshot()
    encoded = ENCODER.encode_notes([text])[0]
    key = snapshot.find("b").note_key
    assert np.array_equal(snapshot.note_vector(key), encoded.vector)
    assert np.array_equal(snapshot.passage_vectors(key), encoded.passage_vectors)
    found = [Passage(one.start, one.end, one.tokens) for one in snapshot.passages(key)]
    assert found == list(encoded.passages)


def test_another_encoder_is_refused(path: Path) -> None:
    store_of(path, ENCODER)
    with pytest.raises(EncoderMismatchError, match="--model words"):
        StoreFolder.open_or_create(path, WordEncoder(name="other").fingerprint)


def test_opening_where_nothing_is_says_how_to_make_a_store(path: Path) -> None:
    with pytest.raises(NoSuchStoreError, match="notekin index"):
        StoreFolder.open(path)


def test_a_store_whose_making_was_cut_short_is_made_again(path: Path) -> None:
    path.mkdir()
    (path / "catalog.sqlite").touch()
    with pytest.raises(NoSuchStoreError):
        StoreFolder.open(path)
    assert store_of(path, ENCODER, note("n1", "fever")).snapshot().count().notes == 1


def test_a_store_whose_making_fails_half_way_is_not_there(path: Path) -> None:
    with pytest.raises(Exception, match="JSON"):
        StoreFolder.open_or_create(path, ENCODER.fingerprint, {"no JSON": object()})
    with pytest.raises(NoSuchStoreError):
        StoreFolder.open(path)
    assert store_of(path, ENCODER).snapshot().generation == 0


def test_a_folder_of_other_things_is_left_alone(path: Path) -> None:
    path.mkdir()
    (path / "thesis.docx").write_text("mine")
    with pytest.raises(UsageError, match="other files"):
        store_of(path, ENCODER)
    assert [entry.name for entry in path.iterdir()] == ["thesis.docx"]


def test_a_second_writer_gets_a_clear_error_at_once(path: Path) -> None:
    folder = store_of(path, ENCODER)
    with folder.write(), pytest.raises(StoreLockedError, match="writing"):
        commit(StoreFolder.open(path), ENCODER, note("n1", "fever"))


def test_a_newer_format_is_refused(path: Path) -> None:
    store_of(path, ENCODER).close()
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        connection.execute("UPDATE settings SET value = '99' WHERE name = 'format'")
    with pytest.raises(StoreFormatError, match="99"):
        StoreFolder.open(path)


def test_a_catalog_that_is_no_database_is_said_to_be_damaged(path: Path) -> None:
    store_of(path, ENCODER).close()
    (path / "catalog.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(DamagedStoreError):
        StoreFolder.open(path)


@pytest.mark.parametrize("name", ["notes.faiss", "passages.faiss"])
@pytest.mark.parametrize("damage", ["missing", "shorter", "garbage"])
def test_a_damaged_segment_is_never_searched(path: Path, name: str, damage: str) -> None:
    store_of(path, ENCODER, note("n1", "fever")).close()
    (file,) = path.glob(f"segments/*/{name}")
    data = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes(data[:-4] if damage == "shorter" else b"\0" * len(data))
    with pytest.raises(DamagedStoreError):
        StoreFolder.open(path).snapshot().nearest_passages(ENCODER.encode(["fever"]), 1)


def test_what_a_killed_writer_left_is_swept_and_never_searched(path: Path) -> None:
    folder = store_of(path, ENCODER, note("n1", "fever"))
    (segment,) = path.glob("segments/*")
    shutil.copytree(segment, segment.with_name("orphan"))
    (path / "segments" / ".writing-1").mkdir()
    assert folder.snapshot().nearest_notes(ENCODER.encode(["x"]), 9).keys.shape == (1, 1)
    commit(folder, ENCODER, note("n2", "rash"))
    assert not list(path.glob("segments/orphan"))
    assert not list(path.glob("segments/.writing-*"))
    assert folder.snapshot().count().notes == 2


def test_a_commit_that_sql_refuses_leaves_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = store_of(path, ENCODER, note("n1", "fever"))

    def fail_at_the_end(*arguments: Any) -> None:
        insert_generation(*arguments)
        raise OSError("disk full")

    monkeypatch.setattr(catalog_module, "insert_generation", fail_at_the_end)
    with pytest.raises(OSError, match="disk full"):
        commit(folder, ENCODER, note("n1", "rash"), note("n2", "cough"))
    snapshot = folder.snapshot()
    assert snapshot.generation == 1
    assert snapshot.text(snapshot.find("n1").note_key) == "fever"
    assert len(list(path.glob("segments/*"))) == 1


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), RuntimeError("write")])
def test_a_full_disk_is_one_line_and_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    folder = store_of(path, ENCODER, note("n1", "fever"))

    def full(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(segments, "write_vectors", full)
    with pytest.raises(StoreError, match="committed before is kept"):
        commit(folder, ENCODER, note("n1", "rash"))
    monkeypatch.undo()
    assert folder.snapshot().text(folder.snapshot().find("n1").note_key) == "fever"
    commit(folder, ENCODER, note("n1", "rash"))
    assert not list(path.glob("segments/.writing-*"))


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="--store"):
        store_of(tmp_path / "file" / "store", ENCODER)


def test_a_key_is_never_used_twice(path: Path) -> None:
    folder = store_of(path, ENCODER, note("n1", "fever"))
    first = folder.snapshot().find("n1").note_key
    commit(folder, ENCODER, note("n1", "rash"))
    assert folder.snapshot().find("n1").note_key > first
    assert folder.catalog.next_note_key() == NoteKey(first + 2)


def test_only_its_owner_can_read_a_store(path: Path) -> None:
    folder = store_of(path, ENCODER, note("n1", "fever"))
    folder.close()
    for entry in [path, *path.rglob("*")]:
        mode = stat.S_IMODE(entry.stat().st_mode)
        assert mode & 0o077 == 0, f"{entry} has mode {mode:o}"


def test_an_error_of_the_database_repeats_no_fact(path: Path) -> None:
    folder = store_of(path, ENCODER)
    twice = [note("n1", "fever", patient="Zebulon"), note("n1", "rash", patient="Zebulon")]
    with pytest.raises(Exception, match="catalog") as caught:
        commit(folder, ENCODER, *twice)
    assert "Zebulon" not in str(caught.value)
    assert "n1" not in str(caught.value)
