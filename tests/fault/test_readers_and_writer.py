"""Readers search while a writer replaces, deletes, compacts and purges: every answer is whole.

Every generation holds the notes of one round only, and every note says its round in its
facts, its text and its vectors. An answer that mixes two generations shows two rounds.

NOTEKIN_LONG_TESTS=1 runs eight readers for longer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from notekin.storage.store import StoreFolder
from tests.support.bytes import found_in
from tests.support.words import WordEncoder

LONG = bool(os.environ.get("NOTEKIN_LONG_TESTS"))
READERS, GENERATIONS = (8, 100) if LONG else (3, 10)
PATIENCE_S = 600

SHARED = """
import json, re, sys, time
from pathlib import Path
import numpy as np
import pandas as pd
import notekin
from tests.support.words import WordEncoder

NOTES, DELETED = 30, 5
encoder = WordEncoder()
store = notekin.open(sys.argv[1], encoder=encoder)

def table(round):
    text = f"fever round{round} noteN one cough round{round} noteN two rash round{round} noteN end"
    return pd.DataFrame([
        {"note_id": f"n{at}", "patient_id": f"p{at}", "round": f"round{round}",
         "text": text.replace("noteN", f"note{at}")}
        for at in range(NOTES)
    ])
"""

WRITER = (
    SHARED
    + """
round = 0
while not Path(sys.argv[2]).exists():
    round += 1
    store.index(table(round), source="s")
    store.delete([f"n{at}" for at in range(DELETED)])
    if round % 2:
        store.compact()
    if round % 3:
        store.purge()
store.purge()
print(json.dumps({"rounds": round}))
"""
)

READER = (
    SHARED
    + """
def check(hit, query):
    rounds = {hit.attributes["round"]}
    for part in hit.evidence:
        rounds |= set(re.findall(r"round[0-9]+", part.text))
        vector = encoder.encode([part.text])[0]
        assert abs(part.score - float(vector @ query)) < 1e-5, "a vector of another text"
    assert hit.patient_id == "p" + hit.note_id[1:], "facts of another note"
    return rounds

def whole(found, query, left_out=0):
    rounds = set().union(*(check(hit, query) for hit in found))
    assert len(rounds) == 1, f"an answer of {len(rounds)} generations"
    names = {hit.note_id for hit in found}
    gone = {f"n{at}" for at in range(DELETED)}
    expected = NOTES - left_out - (0 if names & gone else DELETED)
    assert len(names) == len(found) == expected, f"{len(found)} hits of {expected}"
    return int(rounds.pop()[5:])

def ask():
    found = store.search("fever", k=1000)
    newest = whole(found, encoder.encode(["fever"])[0])
    generations.add(found.generation)
    shown = store.show("n9")
    assert set(re.findall(r"round[0-9]+", shown.text)) == {shown.facts.attributes["round"]}
    assert shown.text[shown.passages[-1].start : shown.passages[-1].end].endswith("end")
    alike = store.similar("n9", k=1000)
    assert {hit.attributes["round"] for hit in alike} == {alike[0].attributes["round"]}
    assert len(alike) in (NOTES - 1, NOTES - 1 - DELETED)
    assert store.stats().notes in (NOTES, NOTES - DELETED)
    return newest

generations, rounds, slowest_s, asked = set(), [0], 0.0, 0
while len(generations) < int(sys.argv[2]):
    began = time.perf_counter()
    rounds.append(ask())
    slowest_s = max(slowest_s, time.perf_counter() - began)
    asked += 1
    assert rounds[-1] >= rounds[-2], "an older generation after a newer one"
print(json.dumps({"asked": asked, "rounds": len(set(rounds)), "slowest_s": slowest_s}))
"""
)


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
    )


def answer(process: subprocess.Popen[str]) -> Any:
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out)


def test_readers_see_whole_generations_while_a_writer_does_everything(
    tmp_path: Path, record_testsuite_property: Any
) -> None:
    store, stop = tmp_path / "store", tmp_path / "stop"
    stop.touch()
    answer(start(WRITER.replace("while not", "while round < 1 or not"), store, stop))
    stop.unlink()
    writer = start(WRITER.replace("round = 0", "round = 1"), store, stop)
    readers = [start(READER, store, GENERATIONS) for _ in range(READERS)]
    try:
        done = [answer(reader) for reader in readers]
    finally:
        stop.touch()
        for reader in readers:
            reader.kill()
        wrote = answer(writer)
    record_testsuite_property("slowest_answer_s", max(one["slowest_s"] for one in done))
    assert all(one["rounds"] > 3 for one in done)
    last = wrote["rounds"]
    folder = StoreFolder.open(store)
    assert folder.snapshot().count().notes == 25
    folder.close()
    older = {str(one): f"round{one} ".encode() for one in range(1, last)}
    assert found_in(store, older | {"last": f"round{last} ".encode()}) == {"last"}


def test_two_writers_that_may_wait_both_get_their_turn(tmp_path: Path) -> None:
    store = tmp_path / "store"
    index = SHARED + (
        'for at in range(5): store.index(table(at), source=sys.argv[2], wait_s=float("inf"))\n'
        'print("{}")'
    )
    StoreFolder.open_or_create(store, WordEncoder().fingerprint).close()
    for writer in [start(index, store, source) for source in ("a", "b", "c")]:
        answer(writer)
    snapshot = StoreFolder.open(store).snapshot()
    assert snapshot.notes_by("source") == {"a": 30, "b": 30, "c": 30}
