"""Kept cohorts, wherever the catalog is: whole or not at all, and gone with what is purged."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from notekin.errors import CohortError, DamagedStoreError, NoSuchCohortError, StaleSnapshotError
from notekin.storage import cohorts as cohorts_module
from notekin.storage.cohort_schema import CohortMemberRow
from notekin.storage.cohorts import (
    KeptCohort,
    KeptEvidence,
    KeptHead,
    KeptJudgement,
    KeptMember,
    KeptStatus,
)
from notekin.storage.deleting import Condemned
from notekin.storage.location import ServerUrl
from notekin.storage.store import StoreFolder
from notekin.storage.verification import verify
from tests.support.bytes import found_in
from tests.support.notes import commit, note, store_of
from tests.support.postgres import TestServer
from tests.support.words import WordEncoder

ENCODER = WordEncoder(dim=8)
NOW = datetime(2026, 1, 2, 3, 4, 5)
PATIENT, NOTE = "Quackenbush-0815", "note-4711"
Make = Callable[[], StoreFolder]


@pytest.fixture(params=["sqlite", "postgresql"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, postgres: TestServer) -> StoreFolder:
    """Return a store of five notes of three patients; p1 has keys 1 and 2, p2 has 3, 4."""
    server = ServerUrl.parse(postgres.schema_url()) if request.param == "postgresql" else None
    return store_of(
        tmp_path / "store",
        ENCODER,
        note("a", "chest pain", patient="p1", recorded="2020-01-01", encounter_id="e1"),
        note("b", "fever", patient="p1", recorded="2020-01-02", encounter_id="e2"),
        note("c", "rash", patient="p2", recorded="2020-01-03", encounter_id="e3"),
        note(NOTE, "cough", patient=PATIENT, recorded="2020-01-04"),
        note("e", "stroke", patient=None),
        server=server,
    )


def evidence(key: int, standing: str = "counts") -> KeptEvidence:
    return KeptEvidence(key, 0, 4, 0.1 + 0.2, "affirmed patient current", standing)


def member(rank: int, key: int, *keys: int) -> KeptMember:
    status = KeptStatus("hf", "met", 1 / 3, len(keys), tuple(map(evidence, keys)))
    none = KeptStatus("mi", "no evidence", 0.0, 0, ())
    return KeptMember(rank, key, keys[0], keys[-1], 2 / 3, (status, none))


def cohort(name: str = "hf", *members: KeptMember, **definition: object) -> KeptCohort:
    head = KeptHead(
        name,
        "patient",
        json.dumps({"name": name, **definition}),
        json.dumps({"attrition": []}),
        1,
        "weights",
        len(members),
        NOW,
    )
    return KeptCohort(head, members)


WHOLE = cohort("hf", member(1, 1, 1, 2), member(2, 3, 3), member(3, 4, 4))


def delete(folder: StoreFolder, *notes: str, patients: tuple[str, ...] = ()) -> None:
    with folder.write() as writer:
        writer.delete(Condemned.of(notes, patients))


def purge(folder: StoreFolder) -> None:
    with folder.write() as writer:
        writer.purge()


def test_a_kept_cohort_is_read_as_it_was_kept(folder: StoreFolder) -> None:
    folder.cohorts.keep(WHOLE)
    folder.cohorts.keep(cohort("none"))
    read = folder.cohorts.read("hf")
    assert read.cohort == WHOLE
    assert {key: one.note_id for key, one in read.notes.items()} == {
        1: "a",
        2: "b",
        3: "c",
        4: NOTE,
    }
    assert [head.name for head in folder.cohorts.heads()] == ["hf", "none"]
    assert folder.cohorts.heads()[0] == WHOLE.head
    assert verify(folder, deep=True).whole


def test_a_name_is_kept_once_unless_it_is_to_be_replaced(folder: StoreFolder) -> None:
    folder.cohorts.keep(WHOLE)
    with pytest.raises(CohortError, match="--replace"):
        folder.cohorts.keep(cohort("hf", member(1, 3, 3)))
    assert folder.cohorts.read("hf").cohort == WHOLE
    folder.cohorts.keep(cohort("hf", member(1, 3, 3)), replace=True)
    assert folder.cohorts.read("hf").cohort == cohort("hf", member(1, 3, 3))


def test_a_cohort_that_is_not_there_says_so(folder: StoreFolder) -> None:
    for ask in (
        lambda: folder.cohorts.read("x"),
        lambda: folder.cohorts.delete("x"),
        lambda: folder.cohorts.judgements("x"),
        lambda: folder.cohorts.judge("x", []),
    ):
        with pytest.raises(NoSuchCohortError):
            ask()


def test_verdicts_are_kept_once_a_place_and_outlive_a_new_result(folder: StoreFolder) -> None:
    folder.cohorts.keep(WHOLE)
    first = KeptJudgement("hf", 1, 0, 4, "yes", True, NOW)
    second = KeptJudgement("hf", 3, 0, 4, "no", False, NOW.replace(second=6))
    folder.cohorts.judge("hf", [first, second])
    folder.cohorts.judge("hf", [replace(first, verdict="unsure")])
    folder.cohorts.keep(WHOLE, replace=True)
    assert folder.cohorts.judgements("hf") == [replace(first, verdict="unsure"), second]
    folder.cohorts.take_back("hf", "hf", 1)
    assert folder.cohorts.judgements("hf") == [second]
    folder.cohorts.delete("hf")
    folder.cohorts.keep(WHOLE)
    assert folder.cohorts.judgements("hf") == []


def test_a_deleted_patient_is_not_read_and_a_replaced_note_is(folder: StoreFolder) -> None:
    folder.cohorts.keep(WHOLE)
    delete(folder, patients=(PATIENT,))
    commit(folder, ENCODER, note("a", "chest pain, gone", patient="p1", recorded="2020-01-01"))
    notes = folder.cohorts.read("hf").notes
    assert {key: one.note_id for key, one in notes.items()} == {1: "b", 2: "b", 3: "c"}
    assert verify(folder, deep=True).whole


def test_a_purge_leaves_no_row_and_no_byte_of_what_it_removes(
    folder: StoreFolder, tmp_path: Path
) -> None:
    like = {"patients": ["p1", PATIENT], "notes": [NOTE]}
    where = {"patient_id": PATIENT, "category": "p1"}
    kept = cohort(
        "hf", *WHOLE.members, like=like, include={"any": [{"where": where}, {"meaning": "rash"}]}
    )
    folder.cohorts.keep(kept)
    judged = [KeptJudgement("hf", key, 0, 4, "yes", True, NOW) for key in (1, 2, 4)]
    folder.cohorts.judge("hf", judged)
    delete(folder, "a", patients=(PATIENT,))
    purge(folder)
    read = folder.cohorts.read("hf").cohort
    first = replace(
        member(1, 2, 2), statuses=(replace(WHOLE.members[0].statuses[0], evidence=(evidence(2),)),)
    )
    assert read.members[0] == replace(
        first, first_note=None, statuses=(*first.statuses, WHOLE.members[0].statuses[1])
    )
    assert read.members[1:] == WHOLE.members[1:2]
    definition = json.loads(read.head.definition)
    assert definition["like"] == {"patients": ["p1", "(purged)"], "notes": ["(purged)"]}
    assert definition["include"]["any"][0]["where"] == {
        "patient_id": "(purged)",
        "category": "p1",
    }
    assert [one.note_key for one in folder.cohorts.judgements("hf")] == [2]
    assert verify(folder, deep=True).whole
    folder.close()
    names = {"patient": PATIENT.encode(), "note": NOTE.encode()}
    assert found_in(tmp_path / "store", names) == set()


def test_a_cohort_found_before_a_purge_is_not_kept_after_it(folder: StoreFolder) -> None:
    delete(folder, NOTE)
    purge(folder)
    with pytest.raises(StaleSnapshotError):
        folder.cohorts.keep(WHOLE)
    assert folder.cohorts.heads() == []


def test_a_cohort_that_fails_to_be_kept_leaves_the_one_before(
    folder: StoreFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.cohorts.keep(WHOLE)

    def die(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cohorts_module, "seal", die)
    with pytest.raises(KeyboardInterrupt):
        folder.cohorts.keep(cohort("hf", member(1, 3, 3)), replace=True)
    monkeypatch.undo()
    assert folder.cohorts.read("hf").cohort == WHOLE


def test_a_row_that_changed_on_disk_is_found_and_never_answers(folder: StoreFolder) -> None:
    folder.cohorts.keep(WHOLE)
    with folder.catalog.transaction() as connection:
        connection.execute(
            update(CohortMemberRow).where(CohortMemberRow.rank == 2).values(note_key=4)
        )
    with pytest.raises(DamagedStoreError, match="kept cohort"):
        folder.cohorts.read("hf")
    assert [one.what for one in verify(folder).problems] == [
        "does not hold 1 cohorts as they were kept"
    ]
