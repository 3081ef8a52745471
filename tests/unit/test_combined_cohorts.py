"""Cohorts made of two others are run again as those are: the same again is the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import notekin
from notekin.errors import CohortError
from notekin.search.cohort.answer import CohortAnswer
from notekin.search.cohort.combination import MOST_PARTS
from notekin.search.cohort.exports import Format, exported
from notekin.search.cohort.judgements import Verdict
from notekin.storage.deleting import Condemned
from notekin.storage.store import StoreFolder
from notekin.types import Note
from tests.support.notes import commit, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder()
NOTES = [
    note("a", "He has heart failure.", patient="p1", recorded="2020-01-01"),
    note("b", "Heart failure, and a rash.", patient="p2", recorded="2020-01-02"),
    note("c", "No heart failure. A rash.", patient="p3", recorded="2020-01-03"),
    note("d", "Takes furosemide.", patient="p1", recorded="2020-01-04"),
    note("e", "Well.", patient="p4", recorded="2020-01-05"),
]
FAILURE = {"name": "failure", "include": {"id": "hf", "meaning": "heart failure"}}
RASH = {"name": "rash", "include": {"id": "rash", "phrase": "rash"}}
DRUG = {"name": "drug", "include": {"id": "drug", "phrase": "furosemide"}}
HOW = ("union", "intersect", "minus")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    store_of(tmp_path / "store", ENCODER, *NOTES).close()
    with notekin.open(tmp_path / "store", encoder=ENCODER) as store:
        for definition in (FAILURE, RASH, DRUG):
            store.cohort.run(definition)
    return tmp_path / "store"


def add(path: Path, *notes: Note) -> None:
    folder = StoreFolder.open(path)
    commit(folder, ENCODER, *notes)
    folder.close()


def purge(path: Path, patient: str) -> None:
    folder = StoreFolder.open(path)
    with folder.write() as writer:
        writer.delete(Condemned.of((), [patient]))
        writer.purge()
    folder.close()


def patients(answer: CohortAnswer) -> list[str]:
    return sorted(str(one.patient_id) for one in answer.members)


@pytest.mark.parametrize("how", HOW)
def test_the_same_again_is_the_same_to_the_byte(path: Path, how: str) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        first = getattr(store.cohort, how)("failure", "rash", "both")
        again = store.cohort.rerun("both")
        beside = store.cohort.rerun("both", "beside")
        for kind in (Format.JSON, Format.CSV):
            assert exported(again, kind) == exported(first, kind)
        assert beside.members == first.members
        assert store.cohort.show("both").answer == first
        assert store.cohort.rerun("beside") == beside


def test_what_came_later_is_found_and_the_parts_are_left_as_they_were(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        store.cohort.minus("failure", "rash", "alone")
        store.cohort.union("alone", "drug", "nested")
        assert patients(store.cohort.show("nested").answer) == ["p1"]
    add(path, note("f", "Heart failure since May.", patient="p9"))
    with notekin.open(path, encoder=ENCODER) as store:
        found = store.cohort.rerun("nested")
        assert patients(found) == ["p1", "p9"]
        assert found.generation == store.stats().generation
        assert store.cohort.show("nested").answer == found == store.cohort.rerun("nested")
        assert patients(store.cohort.show("alone").answer) == ["p1"]
        assert [row.rule for row in found.attrition] == ["", "alone, drug"]


def test_parts_that_are_gone_or_asked_otherwise_by_now_are_run_as_they_were(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        first = store.cohort.intersect("failure", "rash", "both")
        store.cohort.delete("failure")
        store.cohort.run(DRUG | {"name": "rash"}, replace=True)
        assert store.cohort.rerun("both") == first


def test_verdicts_on_a_part_go_with_the_cohort_that_is_made_of_it(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        judged = FAILURE | {
            "include": {"id": "hf", "meaning": "heart failure", "cut": "calibrated"}
        }
        store.cohort.run(judged, replace=True)
        review = store.cohort.review("failure")
        while (question := review.next()) is not None:
            yes = question.note_id == "b"
            review.judge(question, Verdict.YES if yes else Verdict.NO)
        store.cohort.rerun("failure")
        store.cohort.union("failure", "drug", "inner")
        outer = store.cohort.union("inner", "drug", "outer")
        assert patients(outer) == ["p1", "p2"]
        assert patients(store.cohort.show("failure").answer) == ["p2"]
        store.cohort.delete("failure")
        store.cohort.delete("inner")
        assert store.cohort.rerun("outer") == outer
        assert store.cohort.rerun("outer", "beside").members == outer.members
        assert store.cohort.rerun("beside").members == outer.members


def test_it_is_of_the_generation_that_its_older_part_was_found_at(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        before = store.stats().generation
    add(path, note("f", "Heart failure since May.", patient="p9"))
    with notekin.open(path, encoder=ENCODER) as store:
        store.cohort.rerun("failure", "newer")
        grown = store.cohort.minus("newer", "failure", "grown")
        assert patients(grown) == ["p9"]
        assert grown.generation == before
        assert store.cohort.rerun("grown").generation == before + 1


def test_old_cohorts_are_put_together_after_a_purge_and_a_purge_that_cuts_in_is_met(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from notekin.storage.kept_cohorts import KeptCohorts

    purge(path, "p3")
    keep = KeptCohorts.keep
    tries: list[int] = []

    def cut_in(self: KeptCohorts, *arguments: object, **more: object) -> None:
        if not tries:
            purge(path, "p2")
        tries.append(1)
        keep(self, *arguments, **more)  # type: ignore[arg-type]  # as it is called

    monkeypatch.setattr(KeptCohorts, "keep", cut_in)
    with notekin.open(path, encoder=ENCODER) as store:
        assert patients(store.cohort.union("failure", "rash", "both")) == ["p1"]
        assert patients(store.cohort.show("both").answer) == ["p1"]
    assert len(tries) == 2


def test_a_difference_says_which_part_somebody_is_not_in_and_why(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        for how in HOW:
            getattr(store.cohort, how)("failure", "drug", how)
        store.cohort.union("intersect", "rash", "nested")
        store.cohort.minus("union", "rash", "of_union")
        store.cohort.run({"name": "all", "include": {"where": {"patient_id": {"missing": False}}}})
        why = {
            how: {one.patient_id: one.why for one in store.cohort.diff("all", how).left}
            for how in (*HOW, "nested", "of_union")
        }
        assert why["union"]["p4"] == (
            "not in failure: include hf: no evidence; not in drug: include drug: no evidence"
        )
        assert why["intersect"]["p2"] == "not in drug: include drug: no evidence"
        assert why["minus"]["p1"] == "in drug"
        assert why["minus"]["p4"] == "not in failure: include hf: no evidence"
        assert why["of_union"]["p2"] == "in rash"
        assert why["nested"] == {
            "p4": "not in intersect: not in failure: include hf: no evidence; not in drug: "
            "include drug: no evidence; not in rash: include rash: no evidence"
        }


def test_a_difference_goes_by_what_is_met_now_and_says_so(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        store.cohort.intersect("failure", "drug", "both")
        before = store.cohort.rerun("failure", "before").generation
    add(path, note("f", "Takes furosemide.", patient="p2"))
    with notekin.open(path, encoder=ENCODER) as store:
        (left,) = store.cohort.diff("before", "both").left
        assert (left.patient_id, left.why) == (
            "p2",
            f"is in it by now (as of generation {before + 1})",
        )


def test_verdicts_count_where_a_difference_says_why(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        judged = FAILURE | {
            "include": {"id": "hf", "meaning": "heart failure", "cut": "calibrated"}
        }
        store.cohort.run(judged, name="judged")
        review = store.cohort.review("judged")
        while (question := review.next()) is not None:
            review.judge(question, Verdict.NO)
        assert store.cohort.rerun("judged").members == ()
        why = {one.patient_id: one.why for one in store.cohort.diff("failure", "judged").left}
        assert why["p1"].startswith("include hf: ")


def test_a_purge_takes_ids_out_of_the_definitions_of_parts(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        named = {"name": "named", "include": {"where": {"patient_id": ["p3", "p4"]}}}
        store.cohort.run(named)
        store.cohort.union("named", "drug", "both")
        store.cohort.delete("named")
    purge(path, "p3")
    with notekin.open(path, encoder=ENCODER) as store:
        kept = store._open().cohorts.read("both").cohort.head.definition
        assert "p3" not in json.dumps(kept)
        assert "p4" in json.dumps(kept)
        assert patients(store.cohort.rerun("both")) == ["p1", "p4"]


def test_it_can_be_neither_reviewed_nor_drawn_and_says_what_can(path: Path, tmp_path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        store.cohort.union("failure", "rash", "both")
        for ask in (
            lambda: store.cohort.review("both"),
            lambda: store.cohort.report("both", tmp_path / "x.html"),
            lambda: store.cohort.definition("both"),
        ):
            with pytest.raises(CohortError, match="made of two others"):
                ask()


@pytest.mark.parametrize("name", ["", "a b", "../up", "x" * 65])
def test_a_name_that_no_cohort_can_bear_is_refused(path: Path, name: str) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        with pytest.raises(CohortError, match="letters"):
            store.cohort.union("failure", "rash", name)
        store.cohort.union("failure", "rash", "both")
        with pytest.raises(CohortError, match="letters"):
            store.cohort.rerun("both", name)


def test_it_is_made_of_so_many_at_most(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        name, parts = "failure", 1
        while 2 * parts <= MOST_PARTS:
            store.cohort.union(name, name, f"u{parts}")
            name, parts = f"u{parts}", 2 * parts
        with pytest.raises(CohortError, match="one definition"):
            store.cohort.union(name, name, "more")


def test_one_that_was_kept_by_names_alone_says_what_to_do(path: Path) -> None:
    with notekin.open(path, encoder=ENCODER) as store:
        store.cohort.union("failure", "rash", "both")
        kept = store._open().cohorts
        head = kept.read("both").cohort.head
        older = json.dumps({"name": "both", "of": ["failure", "rash"], "how": "union"})
        cohort = replace(kept.read("both").cohort, head=replace(head, definition=older))
        kept.keep(cohort, replace=True)
        assert patients(store.cohort.show("both").answer) == ["p1", "p2", "p3"]
        with pytest.raises(CohortError, match="make it of them again"):
            store.cohort.rerun("both")
