"""Answers as files."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import notekin
from notekin.errors import UsageError
from notekin.search.export import COLUMNS, falling
from tests.support.notes import Given, note
from tests.support.words import WordEncoder

QUERIES = {"q1": "severe gout", "q2": "rash"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[notekin.Store]:
    path = tmp_path_factory.mktemp("export") / "s"
    with notekin.open(path, encoder=WordEncoder()) as store:
        given = Given(
            [
                note(
                    "n1",
                    'Severe gout, "really".\nDenies rash.',
                    patient="p1",
                    recorded="2020-01-02",
                ),
                note("n2", "Gout.", patient="p1", attributes={"age": 5}),
                note("n 3", "Rash \ud800 and fever.", patient="p2"),
            ]
        )
        store._index([given], lambda _report, _total: None)
        yield store


def test_each_form_holds_the_same_hits(store: notekin.Store, tmp_path: Path) -> None:
    answers = dict(store.search_many(QUERIES, 2))
    expected = [(q, hit.rank, hit.note_id) for q, found in answers.items() for hit in found]
    for suffix in (".parquet", ".csv", ".jsonl"):
        path = tmp_path / f"found{suffix}"
        assert store.export(QUERIES, path, 2) == len(expected)
        if suffix == ".parquet":
            rows = pd.read_parquet(path).to_dict("records")
        elif suffix == ".csv":
            with path.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        else:
            rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert [(row["query_id"], int(row["rank"]), row["note_id"]) for row in rows] == expected
        if suffix != ".jsonl":
            assert list(rows[0]) == list(COLUMNS)
            assert {row["polarity"] for row in rows} <= {"affirmed", "negated", "possible"}


def test_a_run_is_in_trecs_form_and_names_patients_where_they_are_the_rows(
    store: notekin.Store, tmp_path: Path
) -> None:
    path = tmp_path / "found.trec"
    store.export({"q1": "gout"}, path, 1)
    query, fixed, name, rank, score, run = path.read_text().split()
    assert (query, fixed, name, rank, run) == ("q1", "Q0", "n2", "1", "notekin")
    assert 0 < float(score) <= 1
    store.export({"q1": "gout"}, path, 1, by="patient")
    assert path.read_text().split()[2] == "p1"


def test_whoever_sorts_a_run_by_its_scores_gets_our_order(
    store: notekin.Store, tmp_path: Path
) -> None:
    assert list(falling([0.5, 0.5, 0.1, 0.3])) == [0.5, 0.499999, 0.1, 0.099999]
    scores = np.array(list(falling([40.0] * 100 + [-2.0] * 100)), np.float32)
    assert (np.diff(scores) < 0).all()
    store.export({"q": "gout"}, tmp_path / "found.trec", 2)
    lines = [line.split() for line in (tmp_path / "found.trec").read_text().splitlines()]
    assert len({line[4] for line in lines}) == len(lines) > 1


def test_one_example_needs_no_list(store: notekin.Store) -> None:
    listed = store.search(None, like=["n1"], unlike=["n 3"])
    assert store.search(None, like="n1", unlike="n 3").hits == listed.hits


def test_a_run_refuses_an_id_with_a_space_and_leaves_the_file_as_it_was(
    store: notekin.Store, tmp_path: Path
) -> None:
    path = tmp_path / "found.trec"
    path.write_text("before")
    with pytest.raises(UsageError, match="space"):
        store.export({"q1": "rash"}, path, 3)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_of_notes_is_its_owners_alone(store: notekin.Store, tmp_path: Path) -> None:
    path = tmp_path / "found.csv"
    store.export(QUERIES, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["found.xlsx", "found", "nowhere/found.csv"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_searched(
    store: notekin.Store, tmp_path: Path, name: str
) -> None:
    searched: list[int] = []
    with pytest.raises(UsageError):
        store.export(QUERIES, tmp_path / name, 1, lambda done, _all: searched.append(done))
    assert searched == []


def test_progress_is_told_to_the_end(store: notekin.Store) -> None:
    told: list[tuple[int, int]] = []
    many = {str(at): "gout" for at in range(40)}
    list(store.search_many(many, 1, lambda done, total: told.append((done, total))))
    assert told[-1] == (40, 40)
    assert len(told) > 1
