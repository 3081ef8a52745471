"""Cohorts over a store: what is asked is what is found, and the same again is the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import notekin
from notekin.errors import CohortError, FilterError, StaleSnapshotError
from notekin.search.cohort import run as run_module
from notekin.search.cohort.answer import Standing, Status
from notekin.search.cohort.exports import Format, exported
from notekin.search.cohort.judgements import Verdict
from notekin.search.cohort.likeness import Whole
from notekin.search.cohort.rules import Examples
from notekin.storage.deleting import Condemned
from notekin.storage.store import StoreFolder
from tests.support.notes import CANARY, commit, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder()
NOTES = [
    note("a", f"{CANARY} has heart failure.", patient="p1", recorded="2020-01-01"),
    note("b", f"{CANARY} has heart failure.", patient="p1", recorded="2020-01-02"),
    note("c", "No heart failure.", patient="p2", recorded="2020-01-03"),
    note("d", "Heart failure, worse. Oedema.", patient="p3", encounter_id="e1"),
    note("e", "Heart failure since spring.", patient="p3", encounter_id="e2"),
    note("f", "A rash on both arms.", patient="p4", attributes={"age": 70}),
    note("g", "Heart failure."),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    store_of(tmp_path / "store", ENCODER, *NOTES).close()
    return tmp_path / "store"


def one(meaning: str, **more: object) -> dict[str, object]:
    return {"name": "x", "include": {"id": "hf", "meaning": meaning, **more}}


def members(store: notekin.Store, definition: dict[str, object]) -> list[str | None]:
    return [member.patient_id for member in store.cohort.run(definition, replace=True).members]


def test_who_says_it_is_in_and_who_denies_it_or_says_nothing_is_not(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        assert sorted(map(str, members(store, one("heart failure")))) == ["p1", "p3"]
        assert members(store, one("heart failure", assertion="negated")) == ["p2"]
        assert sorted(map(str, members(store, one("heart failure", assertion="any")))) == [
            "p1",
            "p2",
            "p3",
        ]
        assert members(store, one("no heart failure")) == ["p2"]


def test_a_note_without_words_asserts_nothing_however_low_the_cut(tmp_path: Path) -> None:
    notes = [note("words", "Has heart failure.", patient="p1"), note("none", " ", patient="p2")]
    store_of(tmp_path / "store", ENCODER, *notes).close()
    with notekin.open(tmp_path / "store", encoder=ENCODER) as store:
        for assertion in ("affirmed", "negated"):
            asked = one("heart failure", assertion=assertion, cut={"top": 2})
            assert members(store, asked) == (["p1"] if assertion == "affirmed" else [])


def test_copies_count_once_and_evidence_says_so(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        assert members(store, one("heart failure", at_least=2)) == ["p3"]
        answer = store.cohort.run(one("heart failure"), replace=True)
        (member,) = (each for each in answer.members if each.patient_id == "p1")
        (criterion,) = member.criteria
        assert (criterion.status, criterion.count) == (Status.MET, 1)
        assert [each.standing for each in criterion.evidence] == [Standing.COUNTS, Standing.COPY]
        assert store.cohort.text(criterion.evidence[0]) == f"{CANARY} has heart failure"
        assert str(member.first) == "2020-01-01 00:00:00"
        assert answer.notes_without_subject == 1
        assert answer.notes_without_date == 3


def test_encounters_stand_for_themselves(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        asked = {"name": "x", "grain": "encounter", "include": {"phrase": "oedema"}}
        answer = store.cohort.run(asked)
        assert [(each.patient_id, each.encounter_id) for each in answer.members] == [("p3", "e1")]
        assert answer.notes_without_subject == 5


def test_the_same_again_is_the_same_to_the_byte(path: Path) -> None:
    asked = one("heart failure") | {"like": {"patients": ["p3"]}, "unlike": {"notes": ["f"]}}
    found = []
    for _ in range(2):
        with notekin.open(path, encoder=ENCODER) as store:
            store.cohort.run(asked, replace=True)
            answers = [store.cohort.show("x").answer, store.cohort.rerun("x")]
            found += [exported(answer, Format.JSON) for answer in answers]
            other = exported(store.cohort.rerun("x", "y"), Format.JSON)
            found.append(other.replace(b'"y"', b'"x"'))
            store.cohort.delete("y")
    assert len(set(found)) == 1


def test_who_is_like_the_examples_ranks_first_and_unknown_ids_are_counted(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        asked = {"name": "x", "like": {"patients": ["p4", "nobody"]}}
        answer = store.cohort.run(asked)
        assert answer.members[0].patient_id == "p4"
        assert answer.unknown_examples == 1
        assert len(answer.members) == 4
        unlike = store.cohort.run(asked | {"unlike": {"notes": ["f"]}}, replace=True)
        assert {round(each.score, 6) for each in unlike.members} == {0.5}
        with pytest.raises(CohortError, match="None of the 1 examples"):
            store.cohort.run({"name": "z", "like": {"notes": ["nobody"]}})


def test_means_of_vectors_are_those_of_plain_loops(path: Path) -> None:
    folder = StoreFolder.open(path)
    snapshot = folder.snapshot()
    owners = snapshot.owners()
    whole = Whole(snapshot, owners)
    vectors = {name: ENCODER.encode_notes([each.text])[0].vector for name, each in named().items()}
    subject = np.array([0, 0, 1, 2, 2, -1, -1])
    expected = [
        vectors["a"].astype(float) + vectors["b"],
        vectors["c"].astype(float),
        vectors["d"].astype(float) + vectors["e"],
        np.zeros(ENCODER.dim),
    ]
    found = whole.directions(subject, 4)
    for got, total in zip(found, expected, strict=True):
        length = np.linalg.norm(total)
        np.testing.assert_allclose(got, total / length if length else total, atol=1e-6)
    like = whole.find(Examples(("p1", "p3"), ("f",)))
    mean = found[0] + found[2] + vectors["f"]
    np.testing.assert_allclose(like.direction, mean / np.linalg.norm(mean), atol=1e-6)
    assert like.notes.tolist() == [True, True, False, True, True, True, False]
    folder.close()


def named() -> dict[str, notekin.Note]:
    return {str(each.note_id): each for each in NOTES}


def test_a_cohort_is_found_again_where_a_purge_cuts_in(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_module.screen  # type: ignore[attr-defined]  # to be cut into
    tries: list[object] = []

    def cut_in(*arguments: object, **more: object) -> object:
        found = whole(*arguments, **more)  # type: ignore[arg-type]  # as it is called
        if not tries:
            purge(path, "p3")
        tries.append(found)
        return found

    monkeypatch.setattr(run_module, "screen", cut_in)
    with notekin.open(path, encoder=ENCODER) as store:
        assert members(store, one("heart failure")) == ["p1"]
        assert store.cohort.list()[0].generation == store.stats().generation
    assert len(tries) == 2


def purge(path: Path, patient: str) -> None:
    folder = StoreFolder.open(path)
    with folder.write() as writer:
        writer.delete(Condemned.of((), [patient]))
        writer.purge()
    folder.close()


def test_a_purge_between_finding_and_keeping_is_met_by_finding_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from notekin.storage.kept_cohorts import KeptCohorts

    keep = KeptCohorts.keep
    tries: list[int] = []

    def cut_in(self: KeptCohorts, *arguments: object, **more: object) -> None:
        if not tries:
            purge(path, "p3")
        tries.append(1)
        keep(self, *arguments, **more)  # type: ignore[arg-type]  # as it is called

    monkeypatch.setattr(KeptCohorts, "keep", cut_in)
    with notekin.open(path, encoder=ENCODER) as store:
        assert members(store, one("heart failure")) == ["p1"]
        assert [each.patient_id for each in store.cohort.show("x").answer.members] == ["p1"]
    assert len(tries) == 2


def test_a_new_result_beside_the_old_one_takes_its_verdicts_along(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        store.cohort.run(one("heart failure", cut="calibrated"))
        review = store.cohort.review("x")
        question = review.next()
        assert question is not None
        review.judge(question, Verdict.NO)
        first = store.cohort.rerun("x", "y")
        assert first.cuts[0].calibrated
        kept = store._open().cohorts
        assert kept.judgements("y") == kept.judgements("x") != []
        assert store.cohort.rerun("y") == first


def test_a_field_that_no_note_has_is_refused(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store, pytest.raises(FilterError, match="wad"):
        store.cohort.run({"name": "x", "include": {"where": {"wad": "A7"}}})


def test_a_store_without_notes_answers_with_nobody(tmp_path: Path) -> None:
    store_of(tmp_path / "empty", ENCODER).close()
    with notekin.open(tmp_path / "empty", encoder=ENCODER) as store:
        for asked in (one("heart failure"), {"name": "y", "include": {"phrase": "rash"}}):
            assert store.cohort.run(asked).members == ()


def test_a_cohort_that_no_longer_fits_is_not_kept(path: Path) -> None:
    """The store says no where a purge came between, whatever the caller does."""
    with notekin.open(path, encoder=ENCODER) as store:
        store.cohort.run(one("heart failure"))
        kept = store._open().cohorts.read("x").cohort
        purge(path, "p3")
        commit_one(path)
        with pytest.raises(StaleSnapshotError):
            store._open().cohorts.keep(kept, replace=True)


def commit_one(path: Path) -> None:
    folder = StoreFolder.open(path)
    commit(folder, ENCODER, note("z", "stroke"))
    folder.close()
