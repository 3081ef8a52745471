"""Delete, compact, merge and purge: what is gone is gone, and what stays is as it was."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from sqlalchemy import event

from notekin.errors import (
    AmbiguousNoteError,
    DamagedStoreError,
    PurgeUnfinishedError,
    StaleSnapshotError,
    StoreError,
    StoreLockedError,
)
from notekin.storage import compaction, held_notes, housekeeping, reading, vector_file
from notekin.storage.catalog import Catalog
from notekin.storage.compaction import CompactReport
from notekin.storage.deleting import Condemned, DeleteReport
from notekin.storage.purging import PurgeReport
from notekin.storage.segments import Segment, SegmentRecord, remove_segment, write_arrays
from notekin.storage.store import StoreFolder
from notekin.storage.tiers import FAN_IN
from notekin.types import NoteKey
from tests.support.bytes import found_in, traces
from tests.support.notes import commit, encoded, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder()
HIDDEN = "Quackenbush zebulonitis xylophonic kindless qwertzuiop asdfghjkl yxcvbnmoid"
TRACES = traces(ENCODER, HIDDEN, "note-id-4711", "patient-id-0815")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


def delete(folder: StoreFolder, *notes: str, **more: str | list[str]) -> DeleteReport:
    patients, source = more.get("patients", []), more.get("source")
    assert source is None or isinstance(source, str)
    with folder.write() as writer:
        return writer.delete(Condemned.of(notes, patients, source))


def compact(folder: StoreFolder) -> CompactReport:
    with folder.write() as writer:
        return writer.compact()


def purge(folder: StoreFolder, readers_wait_s: float = 0.1) -> PurgeReport:
    with folder.write() as writer:
        return writer.purge(readers_wait_s)


def ids(folder: StoreFolder) -> set[str]:
    """Return the ids of all notes that a search over everything finds."""
    snapshot = folder.snapshot()
    by_note = snapshot.nearest_notes(ENCODER.encode(["x"]), 10_000).keys[0]
    by_passage = snapshot.nearest_passages(ENCODER.encode(["x"]), 10_000).keys[0] >> 20
    assert set(by_note.tolist()) == set(by_passage.tolist())
    return {one.note_id for one in snapshot.notes([NoteKey(key) for key in by_note.tolist()])}


def segments(path: Path) -> list[Path]:
    return sorted(path.glob("segments/*"))


def with_secret(path: Path) -> StoreFolder:
    """Return a store that holds the secret note between others."""
    secret = note(
        "note-id-4711", HIDDEN, patient="patient-id-0815", attributes={"a": "zebulonitis"}
    )
    folder = store_of(path, ENCODER, note("n1", "fever"), secret, note("n2", "rash of arms"))
    commit(folder, ENCODER, note("n3", "cough"))
    return folder


def test_a_deleted_note_is_never_found(path: Path) -> None:
    folder = store_of(path, ENCODER, note("n1", "fever"), note("n2", "rash"), note("n3", "cough"))
    assert delete(folder, "n2", "n9") == DeleteReport(1, 1, 0, 2)
    assert ids(folder) == {"n1", "n3"}
    assert ids(StoreFolder.open(path)) == {"n1", "n3"}
    assert folder.snapshot().count().notes == 2


def test_a_patients_notes_are_deleted_in_every_source(path: Path) -> None:
    folder = store_of(
        path,
        ENCODER,
        note("n1", "fever", patient="p1", source="a"),
        note("n2", "rash", patient="p1", source="b"),
        note("n3", "cough", patient="p2", source="b"),
    )
    assert delete(folder, patients=["p1", "p7"]) == DeleteReport(2, 0, 1, 2)
    assert ids(folder) == {"n3"}


def test_a_note_asked_for_by_its_id_and_its_patient_counts_once(path: Path) -> None:
    folder = store_of(path, ENCODER, note("n1", "fever", patient="p1"))
    assert delete(folder, "n1", patients=["p1"]) == DeleteReport(1, 0, 0, 2)


def test_an_id_of_two_sources_is_deleted_only_where_the_source_is_named(path: Path) -> None:
    folder = store_of(path, ENCODER, note("1", "fever", source="a"), note("1", "rash", source="b"))
    with pytest.raises(AmbiguousNoteError, match="2 sources"):
        delete(folder, "1")
    assert folder.snapshot().count().notes == 2
    assert delete(folder, "1", source="a").deleted == 1
    assert folder.snapshot().find("1").source == "b"


def test_deleting_nothing_is_no_generation(path: Path) -> None:
    folder = store_of(path, ENCODER, note("n1", "fever"))
    assert delete(folder, "n9") == DeleteReport(0, 1, 0, 1)
    assert folder.generation() == 1


def test_a_snapshot_from_before_a_deletion_still_shows_the_note(path: Path) -> None:
    folder = with_secret(path)
    before = folder.snapshot()
    delete(folder, "note-id-4711")
    compact(folder)
    assert before.text(before.find("note-id-4711").note_key) == HIDDEN
    key = before.nearest_passages(ENCODER.encode([HIDDEN]), 1).keys[0][0] >> 20
    assert key == before.find("note-id-4711").note_key


def test_a_deleted_note_can_come_back(path: Path) -> None:
    folder = store_of(path, ENCODER, note("n1", "fever"))
    delete(folder, "n1")
    commit(folder, ENCODER, note("n1", "fever"))
    assert ids(folder) == {"n1"}


def test_deleting_many_is_as_many_statements_as_deleting_one(path: Path) -> None:
    folder = store_of(path, ENCODER, note("n1", "fever", patient="p"), note("n2", "rash"))
    said: list[str] = []
    event.listen(
        folder.catalog.engine,
        "before_cursor_execute",
        lambda *arguments: said.append(arguments[2]),
    )
    delete(folder, "n1")
    for_one = len(said)
    said.clear()
    report = delete(folder, *(f"n{number}" for number in range(100_000)))
    assert (report.deleted, report.notes_not_found) == (1, 99_999)
    assert len(said) == for_one < 25


def test_compaction_makes_one_segment_and_changes_no_answer(path: Path) -> None:
    folder = store_of(path, ENCODER)
    texts = [f"word{number} fever rash cough itch pain word{number}" for number in range(30)]
    for start in range(0, 30, 6):
        commit(folder, ENCODER, *(note(f"n{at}", texts[at]) for at in range(start, start + 6)))
    delete(folder, "n3", "n17")
    commit(folder, ENCODER, note("n5", texts[5] + " again"))
    before = folder.snapshot()
    report = compact(folder)
    after = folder.snapshot()
    assert (report.segments_before, report.segments_after, len(segments(path))) == (6, 1, 1)
    assert report.bytes_after < report.bytes_before
    assert after.generation == report.generation == before.generation + 1
    query = ENCODER.encode(["word4 fever", "itch"])
    old, new = before.nearest_passages(query, 99), after.nearest_passages(query, 99)
    assert np.array_equal(old.scores, new.scores)
    assert np.array_equal(old.keys, new.keys)
    assert np.array_equal(before.note_vectors(), after.note_vectors())
    key = after.find("n5").note_key
    assert np.array_equal(before.passage_vectors(key), after.passage_vectors(key))


def test_compacting_again_does_nothing(path: Path) -> None:
    folder = with_secret(path)
    first = compact(folder)
    names = segments(path)
    assert compact(folder).generation == first.generation
    assert segments(path) == names


def test_a_store_whose_every_note_is_deleted_compacts_to_nothing(path: Path) -> None:
    folder = store_of(path, ENCODER, note("n1", "fever"))
    delete(folder, "n1")
    assert compact(folder).segments_after == 0
    assert segments(path) == []
    assert ids(folder) == set()
    commit(folder, ENCODER, note("n1", "fever"))
    assert ids(folder) == {"n1"}


def test_a_segment_past_the_largest_size_is_split_between_notes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "LARGEST_BYTES", 10 * 4 * ENCODER.dim)
    folder = store_of(path, ENCODER)
    for number in range(6):
        text = " ".join(f"w{number}x{word}" for word in range(20))
        commit(folder, ENCODER, note(f"n{number}", text))
    before = folder.snapshot().note_vectors()
    assert compact(folder).segments_after == 3
    assert np.array_equal(folder.snapshot().note_vectors(), before)
    assert compact(folder).segments_after == 3


def test_many_small_commits_leave_few_segments(path: Path) -> None:
    folder = store_of(path, ENCODER)
    for number in range(3 * FAN_IN):
        commit(folder, ENCODER, note(f"n{number}", "fever"))
        assert len(segments(path)) < FAN_IN + 2
    assert ids(folder) == {f"n{number}" for number in range(3 * FAN_IN)}


def test_merging_that_fails_fails_no_commit(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = store_of(path, ENCODER)

    def full(*_arguments: object) -> list[SegmentRecord]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(housekeeping, "merge", full)
    for number in range(FAN_IN + 1):
        commit(folder, ENCODER, note(f"n{number}", "fever"))
    assert "No space left" in caplog.text
    monkeypatch.undo()
    commit(folder, ENCODER, note("last", "fever"))
    assert len(segments(path)) < FAN_IN
    assert folder.snapshot().count().notes == FAN_IN + 2


def test_a_damaged_vector_is_never_given_a_new_checksum(path: Path) -> None:
    folder = with_secret(path)
    delete(folder, "n1")
    file = segments(path)[0] / "passages.faiss"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    names = segments(path)
    with pytest.raises(DamagedStoreError, match="passages"):
        compact(folder)
    assert segments(path) == names


@pytest.mark.parametrize("work", [compact, purge, lambda folder: delete(folder, "n1")])
def test_no_byte_of_a_segment_is_parsed_before_its_checksum_is_compared(
    path: Path, work: Callable[[StoreFolder], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = store_of(path, ENCODER, note("n1", "fever"), note("n2", "cough"))
    commit(folder, ENCODER, note("n3", "rash"))
    delete(folder, "n2")
    damaged = [segment / "notes.faiss" for segment in segments(path)]
    for file in damaged:
        file.write_bytes(file.read_bytes()[:-1] + b"\xff")
    parsed: list[Path] = []

    def read(name: str, *_flags: object) -> object:
        parsed.append(Path(name).resolve())
        raise RuntimeError("what was not written was parsed")

    monkeypatch.setattr(vector_file.faiss, "read_index", read)
    with contextlib.suppress(DamagedStoreError):
        work(StoreFolder.open(path))
    assert not set(parsed) & set(damaged)


def test_a_segment_is_read_once_a_writer_to_count_its_dead(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = store_of(path, ENCODER, note("n1", "fever"), note("n2", "cough"))
    delete(folder, "n2")
    opened: list[str] = []

    def spied(at: Path, record: SegmentRecord) -> object:
        opened.append(record.name)
        return Segment(at, record)

    monkeypatch.setattr(held_notes, "Segment", spied)
    with folder.write() as writer:
        for number in range(5):
            writer.commit(encoded(ENCODER, [note(f"m{number}", "rash")]))
    assert len(opened) > 1
    assert len(opened) == len(set(opened))


@pytest.mark.parametrize("step", [1, 2])
def test_a_compaction_that_sql_refuses_leaves_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(compaction, "LARGEST_BYTES", 3 * 4 * ENCODER.dim)
    folder = with_secret(path)
    delete(folder, "n1")
    names, generation = segments(path), folder.generation()

    def fail(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    write, calls = write_arrays, iter(range(1, 99))
    if step == 1:
        monkeypatch.setattr(Catalog, "commit_merge", fail)
    else:
        monkeypatch.setattr(
            compaction, "write_arrays", lambda *a: write(*a) if next(calls) < 2 else fail()
        )
    with pytest.raises((OSError, StoreError), match="No space left"):
        compact(folder)
    assert (segments(path), folder.generation()) == (names, generation)


def test_a_purged_note_leaves_no_byte(path: Path) -> None:
    folder = with_secret(path)
    assert found_in(path, TRACES) == set(TRACES)
    delete(folder, "note-id-4711")
    assert found_in(path, TRACES) == set(TRACES)
    report = purge(folder)
    assert found_in(path, TRACES) == set()
    assert (report.notes, report.segments) == (1, 1)
    assert ids(folder) == {"n1", "n2", "n3"}


def test_a_replaced_notes_older_version_leaves_no_byte(path: Path) -> None:
    folder = with_secret(path)
    commit(folder, ENCODER, note("note-id-4711", "nothing of note"))
    assert found_in(path, TRACES) == set(TRACES)
    purge(folder)
    assert found_in(path, TRACES) == {"id note-id-4711"}
    assert ids(folder) == {"n1", "n2", "n3", "note-id-4711"}


def test_a_note_that_a_compaction_left_behind_is_purged_too(path: Path) -> None:
    folder = with_secret(path)
    delete(folder, "note-id-4711")
    compact(folder)
    assert found_in(path, TRACES)
    assert purge(folder).segments == 0
    assert found_in(path, TRACES) == set()


def test_a_purge_of_a_big_note_and_many_small_ones_leaves_no_byte(path: Path) -> None:
    long = " ".join(f"{HIDDEN} filler{number}" for number in range(2_000))
    others = [note(f"o{number}", f"rash {number} " * 50) for number in range(300)]
    folder = store_of(path, ENCODER, *others[:150], note("big", long), *others[150:])
    for number in range(0, 300, 2):
        delete(folder, f"o{number}")
    assert "word zebulonitis" in found_in(path, TRACES)
    delete(folder, "big")
    purge(folder)
    assert found_in(path, traces(ENCODER, long, "big")) == set()
    assert ids(folder) == {f"o{number}" for number in range(1, 300, 2)}


def test_what_a_database_without_secure_delete_left_is_gone_after_a_purge(path: Path) -> None:
    folder = with_secret(path)
    folder.close()
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("CREATE TABLE old (text)")
        connection.execute("INSERT INTO old VALUES (?)", ["once upon a note " * 1000])
    with sqlite3.connect(path / "catalog.sqlite") as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("DROP TABLE old")
    assert found_in(path, {"old": b"once upon a note"})
    purge(StoreFolder.open(path))
    assert not found_in(path, {"old": b"once upon a note"})


def test_a_purged_store_takes_less_room(path: Path) -> None:
    folder = store_of(path, ENCODER, *(note(f"n{at}", "fever " * 500) for at in range(200)))
    delete(folder, *(f"n{at}" for at in range(180)))
    report = purge(folder)
    assert report.bytes_after == folder.size_bytes()
    assert report.bytes_after < report.bytes_before / 3


def test_rejects_and_live_notes_outlive_a_purge_and_keys_are_not_used_again(path: Path) -> None:
    folder = with_secret(path)
    highest = folder.catalog.next_note_key()
    delete(folder, "n3")
    purge(folder)
    assert folder.catalog.next_note_key() == highest
    commit(folder, ENCODER, note("n4", "itch"))
    assert folder.snapshot().find("n4").note_key == highest


@pytest.mark.parametrize("method", ["commit_merge", "remove_dead", "vacuum"])
def test_a_purge_cut_short_is_finished_by_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    folder = with_secret(path)
    delete(folder, "note-id-4711")

    def cut(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Catalog, method, cut)
    with pytest.raises(KeyboardInterrupt):
        purge(folder)
    monkeypatch.undo()
    assert ids(StoreFolder.open(path)) == {"n1", "n2", "n3"}
    purge(StoreFolder.open(path))
    assert found_in(path, TRACES) == set()


def test_files_that_a_killed_merge_left_are_swept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = with_secret(path)
    monkeypatch.setattr(housekeeping, "remove_segment", lambda *_arguments: None)
    compact(folder)
    assert len(segments(path)) == 3
    monkeypatch.undo()
    with folder.write():
        assert len(segments(path)) == 1


def test_a_purge_does_not_claim_what_the_disk_did_not_do(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = store_of(path, ENCODER, note("n1", HIDDEN), note("n2", "fever"))
    delete(folder, "n1")
    with monkeypatch.context() as patch:
        patch.setattr(housekeeping, "remove_segment", lambda *_: None)
        with pytest.raises(StoreError, match="could not be removed"):
            purge(folder)
    failed = OSError(errno.EIO, "Input/output error")
    with monkeypatch.context() as patch:
        patch.setattr(housekeeping, "sync", Mock(side_effect=failed))
        with pytest.raises(StoreError, match="Input/output error"):
            purge(folder)
    purge(folder)
    assert not found_in(path, TRACES)
    assert ids(folder) == {"n2"}


def test_a_reader_that_holds_the_log_is_named_and_the_purge_can_be_finished(path: Path) -> None:
    folder = with_secret(path)
    delete(folder, "note-id-4711")
    reader = sqlite3.connect(path / "catalog.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM notes").fetchone()
    with pytest.raises(PurgeUnfinishedError, match="run the same purge again"):
        purge(folder)
    assert found_in(path, TRACES)
    assert ids(folder) == {"n1", "n2", "n3"}
    reader.close()
    purge(folder)
    assert found_in(path, TRACES) == set()


def test_a_snapshot_older_than_a_purge_is_refused_and_a_newer_one_is_not(path: Path) -> None:
    folder = with_secret(path)
    old = folder.snapshot()
    delete(folder, "note-id-4711")
    purge(folder)
    for ask in (old.count, lambda: old.find("n1"), lambda: old.notes([NoteKey(1)])):
        with pytest.raises(StaleSnapshotError, match="new snapshot"):
            ask()
    current = folder.snapshot()
    purge(folder)
    assert current.count().notes == 3


def test_a_segment_merged_away_while_a_reader_opens_it_is_no_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = with_secret(path)
    reader = StoreFolder.open(path)
    opened = StoreFolder._opened
    cuts: list[Callable[[], object]] = [lambda: compact(folder)]

    def late(store: StoreFolder, records: list[SegmentRecord]) -> object:
        if cuts:
            cuts.pop()()
        return opened(store, records)

    monkeypatch.setattr(StoreFolder, "_opened", late)
    snapshot = reader.snapshot()
    assert snapshot.generation == folder.generation()
    assert snapshot.count().notes == 4


def test_a_segment_that_is_missing_for_good_is_said_to_be(path: Path) -> None:
    folder = with_secret(path)
    remove_segment(path / "segments", segments(path)[0].name)
    with pytest.raises(DamagedStoreError, match="missing"):
        folder.snapshot()


def test_a_new_generation_costs_a_reader_only_what_is_new(path: Path) -> None:
    folder = store_of(path, ENCODER, *(note(f"n{number}", "fever") for number in range(50)))
    delete(folder, *(f"n{number}" for number in range(40)))
    reader = StoreFolder.open(path)
    old = reader.snapshot()
    delete(folder, "n40")
    read: list[int] = []
    dead_keys = reading.dead_keys

    def counted(*arguments: Any, **named: Any) -> Any:
        keys = dead_keys(*arguments, **named)
        read.append(len(keys))
        return keys

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "dead_keys", counted)
        new = reader.snapshot()
    assert read == [1]
    assert ids(reader) == {f"n{number}" for number in range(41, 50)}
    assert new.count().notes == old.count().notes - 1
    assert set(new._segments) == set(old._segments)


def test_a_writer_that_may_wait_gets_its_turn(path: Path) -> None:
    folder = store_of(path, ENCODER)
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with StoreFolder.open(path).write():
            entered.set()
            leave.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    assert entered.wait(30)
    with pytest.raises(StoreLockedError, match="--wait"), folder.write():
        pass
    with pytest.raises(StoreLockedError), folder.write(wait_s=0.05):
        pass
    threading.Timer(0.2, leave.set).start()
    with folder.write(wait_s=float("inf")):
        assert leave.is_set()
    holder.join()


def test_a_segment_that_vanishes_while_sizes_are_counted_takes_no_room(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = with_secret(path)
    gone, scan = segments(path)[0], os.scandir

    def late(at: Any) -> Any:
        if not isinstance(at, int) and Path(at) == gone:
            shutil.rmtree(gone, ignore_errors=True)
        return scan(at)

    monkeypatch.setattr(os, "scandir", late)
    counted = folder.segments_bytes()
    monkeypatch.undo()
    assert not gone.exists()
    assert counted == sum(file.stat().st_size for file in path.glob("segments/*/*"))


def test_what_is_kept_beside_the_live_notes_is_counted(path: Path) -> None:
    folder = with_secret(path)
    delete(folder, "n1")
    kept = folder.snapshot().upkeep()
    assert (kept.generations, kept.segments, kept.dead_notes) == (3, 2, 1)
    purge(folder)
    kept = folder.snapshot().upkeep()
    assert (kept.segments, kept.dead_notes) == (2, 0)
    assert 0 < folder.segments_bytes() < folder.size_bytes()
