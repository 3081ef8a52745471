import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import notekin
from notekin import cli
from notekin.errors import NotekinError
from notekin.indexer.longformer.linear import int8_is_right
from tests.support.notes import CANARY
from tests.support.tiny_longformer import write_tiny_bert, write_tiny_longformer

ROWS = [
    ("n1", "p1", "Progress note", "2020-01-05", "chest pain and shortness of breath", "3"),
    ("n2", "p2", "ED note", "2021-02-05", "fever and cough for three days", "3"),
    ("n3", "p2", "ED note", "2022-03-05", "rash after penicillin", "4"),
    ("n4", "p3", "Consult", "", f"{CANARY} denies chest pain", "4"),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_longformer(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("notes") / "notes.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["note_id", "patient_id", "category", "note_date", "text", "ward"])
        writer.writerows(ROWS)
    return path


@pytest.fixture(scope="module")
def store(model: Path, notes: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("cli") / "store")
    assert run("index", notes, "--store", path, "--model", model).exit_code == 0
    return path


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(cli.app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit | NotekinError):
        raise result.exception
    return result


def answer(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def error(*arguments: object) -> NotekinError:
    result = run(*arguments)
    assert isinstance(result.exception, NotekinError), result.output
    return result.exception


def test_search_answers_with_the_agreed_json(store: str) -> None:
    found = answer("search", "chest pain", "--store", store, "-k", 3)
    assert set(found) == {"generation", "path", "candidates", "took_ms", "hits"}
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3]
    texts = {row[0]: row[4] for row in ROWS}
    for hit in found["hits"]:
        assert {"note_id", "patient_id", "score", "category", "recorded_at", "title"} <= set(hit)
        for part in hit["evidence"]:
            assert texts[hit["note_id"]][part["start"] : part["end"]] == part["text"]


def test_filters_narrow_a_search_and_k_still_comes_back(store: str) -> None:
    asked = ("search", "pain", "--store", store, "-k", 2, "--where", "category=ED note")
    assert {hit["note_id"] for hit in answer(*asked)["hits"]} == {"n2", "n3"}
    later = answer(*asked, "--after", "2022-01-01")["hits"]
    assert [hit["note_id"] for hit in later] == ["n3"]
    assert (
        answer(*asked, "--before", "2022-03-05", "--where", "ward=3")["hits"][0]["note_id"] == "n2"
    )


def test_filters_of_every_kind_narrow_a_search_and_a_likeness(store: str, tmp_path: Path) -> None:
    file = tmp_path / "filter.json"
    file.write_text(json.dumps({"not": {"field": "note_id", "one_of": ["n3", "n4"]}}))
    asked = ("search", "pain", "--store", store, "-k", 9, "--where", "category~ed NOTE")
    assert {hit["note_id"] for hit in answer(*asked)["hits"]} == {"n2", "n3"}
    assert [hit["note_id"] for hit in answer(*asked, "--filters", file)["hits"]] == ["n2"]
    like = answer("similar", "n1", "--store", store, "--filters", file, "--where", "note_id!=n1")
    assert [hit["note_id"] for hit in like["hits"]] == ["n2"]


def test_similar_finds_others(store: str) -> None:
    found = answer("similar", "n1", "--store", store, "-k", 10)
    assert {hit["note_id"] for hit in found["hits"]} == {"n2", "n3", "n4"}


def test_show_prints_the_note_to_the_letter(store: str) -> None:
    shown = answer("show", "n4", "--store", store)
    assert shown["text"] == f"{CANARY} denies chest pain"
    assert shown["recorded_at"] is None
    assert CANARY in run("show", "n4", "--store", store).stdout


def test_stats_counts_what_is_there(store: str) -> None:
    counted = answer("stats", "--store", store)
    assert (counted["notes"], counted["patients"], counted["generation"]) == (4, 3, 1)
    assert counted["tokens_seen"] == counted["tokens_total"] > 0
    assert counted["attributes"] == ["ward"]
    assert -1 <= counted["mean_pairwise_cosine"] <= 1


def test_a_second_index_run_embeds_nothing(store: str, notes: Path) -> None:
    report = answer("index", notes, "--store", store)
    assert (report["embedded"], report["unchanged"]) == (0, 4)


def test_columns_of_other_names_are_mapped(tmp_path: Path, model: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("NUMMER,INHALT\n7,fever\n")
    store = tmp_path / "s"
    options = ("--map", "note_id=NUMMER", "--map", "text=INHALT", "--model", model)
    assert answer("index", path, "--store", store, *options)["added"] == 1
    assert answer("show", "7", "--store", store)["text"] == "fever"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("search", "x"), 3, "notekin index"),
        (("similar", "x"), 3, "No store"),
        (("stats",), 3, "No store"),
        (("index", "/nowhere.csv", "--model", "MODEL"), 3, "Nothing to read"),
        (("index", __file__, "--model", "builtin", "--map", "text"), 2, "FIELD=COLUMN"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    tmp_path: Path, model: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    given = [str(model) if one == "MODEL" else one for one in arguments]
    raised = error(*given, "--store", tmp_path / "none")
    assert says in str(raised)
    assert "\n" not in str(raised)
    assert raised.exit_code == code


def test_errors_and_messages_hold_no_text_id_or_query(store: str, tmp_path: Path) -> None:
    for arguments in (
        ("similar", CANARY, "--store", store),
        ("show", CANARY, "--store", store),
        ("search", CANARY, "--store", tmp_path / "none"),
        ("search", CANARY, "--store", store, "--where", CANARY),
        ("search", "x", "--store", store, "--after", CANARY),
    ):
        assert CANARY not in str(error(*arguments))


def test_evaluate_indexes_the_corpus_and_measures(tmp_path: Path, model: Path) -> None:
    task = tmp_path / "task"
    task.mkdir()
    documents = [
        {"_id": "d1", "title": "", "text": "chest pain", "metadata": {"ward": "7"}},
        {"_id": "d2", "title": "", "text": "a fever and rash", "metadata": {"ward": "8"}},
        {"_id": "q2", "title": "", "text": "cough", "metadata": {}},
    ]
    (task / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in documents))
    queries = [{"_id": "q1", "text": "chest pain"}, {"_id": "q2", "text": "cough"}]
    (task / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries))
    (task / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\tq2\t1\n")
    store = tmp_path / "s"
    measured = answer("evaluate", task, "--store", store, "--model", model)
    assert (measured["task"], measured["mode"], measured["queries"]) == ("task", "hybrid", 2)
    wanted = {"nDCG@10", "recall@10", "recall@100", "RR@10", "AP"}
    assert set(measured["metrics"]) == wanted
    assert measured["metrics"]["RR@10"] == 0.5  # q2's own document is not counted
    assert answer("stats", "--store", store)["attributes"] == ["ward"]
    assert answer("evaluate", task, "--store", store)["metrics"] == measured["metrics"]


def test_evaluate_searches_the_corpus_as_it_is_now(tmp_path: Path, model: Path) -> None:
    store = ("--store", tmp_path / "s", "--model", model, "--mode", "dense")
    texts = {"a": "fever", "b": "rash", "c": "gout", "d": "cough"}
    rows = [
        {"_id": name, "text": text, "metadata": {"source": "ward 7" if name < "c" else "ward 8"}}
        for name, text in texts.items()
    ]
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({"note_id": "z", "text": "fever", "source": "ward 7"}))
    assert run("index", other, *store[:4]).exit_code == 0
    task = tmp_path / "task"
    task.mkdir()
    (task / "queries.jsonl").write_text(json.dumps({"_id": " 7 ", "text": "fever"}))
    (task / "qrels.tsv").write_text("7\ta\t1\n")
    for held in (rows, rows[:3]):
        (task / "corpus.jsonl").write_text("\n".join(map(json.dumps, held)))
        answer("evaluate", task, *store, "--run", tmp_path / "run")
        found = [line.split()[2] for line in (tmp_path / "run").read_text().splitlines()]
        assert sorted(found) == [row["_id"] for row in held]


def test_evaluate_puts_modes_side_by_side_and_asks_predicates(tmp_path: Path, model: Path) -> None:
    task = tmp_path / "task"
    (task / "qrels").mkdir(parents=True)
    documents = [
        {"_id": "d1", "text": "chest pain", "metadata": {"ward": "7"}},
        {"_id": "d2", "title": "Chest pain", "text": "seen and sent home", "metadata": {"ward": 8}},
    ]
    (task / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in documents))
    query = {"_id": "q1", "text": "of ward 8", "metadata": {"filters": {"ward": 8}}}
    query["metadata"] |= {"semantic_text": "chest pain"}  # type: ignore[operator]  # a dict
    (task / "queries.jsonl").write_text(json.dumps(query) + "\n")
    (task / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td2\t2\n")
    common = ("evaluate", task, "--store", tmp_path / "s", "--mode", "all", "--filters")
    files = ("--run", tmp_path / "run.txt", "--plot", tmp_path / "plot.png")
    measured = answer(*common, "--recall", "--model", model, *files)
    assert [one["metrics"]["nDCG@10"] for one in measured["modes"]] == [1, 1, 1]
    assert {line.split()[2] for line in (tmp_path / "run.txt").read_text().splitlines()} == {"d2"}
    assert (tmp_path / "plot.png").stat().st_size > 1000
    shown = run(*common).output
    assert "hybrid" in shown
    assert "paired randomisation" in shown
    assert "hybrid, dense, lexical" in str(error(*common[:4], "--mode", "both"))
    assert str(tmp_path / "none") in str(error("evaluate", tmp_path / "none", *common[2:4]))


def test_search_takes_a_mode_and_says_what_each_channel_found(store: str) -> None:
    hit = answer("search", "cough", "--store", store, "--mode", "lexical")["hits"][0]
    assert hit["channels"] == {"lexical": {"rank": 1, "score": hit["score"]}}
    both = answer("search", "cough", "--store", store)["hits"][0]
    assert set(both["channels"]) == {"dense", "lexical"}
    assert "hybrid, dense, lexical" in str(
        error("search", "cough", "--store", store, "--mode", "x")
    )


def test_a_setting_that_fits_nothing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEKIN_THREADS", "many")
    assert "NOTEKIN_THREADS" in str(error("stats", "--store", tmp_path))


def test_convert_makes_a_model_that_index_takes(tmp_path: Path, notes: Path) -> None:
    bert = write_tiny_bert(tmp_path / "bert")
    assert run("convert", bert, "--to", tmp_path / "long").exit_code == 0
    report = answer("index", notes, "--store", tmp_path / "s", "--model", tmp_path / "long")
    assert report["added"] == 4


def test_a_hub_that_does_not_answer_offers_the_built_in_model(
    tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    raised = error("index", notes, "--store", tmp_path / "s", "--model", "nobody/no-model")
    assert "--model builtin" in str(raised)
    assert "\n" not in str(raised)


@pytest.mark.parametrize("level", ["token", "passage", "note"])
def test_embed_writes_a_row_a_stretch_with_its_place(
    level: str, tmp_path: Path, model: Path, notes: Path
) -> None:
    to = tmp_path / "out.parquet"
    assert run("embed", notes, "--level", level, "--to", to, "--model", model).exit_code == 0
    table = pd.read_parquet(to)
    assert set(table["note_id"]) == {row[0] for row in ROWS}
    texts = {row[0]: row[4] for row in ROWS}
    for row in table.itertuples():
        text = texts[str(row.note_id)]
        assert len(np.asarray(row.embedding)) == 32
        if level == "note":
            assert (row.begin, row.end) == (0, len(text))
        else:
            assert row.text == text[int(str(row.begin)) : int(str(row.end))]
    if level == "token":
        alone = notekin.embed(texts["n2"], model=str(model))
        assert alone["text"].tolist() == table.loc[table["note_id"] == "n2", "text"].tolist()


def test_embed_leaves_no_file_where_the_source_breaks(tmp_path: Path, model: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 this is none")
    error("embed", tmp_path / "bad.parquet", "--to", tmp_path / "out.parquet", "--model", model)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.parquet"]


def test_a_store_keeps_the_pooling_that_it_was_made_with(
    tmp_path: Path, model: Path, notes: Path
) -> None:
    store = tmp_path / "s"
    asked = ("index", notes, "--store", store, "--model", model, "--pooling")
    assert run(*asked, "mean_max").exit_code == 0
    assert "mean_max" in answer("stats", "--store", store)["reading"]
    assert len(answer("search", "fever", "--store", store)["hits"]) == 4
    assert "other vectors" in str(error(*asked, "cls"))


def test_a_store_made_in_fp32_answers_in_bf16(
    tmp_path: Path, model: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEKIN_PRECISION", "fp32")
    assert run("index", notes, "--store", tmp_path / "s", "--model", model).exit_code == 0
    monkeypatch.setenv("NOTEKIN_PRECISION", "bf16")
    assert len(answer("search", "fever", "--store", tmp_path / "s")["hits"]) == 4


def test_a_store_made_in_fp32_refuses_int8_and_one_made_in_int8_stays_so(
    tmp_path: Path, model: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = {name: tmp_path / name for name in ("fp32", "int8")}
    monkeypatch.setenv("NOTEKIN_PRECISION", "fp32")
    assert run("index", notes, "--store", stores["fp32"], "--model", model).exit_code == 0
    monkeypatch.setenv("NOTEKIN_PRECISION", "int8")
    make = ("index", notes, "--store", stores["int8"], "--model", model)
    if not int8_is_right():
        assert "can't run int8" in str(error(*make))
        assert not stores["int8"].exists()
        return
    assert run(*make).exit_code == 0
    assert "other vectors" in str(error("search", "fever", "--store", stores["fp32"]))
    monkeypatch.setenv("NOTEKIN_PRECISION", "bf16")
    assert len(answer("search", "fever", "--store", stores["int8"])["hits"]) == 4


@pytest.mark.parametrize("code", ["import notekin", "import notekin.cli"])
def test_importing_loads_no_torch_faiss_or_transformers(code: str) -> None:
    heavy = "import sys; print([n for n in ('torch','faiss','transformers') if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {heavy}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_help_answers_without_loading_a_model_and_names_every_command() -> None:
    environment = os.environ | {"PYTHONPROFILEIMPORTTIME": "1"}
    done = subprocess.run(
        [sys.executable, "-c", "from notekin.cli import main; main()", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    for command in ("index", "search", "similar", "show", "stats", "evaluate", "convert", "demo"):
        assert command in done.stdout
    loaded = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert not loaded & {"torch", "faiss", "transformers"}


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version").stdout == f"notekin {notekin.__version__}\n"
    assert (
        f'version = "{notekin.__version__}"'
        in (Path(__file__).parents[2] / "pyproject.toml").read_text()
    )


def test_main_turns_an_error_into_one_line_on_stderr(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "notekin", "search", "x"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr == (
        "notekin: No store at notekin-store. "
        "Make one with: notekin index NOTES --store notekin-store\n"
    )


def test_a_search_says_what_each_note_says_and_finds_what_is_meant(store: str) -> None:
    asked = ("search", "chest pain", "--store", store, "-k", 9)
    says = {
        hit["note_id"]: hit["evidence"][0]["assertion"]["polarity"]
        for hit in answer(*asked)["hits"]
    }
    assert (says["n1"], says["n4"]) == ("affirmed", "negated")
    found = answer(*asked, "--assert", "negated")["hits"]
    assert [hit["note_id"] for hit in found] == ["n4"]
    first = found[0]["evidence"][0]
    text = ROWS[3][4]
    assert [text[start:end] for start, end in first["terms"]] == ["chest", "pain"]
    assert "negated" in run(*asked, "--assert", "negated").stdout


def test_a_search_by_patient_gives_each_once(store: str) -> None:
    hits = answer("search", "fever", "--store", store, "-k", 9, "--by", "patient")["hits"]
    assert sorted(hit["patient_id"] for hit in hits) == ["p1", "p2", "p3"]
    assert {hit["patient_id"]: hit["notes"] for hit in hits}["p2"] == 2


def test_a_text_comes_from_stdin_or_a_file(store: str, tmp_path: Path) -> None:
    path = tmp_path / "pasted.txt"
    path.write_text("rash after penicillin, and more")
    for asked in (
        ("search", "-", "--store", store, "-k", 1, "--json"),
        ("similar", "--text", "-", "--store", store, "-k", 1, "--json"),
    ):
        read = CliRunner().invoke(cli.app, [str(one) for one in asked], input=path.read_text())
        assert json.loads(read.stdout)["hits"][0]["note_id"] == "n3"
    like = answer("similar", "--text", path, "--store", store, "-k", 1)
    assert like["hits"][0]["note_id"] == "n3"


def test_examples_are_never_among_what_is_like_them(store: str) -> None:
    asked = ("search", "--like", "n1", "--unlike", "n2", "--store", store, "-k", 9)
    assert {hit["note_id"] for hit in answer(*asked)["hits"]} == {"n3", "n4"}


def test_many_queries_are_written_to_a_file(store: str, tmp_path: Path) -> None:
    queries, to = tmp_path / "q.txt", tmp_path / "found.csv"
    queries.write_text("chest pain\nfever\n")
    ran = run("search", "--queries", queries, "--to", to, "--store", store, "-k", 2)
    assert ran.exit_code == 0
    assert "4 hits" in ran.stdout
    assert "searching: 2 of 2 queries" in ran.stderr
    with to.open(newline="") as file:
        assert [row["query_id"] for row in csv.DictReader(file)] == ["1", "1", "2", "2"]
    one = answer("search", "fever", "--to", to, "--store", store, "-k", 1)
    assert one == {"queries": 1, "hits": 1, "file": str(to)}
    run("search", "fever", "--to", tmp_path / "one.trec", "--store", store, "-k", 1)
    assert (tmp_path / "one.trec").read_text().startswith("1 Q0 ")


def test_fields_lists_what_filters_can_name(store: str) -> None:
    found = {one["name"]: one for one in answer("fields", "--store", store)["fields"]}
    assert found["category"]["values"][0] == ["ED note", 2]
    assert found["recorded_at"]["type"] == "date"
    assert "ward" in run("fields", "--store", store).stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "Nothing is asked"),
        (("x", "--assert", "sure"), "affirmed"),
        (("x", "--by", "ward"), "patient"),
        (("x", "--to", "found.xlsx"), ".parquet"),
        (("--queries", "q.txt"), "--to"),
        (("x", "--queries", "q.txt", "--to", "f.csv"), "in place"),
        (("--unlike", "n1"), "--like"),
        (("--like", "n1", "--assert", "negated"), "--assert"),
        (("--like", "nobody"), "no note"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(
    store: str, arguments: tuple[str, ...], says: str
) -> None:
    refused = str(error("search", *arguments, "--store", store))
    assert says in refused
    assert "\n" not in refused


def test_evidence_is_shown_plain_and_within_the_width_where_no_terminal_is(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = run("search", "chest pain", "--store", store).stdout
    assert "\x1b" not in shown
    assert max(len(line) for line in shown.splitlines()) <= 80
