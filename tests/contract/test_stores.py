"""What every store guarantees, wherever its catalog is: in SQLite and in PostgreSQL."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select, update

from notekin import api
from notekin.errors import (
    EncoderMismatchError,
    FilterError,
    NoSuchStoreError,
    StaleSnapshotError,
    StoreError,
    StoreFormatError,
    StoreLockedError,
)
from notekin.indexer import pipeline
from notekin.storage import catalog as catalog_module
from notekin.storage.conditions import AllOf, Condition, OneOf, Range
from notekin.storage.deleting import Condemned
from notekin.storage.location import ServerUrl
from notekin.storage.schema import NoteRow, NoteTextRow, RejectRow, SettingRow
from notekin.storage.sets import among
from notekin.storage.snapshot import Snapshot
from notekin.storage.store import StoreFolder
from notekin.storage.writing import insert_generation
from notekin.types import Note, NoteKey, Reject
from tests.support.notes import CANARY, Given, commit, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder()
ROOT = Path(__file__).parents[2]
ODD = "NUL \0, half a pair \ud800, 😀, \r\n, quote ' and \" and \\"
PLAIN = ODD.replace("\0", "\ufffd").replace("\ud800", "\ufffd")

DYING = """
import os, signal, sys
from pathlib import Path
from notekin.storage import catalog
from notekin.storage.location import ServerUrl
from notekin.storage.store import StoreFolder
from notekin.storage.writing import insert_generation
from tests.support.notes import commit, note
from tests.support.words import WordEncoder

def die(*arguments):
    if sys.argv[3] == "after the statements":
        insert_generation(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

server = ServerUrl.parse(sys.argv[2]) if sys.argv[2] else None
folder = StoreFolder.open(Path(sys.argv[1]), server)
catalog.insert_generation = die
commit(folder, WordEncoder(), note("n1", "rash"), note("n2", "cough"))
"""

HOLDING = """
import sys
from pathlib import Path
from notekin.storage.location import ServerUrl
from notekin.storage.store import StoreFolder

server = ServerUrl.parse(sys.argv[2]) if sys.argv[2] else None
with StoreFolder.open(Path(sys.argv[1]), server).write():
    print("writing", flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a test's store is, and how its catalog is reached."""

    path: Path
    url: str

    @property
    def server(self) -> ServerUrl | None:
        return ServerUrl.parse(self.url) if self.url else None

    def store_of(self, *notes: Note) -> StoreFolder:
        return store_of(self.path, ENCODER, *notes, server=self.server)

    def open(self) -> StoreFolder:
        return StoreFolder.open(self.path, self.server)

    def start(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", program, str(self.path), self.url, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place(tmp_path / "store", "")
    return Place(tmp_path / "store", request.getfixturevalue("postgres").schema_url())


def found(snapshot: Snapshot, condition: Condition) -> list[str]:
    keys = [NoteKey(key) for key in snapshot.select(condition).tolist()]
    return [one.note_id for one in snapshot.notes(keys)]


def test_a_note_comes_back_to_the_letter(place: Place) -> None:
    given = note("n1", ODD, patient="p1", title="T", recorded="0001-01-01T00:00:00.000001")
    snapshot = place.store_of(given).snapshot()
    stored = snapshot.find("n1")
    assert snapshot.text(stored.note_key) == ODD
    assert (stored.patient_id, stored.title, stored.author) == ("p1", "T", None)
    assert stored.recorded_at == given.recorded_at


@pytest.mark.parametrize("value", ["x", ODD, 7, 7.5, True, ["a", ODD], 2**70, float("inf"), []])
def test_an_attribute_comes_back_as_given(place: Place, value: object) -> None:
    snapshot = place.store_of(note("n1", "text", attributes={"a": value, ODD: 1})).snapshot()
    assert snapshot.find("n1").attributes == {"a": value, ODD: 1}


def test_odd_facts_are_stored_plain_and_found_as_asked_either_way(place: Place) -> None:
    facts: dict[str, Any] = {"category": ODD, "author": ODD, "title": ODD, "encounter_id": ODD}
    given = note(ODD, "fever", source=ODD, patient=ODD, attributes={ODD: ODD}, **facts)
    snapshot = place.store_of(given, note("other", "rash")).snapshot()
    for asked in (ODD, PLAIN):
        assert snapshot.find(asked, asked).note_id == PLAIN
        for field in ("note_id", "source", "patient_id", "category", "author", "title"):
            assert found(snapshot, OneOf(field, (asked,))) == [PLAIN], field
    assert snapshot.attribute_names() == [PLAIN]
    assert found(snapshot, OneOf(PLAIN, (ODD,))) == [PLAIN]


def test_odd_facts_indexed_again_are_unchanged_and_meet_only_themselves(place: Place) -> None:
    folder = place.store_of()
    notes = [note(ODD, "fever", category=ODD), note(PLAIN, "rash"), note("n2", ODD)]

    def index() -> pipeline.IndexReport:
        with folder.write() as writer:
            return pipeline.index([Given(notes)], ENCODER, writer, lambda *_: None)

    first, again = index(), index()
    assert (first.added, first.rejected) == (2, 1)
    assert (again.embedded, again.unchanged, again.rejected) == (0, 2, 1)


def test_a_note_whose_id_no_index_could_hold_is_rejected_and_the_rest_goes_in(
    place: Place,
) -> None:
    rows = {"note_id": ["n1", "n2"], "text": ["fever", "rash"], "patient_id": ["é" * 501, "p2"]}
    with api.open(place.path, catalog=place.url or None, encoder=WordEncoder()) as store:
        report = store.index(pd.DataFrame(rows))
        (reject,) = store.stats().rejects
    assert (report.added, report.rejected) == (1, 1)
    assert "patient_id is longer" in reject["reason"]


def test_an_attribute_may_be_a_page_of_text_and_is_found(place: Place) -> None:
    letters = random.Random(0)  # noqa: S311 - text that does not compress
    page = "".join(chr(letters.randrange(0x4E00, 0x9FFF)) for _ in range(5_000))
    notes = [note(f"n{n}", "x", attributes={"a": page[n:]}) for n in range(3)]
    snapshot = place.store_of(*notes).snapshot()
    assert found(snapshot, OneOf("a", (page[1:],))) == ["n1"]


def test_a_replaced_note_is_found_once_as_it_is_now(place: Place) -> None:
    folder = place.store_of(note("n1", "fever"), note("n2", "cough"))
    commit(folder, ENCODER, note("n1", "rash"))
    snapshot = folder.snapshot()
    assert snapshot.count().notes == 2
    assert snapshot.text(snapshot.find("n1").note_key) == "rash"
    assert len(snapshot.nearest_notes(ENCODER.encode(["fever"]), 10).keys[0]) == 2


def test_a_snapshot_shows_its_generation_after_a_later_commit(place: Place) -> None:
    folder = place.store_of(note("n1", "fever"))
    before = folder.snapshot()
    commit(place.open(), ENCODER, note("n1", "rash"), note("n2", "cough"))
    assert before.count().notes == 1
    assert before.text(before.find("n1").note_key) == "fever"
    assert found(before, AllOf(())) == ["n1"]
    assert folder.snapshot().count().notes == 2


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        (AllOf(()), ["n1", "n2", "n3"]),
        (OneOf("category", ("ED", "ED note")), ["n1", "n2"]),
        (OneOf("age", (63,)), ["n1", "n2"]),
        (OneOf("age", ("63",)), ["n1", "n2"]),
        (OneOf("flag", (True,)), ["n3"]),
        (OneOf("tags", ("b",)), ["n1", "n3"]),
        (OneOf("category", ("'; DROP TABLE notes; --",)), []),
        (
            Range("recorded_at", datetime(2020, 1, 1), datetime(2020, 1, 2), high_inclusive=False),
            ["n1"],
        ),
        (Range("recorded_at", datetime(2020, 1, 2)), ["n2"]),
        (AllOf((OneOf("age", (63,)), OneOf("category", ("ED",)))), ["n1"]),
    ],
)
def test_a_filter_finds_what_it_says(place: Place, condition: Condition, ids: list[str]) -> None:
    first = {"age": 63, "tags": ["a", "b"]}
    notes = [
        note("n1", "x", category="ED", recorded="2020-01-01T23:59:59", attributes=first),
        note("n2", "x", category="ED note", recorded="2020-01-02", attributes={"age": 63.0}),
        note("n3", "x", attributes={"flag": True, "tags": ["b"], "age": "063"}),
    ]
    assert found(place.store_of(*notes).snapshot(), condition) == ids


def test_a_filter_on_no_field_is_refused(place: Place) -> None:
    with pytest.raises(FilterError, match="wards"):
        place.store_of(note("n1", "x")).snapshot().select(OneOf("wards", ("7",)))


def test_texts_sort_by_code_point_everywhere(place: Place) -> None:
    names = ["Zoe", "anna", "_x", "Émil", "émil", "B-1", "B1"]
    notes = [note("n", "x", source=name, attributes={name: 1}) for name in names]
    folder = place.store_of(*notes)
    snapshot = folder.snapshot()
    assert list(snapshot.notes_by("source")) == sorted(names)
    assert snapshot.attribute_names() == sorted(names)


def test_rejects_are_kept_replaced_and_forgotten(place: Place) -> None:
    folder = place.store_of()
    with folder.write() as writer:
        writer.record_rejects([Reject("s", "row 1", "old"), Reject("s", ODD, ODD)], "run 1")
        writer.record_rejects([Reject("s", "row 1", "new"), Reject("s", "row 1", "newer")], "run 2")
        assert folder.catalog.rejects() == [
            Reject("s", PLAIN, PLAIN),
            Reject("s", "row 1", "newer"),
        ]
        writer.forget_rejects(["s"], "run 2")
    assert folder.catalog.rejects() == [Reject("s", "row 1", "newer")]


def test_a_set_of_any_size_is_asked_for_at_once(place: Place) -> None:
    folder = place.store_of()
    with folder.write() as writer:
        writer.record_rejects([Reject("s", f"row {n}", "r") for n in range(10)], "run")
        writer.record_rejects([Reject("s", ODD, "r")], "run")
    asked = [f"row {n}" for n in range(5, 100_000)]
    with folder.catalog.transaction() as connection:
        query = select(RejectRow.place).where(among(RejectRow.place, [*asked, ODD]))
        assert set(connection.scalars(query)) == {PLAIN, *asked[:5]}


@pytest.mark.parametrize("when", ["before the statements", "after the statements"])
def test_a_writer_killed_in_a_commit_leaves_the_generation_before(place: Place, when: str) -> None:
    place.store_of(note("n1", "fever")).close()
    dying = place.start(DYING, when)
    dying.communicate(timeout=60)
    assert dying.returncode == -signal.SIGKILL
    folder = place.open()
    assert len(list(place.path.glob("segments/*"))) == 2, "it was not killed after the segment"
    snapshot = folder.snapshot()
    assert (snapshot.generation, found(snapshot, AllOf(()))) == (1, ["n1"])
    assert snapshot.text(snapshot.find("n1").note_key) == "fever"
    commit(folder, ENCODER, note("n3", "cough"))
    assert len(list(place.path.glob("segments/*"))) == 2
    assert found(folder.snapshot(), AllOf(())) == ["n1", "n3"]


def test_a_second_writer_is_refused_at_once_until_the_first_dies(place: Place) -> None:
    folder = place.store_of(note("n1", "fever"))
    holding = place.start(HOLDING)
    assert holding.stdout is not None
    assert holding.stdout.readline() == "writing\n"
    with pytest.raises(StoreLockedError, match="writing"):
        commit(folder, ENCODER, note("n2", "rash"))
    assert folder.snapshot().count().notes == 1
    holding.kill()
    holding.communicate(timeout=60)
    assert _once_free(lambda: commit(folder, ENCODER, note("n2", "rash"))) == 2


def test_a_reader_sees_the_generation_before_while_a_commit_runs(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place.store_of(note("n1", "fever"))
    written, seen = threading.Event(), threading.Event()

    def pause(*arguments: Any) -> Any:
        generation = insert_generation(*arguments)
        written.set()
        assert seen.wait(60)
        return generation

    monkeypatch.setattr(catalog_module, "insert_generation", pause)
    writer = threading.Thread(
        target=commit, args=(place.open(), ENCODER, note("n1", "rash"), note("n2", "cough"))
    )
    writer.start()
    try:
        assert written.wait(60)
        snapshot = folder.snapshot()
        assert (snapshot.generation, found(snapshot, AllOf(()))) == (1, ["n1"])
        assert snapshot.text(snapshot.find("n1").note_key) == "fever"
    finally:
        seen.set()
        writer.join()
    assert folder.snapshot().generation == 2


def test_a_live_id_is_there_once_and_the_error_repeats_no_fact(place: Place) -> None:
    folder = place.store_of(note("n0", "fever"))
    twice = [note("n1", "fever", patient=CANARY), note("n1", "rash", patient=CANARY)]
    with pytest.raises(StoreError, match="catalog") as caught:
        commit(folder, ENCODER, *twice)
    assert CANARY not in str(caught.value)
    assert "n1" not in str(caught.value)
    assert (folder.snapshot().generation, len(list(place.path.glob("segments/*")))) == (1, 1)
    commit(folder, ENCODER, twice[0])
    commit(folder, ENCODER, twice[1])
    assert found(folder.snapshot(), AllOf(())) == ["n0", "n1"]


def test_a_commit_that_was_interrupted_once_done_keeps_its_segment(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = place.store_of(note("n1", "fever"))
    committing = folder.catalog.commit

    def interrupted(*arguments: Any) -> Any:
        committing(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(folder.catalog, "commit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        commit(folder, ENCODER, note("n1", "rash"))
    snapshot = place.open().snapshot()
    assert snapshot.text(snapshot.find("n1").note_key) == "rash"
    assert np.array_equal(
        snapshot.note_vector(snapshot.find("n1").note_key), ENCODER.encode(["rash"])[0]
    )


def test_another_encoder_is_refused(place: Place) -> None:
    place.store_of()
    with pytest.raises(EncoderMismatchError, match="--model words"):
        StoreFolder.open_or_create(
            place.path, WordEncoder(name="other").fingerprint, server=place.server
        )


def test_a_newer_format_is_refused(place: Place) -> None:
    folder = place.store_of()
    with folder.catalog.transaction() as connection:
        connection.execute(update(SettingRow).where(SettingRow.name == "format").values(value=99))
    with pytest.raises(StoreFormatError, match="99"):
        place.open()


def test_a_store_whose_making_fails_half_way_is_not_there_and_is_made_again(place: Place) -> None:
    with pytest.raises(Exception, match="JSON"):
        StoreFolder.open_or_create(
            place.path, ENCODER.fingerprint, {"no JSON": object()}, place.server
        )
    with pytest.raises(NoSuchStoreError):
        place.open()
    assert place.store_of(note("n1", "fever")).snapshot().count().notes == 1


def test_a_folder_that_is_a_store_is_opened_not_made(place: Place) -> None:
    place.store_of(note("n1", "fever")).close()
    assert place.store_of().snapshot().count().notes == 1


def test_a_deleted_patient_is_found_no_more_and_an_older_snapshot_still_reads(place: Place) -> None:
    folder = place.store_of(
        note("n1", "fever", patient="p1"), note("n2", "rash", patient="p2"), note("n3", "cough")
    )
    before = folder.snapshot()
    with folder.write() as writer:
        report = writer.delete(Condemned.of(["n3"], ["p1", "nobody"]))
    assert (report.deleted, report.patients_not_found) == (2, 1)
    assert found(folder.snapshot(), AllOf(())) == ["n2"]
    assert found(before, AllOf(())) == ["n1", "n2", "n3"]
    assert before.text(before.find("n1").note_key) == "fever"


def test_compaction_changes_no_answer_and_purge_leaves_no_row(place: Place) -> None:
    folder = place.store_of(note("n1", "fever", patient="p1"), note("n2", "rash"))
    for number in range(3, 9):
        commit(folder, ENCODER, note(f"n{number}", f"cough {number}"))
    with folder.write() as writer:
        writer.delete(Condemned.of(["n1"], []))
        before = folder.snapshot()
        expected = before.nearest_passages(ENCODER.encode(["rash"]), 99)
        writer.compact()
        after = folder.snapshot().nearest_passages(ENCODER.encode(["rash"]), 99)
        assert np.array_equal(expected.keys, after.keys)
        assert np.allclose(expected.scores, after.scores)
        assert np.array_equal(
            before.nearest_passages(ENCODER.encode(["rash"]), 99).keys, after.keys
        )
        writer.purge()
    with pytest.raises(StaleSnapshotError):
        before.notes([NoteKey(2)])
    assert len(found(folder.snapshot(), AllOf(()))) == 7
    with folder.catalog.transaction() as connection:
        assert set(connection.scalars(select(NoteTextRow.note_key))) == set(range(2, 9))
        assert not connection.scalar(select(NoteRow.note_key).where(NoteRow.died.is_not(None)))


def _once_free(write: Any) -> Any:
    """Write as soon as the server has noticed that the writer before died."""
    for _ in range(100):
        try:
            return write()
        except StoreLockedError:
            threading.Event().wait(0.05)
    return write()
