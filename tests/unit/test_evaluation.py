import json
import math
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from notekin.column_names import usual_field
from notekin.errors import FilterError, NotekinError, ReaderError, UsageError
from notekin.search.asked_task import Plan, check_plan
from notekin.search.evaluation import Evaluation, check_ids, check_run, evaluate
from notekin.search.grouping import Grouping
from notekin.search.mode import Mode
from notekin.search.plot import check_plot, draw, lengths_of
from notekin.search.significance import randomisation_p
from notekin.search.task import read_task
from notekin.storage.conditions import OneOf
from notekin.storage.snapshot import Snapshot
from tests.support.notes import CANARY, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder()
CORPUS = OneOf("source", ("s",))
TEXTS = {
    "d1": "fever and cough",
    "d2": "a rash on the arm",
    "d3": "cough at night, fever by day, no rash",
    "q2": "rash",
}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    notes = [
        note(
            name,
            text,
            category="ED",
            attributes={"age": at, "tags": ["even" if at % 2 == 0 else "odd"]},
        )
        for at, (name, text) in enumerate(TEXTS.items())
    ]
    other = note("d9", "fever and cough", source="other")
    return store_of(tmp_path_factory.mktemp("task") / "s", ENCODER, *notes, other).snapshot()


def written(folder: Path, queries: list[Any], qrels: str, at: str = "qrels.tsv") -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in queries]
    (folder / "queries.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "corpus.jsonl").write_text("{}\n")
    (folder / at).parent.mkdir(exist_ok=True)
    (folder / at).write_text(qrels)
    return folder


def measured(snapshot: Snapshot, folder: Path, plan: Plan) -> Evaluation:
    return evaluate(read_task(folder), snapshot, ENCODER, CORPUS, plan)


def test_ndcg_is_what_its_formula_says(snapshot: Snapshot, tmp_path: Path) -> None:
    qrels = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t1\nq1\td3\t0\nq1\tgone\t3\n"
    folder = written(tmp_path, [{"_id": "q1", "text": "fever and cough"}], qrels)
    result = measured(snapshot, folder, Plan([Mode.DENSE])).results[0]
    found = list(result.run["q1"])
    grades = {"d1": 2, "d2": 1}
    gain = sum(grades.get(name, 0) / math.log2(at + 2) for at, name in enumerate(found))
    ideal = sum(grade / math.log2(at + 2) for at, grade in enumerate([3, 2, 1]))
    assert result.metrics["nDCG@10"] == pytest.approx(gain / ideal, abs=1e-5)
    assert list(result.by_query) == pytest.approx([gain / ideal])
    assert found[0] == "d1"
    assert "d9" not in found  # another source's


def test_a_negative_judgement_is_not_relevant(snapshot: Snapshot, tmp_path: Path) -> None:
    folder = written(tmp_path, [{"_id": "q1", "text": "rash"}], "q1\td2\t-1\nq1\td1\t1\n")
    metrics = measured(snapshot, folder, Plan([Mode.LEXICAL])).results[0].metrics
    assert metrics["recall@10"] == 0  # d1 holds no rash


def test_a_document_with_the_querys_own_id_is_not_counted(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    folder = written(tmp_path, [{"_id": "q2", "text": "rash"}], "q2\td2\t1\n")
    for result in measured(snapshot, folder, Plan(list(Mode))).results:
        assert "q2" not in result.run["q2"]


def test_modes_stand_side_by_side_with_what_chance_makes_of_them(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    folder = written(tmp_path, [{"_id": "q1", "text": "cough"}], "q1\td1\t1\n")
    answer = measured(snapshot, folder, Plan(list(Mode), recall=True)).to_dict()
    assert [one["mode"] for one in answer["modes"]] == ["hybrid", "dense", "lexical"]
    assert answer["metrics"] == answer["modes"][0]["metrics"]
    assert {(one["mode"], one["than"]) for one in answer["differences"]} == {
        ("hybrid", "dense"),
        ("hybrid", "lexical"),
        ("dense", "lexical"),
    }
    assert all(one["recall"] == 1 and one["path"] == "exact" for one in answer["path_recall"])
    json.dumps(answer)


def test_predicates_narrow_and_their_text_is_asked(snapshot: Snapshot, tmp_path: Path) -> None:
    queries = [
        {
            "_id": "q1",
            "text": "odd notes of those aged 0 to 2 about rash",
            "metadata": {"filters": {"age": [0, 2], "tags_contains": "odd"}, "semantic_text": "x"},
        },
        {"_id": "q3", "text": "rash", "metadata": {"filters": {"age": 2}}},
        {"_id": "q4", "text": "rash", "metadata": None},
    ]
    folder = written(tmp_path, queries, "q1\td2\t1\nq3\td3\t1\nq4\td2\t1\n")
    run = measured(snapshot, folder, Plan([Mode.DENSE], filters=True)).results[0].run
    assert list(run["q1"]) == ["d2"]
    assert list(run["q3"]) == ["d3"]
    assert len(run["q4"]) == 4
    run = measured(snapshot, folder, Plan([Mode.DENSE])).results[0].run
    assert len(run["q1"]) == 4


def test_true_and_1_are_two_predicates(tmp_path: Path) -> None:
    facts: dict[str, Any] = {"d1": True, "d2": 1}
    notes = [note(name, "rash", attributes={"died": value}) for name, value in facts.items()]
    store = store_of(tmp_path / "s", ENCODER, *notes).snapshot()
    queries = [
        {"_id": f"q{name}", "text": "rash", "metadata": {"filters": {"died": value}}}
        for name, value in facts.items()
    ]
    folder = written(tmp_path, queries, "qd1\td1\t1\nqd2\td2\t1\n")
    run = measured(store, folder, Plan(filters=True)).results[0].run
    assert {query: list(found) for query, found in run.items()} == {"qd1": ["d1"], "qd2": ["d2"]}


def test_predicates_name_facts_as_the_corpus_does(snapshot: Snapshot, tmp_path: Path) -> None:
    filters = {"Note_Id_contains": ["d2", "d3"], "note_type": "ED", "age": [2, None]}
    queries = [{"_id": "q1", "text": "rash", "metadata": {"filters": filters}}]
    folder = written(tmp_path, queries, "q1\td2\t1\n")
    plan = Plan([Mode.DENSE], filters=True, field_called=usual_field)
    assert list(measured(snapshot, folder, plan).results[0].run["q1"]) == ["d3"]


@pytest.mark.parametrize("filters", ["age", {"age": {"a": 1}}, {"nothing": 1}])
def test_filters_that_are_none_are_one_error(
    snapshot: Snapshot, tmp_path: Path, filters: object
) -> None:
    queries = [{"_id": "q1", "text": CANARY, "metadata": {"filters": filters}}]
    folder = written(tmp_path, queries, "q1\td1\t1\n")
    with pytest.raises(FilterError) as raised:
        measured(snapshot, folder, Plan(filters=True))
    assert CANARY not in str(raised.value)


def test_a_query_of_nothing_finds_nothing_and_counts(snapshot: Snapshot, tmp_path: Path) -> None:
    queries = [
        {"_id": "q1", "text": ""},
        {"_id": 7, "title": "rash", "metadata": [1]},
        {"_id": "unjudged", "text": "rash"},
    ]
    folder = written(tmp_path, queries, "q1\td1\t1\n7\td2\t1\n", at="qrels/test.tsv")
    result = measured(snapshot, folder, Plan([Mode.LEXICAL])).results[0]
    assert result.run["q1"] == {}
    assert next(iter(result.run["7"])) == "q2"
    assert result.by_query[0] == 0
    assert len(result.by_query) == 2


@pytest.mark.parametrize(
    ("queries", "qrels"),
    [
        ([{"text": "x"}], "q1\td1\t1\n"),
        (["[]"], "q1\td1\t1\n"),
        (["{"], "q1\td1\t1\n"),
        ([{"_id": "q1", "text": "x"}, {"_id": "q1", "text": "y"}], "q1\td1\t1\n"),
        ([{"_id": "q1", "text": "x"}], "q1\td1\n"),
        ([{"_id": "q1", "text": "x"}], "q1\td1\t1\nq1\td2\tmuch\n"),
        ([{"_id": "q1", "text": "x"}], "q1\td1\t0.5\n"),
        ([{"_id": "q1", "text": "x"}], "q2\td1\t1\n"),
    ],
)
def test_a_task_that_is_none_is_one_error_that_names_the_place(
    tmp_path: Path, queries: list[Any], qrels: str
) -> None:
    with pytest.raises(ReaderError) as raised:
        read_task(written(tmp_path, queries, qrels))
    assert str(tmp_path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "qrels",
    ["q1 0 d1 1\nq1 0 d2 -1\n", "q1\t0\td1\t1\r\nq1\t0\td2\t-1\r\n", "q1  Q0 d1  1\nq1 d2 -1"],
)
@pytest.mark.parametrize("at", ["qrels.tsv", "qrels/test.tsv", "qrels/dev.tsv", "qrels/train.tsv"])
def test_judgements_are_read_in_trecs_form_and_from_any_split(
    tmp_path: Path, qrels: str, at: str
) -> None:
    task = read_task(written(tmp_path, [{"_id": "q1", "text": "x"}], qrels, at))
    assert task.qrels == {"q1": {"d1": 1, "d2": -1}}


def test_the_split_to_test_on_goes_first(tmp_path: Path) -> None:
    written(tmp_path, [{"_id": "q1", "text": "x"}], "q1\td1\t1\n", "qrels/train.tsv")
    written(tmp_path, [{"_id": "q1", "text": "x"}], "q1\td2\t1\n", "qrels/test.tsv")
    assert read_task(tmp_path).qrels == {"q1": {"d2": 1}}


def test_judged_documents_that_the_corpus_lacks_are_counted(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    queries = [{"_id": "q1", "text": "rash"}]
    folder = written(tmp_path, queries, "q1\td2\t1\nq1\tgone\t1\nq1\tlost\t0\n")
    answer = measured(snapshot, folder, Plan()).to_dict()
    assert (answer["relevant"], answer["relevant_not_in_corpus"]) == (2, 1)
    folder = written(tmp_path, queries, f"q1\t{CANARY}\t1\n")
    with pytest.raises(ReaderError, match="corpus") as raised:
        measured(snapshot, folder, Plan())
    assert CANARY not in str(raised.value)


def test_qrels_that_name_patients_are_measured_by_patient(tmp_path: Path) -> None:
    notes = [
        note(f"n{at}", "fever and a cough" if at % 2 else "rash", patient=f"p{at // 40}")
        for at in range(6 * 40)
    ]
    alone = note("alone", "fever and a cough of long")
    store = store_of(tmp_path / "s", ENCODER, *notes, alone).snapshot()
    qrels = "q1\tp1\t1\nq1\tp5\t2\nq1\talone\t1\nq1\tp9\t1\n"
    folder = written(tmp_path, [{"_id": "q1", "text": "cough"}], qrels)
    answer = measured(store, folder, Plan(list(Mode), by=Grouping.PATIENT))
    for result in answer.results:
        assert set(result.run["q1"]) == {*(f"p{at}" for at in range(6)), "alone"}
        assert result.metrics["recall@10"] == 0.75
    assert (answer.relevant, answer.not_in_corpus) == (4, 1)


def test_a_task_without_its_files_or_folder_is_one_error(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(NotekinError):
            read_task(folder)


def test_what_was_found_is_written_as_a_trec_run(snapshot: Snapshot, tmp_path: Path) -> None:
    folder = written(tmp_path, [{"_id": "q1", "text": "cough"}], "q1\td1\t1\n")
    evaluation = measured(snapshot, folder, Plan([Mode.DENSE]))
    evaluation.write_run(tmp_path / "run.txt")
    rows = [line.split() for line in (tmp_path / "run.txt").read_text().splitlines()]
    assert [row[2] for row in rows] == list(evaluation.results[0].run["q1"])
    assert [row[3] for row in rows] == [str(at + 1) for at in range(len(rows))]
    assert {(row[0], row[1], row[5]) for row in rows} == {("q1", "Q0", "dense")}


def test_a_run_is_its_owners_alone_and_refuses_what_trec_cannot_hold(
    snapshot: Snapshot, tmp_path: Path
) -> None:
    folder = written(tmp_path, [{"_id": "q 1", "text": "cough"}], "q 1\td1\t1\n")
    run = tmp_path / "run.txt"
    run.write_text("as it was")
    with pytest.raises(UsageError, match="space"):
        measured(snapshot, folder, Plan([Mode.DENSE])).write_run(run)
    assert run.read_text() == "as it was"
    folder = written(tmp_path, [{"_id": "q1", "text": "cough"}], "q1\td1\t1\n")
    measured(snapshot, folder, Plan([Mode.DENSE])).write_run(run)
    assert stat.S_IMODE(run.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="no folder"):
        check_run(tmp_path / "none" / "run.txt")


def test_ids_that_a_run_cannot_hold_are_found_before_the_measuring(tmp_path: Path) -> None:
    task = read_task(written(tmp_path, [{"_id": "q1", "text": "cough"}], "q1\td1\t1\n"))
    check_ids(task, ["d1", "d2"], Grouping.NOTE)
    check_ids(task, ["d 1"], Grouping.PATIENT)
    with pytest.raises(UsageError, match="space"):
        check_ids(task, ["d1", "d 2"], Grouping.NOTE)


def test_measuring_fewer_than_one_hit_is_refused() -> None:
    with pytest.raises(UsageError):
        check_plan(Plan(k=0))


def test_chance_explains_equal_answers_and_not_a_steady_difference() -> None:
    random = np.random.default_rng(1)
    ours = random.random(200)
    assert randomisation_p(ours, ours) == 1
    assert randomisation_p(ours + 0.1, ours) < 0.001
    noise = ours + random.standard_normal(200) * 0.1
    assert randomisation_p(noise, ours) == randomisation_p(ours, noise)
    assert randomisation_p(noise, ours) > 0.001


def test_p_is_the_share_of_sign_flips_that_differ_as_much() -> None:
    ours, theirs = np.array([0.3, 0.5, 0.9]), np.array([0.1, 0.4, 0.4])
    assert randomisation_p(ours, theirs, 40_000) == pytest.approx(2 / 8, abs=0.01)


def test_a_plot_is_drawn_or_refused_before_the_work(
    snapshot: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = [{"_id": "q1", "text": "cough", "metadata": {"start_word": 7}}]
    folder = written(tmp_path, queries, "q1\td1\t1\n")
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"notekin\[bench\]"):
        check_plot(tmp_path / "a.png")
    monkeypatch.undo()
    with pytest.raises(UsageError, match="png"):
        check_plot(tmp_path / "a.txt")
    with pytest.raises(UsageError, match="no folder"):
        check_plot(tmp_path / "none" / "a.png")
    draw(
        measured(snapshot, folder, Plan(list(Mode))),
        lengths_of(snapshot, CORPUS),
        tmp_path / "a.png",
    )
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
