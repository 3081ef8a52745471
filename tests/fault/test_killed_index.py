"""A killed index run leaves a store that is whole, and the same command finishes it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from notekin.storage.store import StoreFolder
from tests.support.words import WordEncoder

NOTES = 400

INDEX = """
import sys, time
from notekin import api
from notekin.indexer import pipeline
from tests.support.words import WordEncoder

class Slow(WordEncoder):
    def encode_notes(self, texts):
        time.sleep(float(sys.argv[3]))
        return super().encode_notes(texts)

pipeline.BATCH_ROWS, pipeline.COMMIT_NOTES = 10, 20
print(api.open(sys.argv[1], encoder=Slow()).index(sys.argv[2]).added)
"""


def start(store: Path, notes: Path, wait_s: float) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", INDEX, str(store), str(notes), str(wait_s)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(root)},
    )


def state(store: Path) -> tuple[dict[str, str], np.ndarray]:
    """Return each note's text and, in the order of note ids, all note vectors."""
    folder = StoreFolder.open(store)
    snapshot = folder.snapshot()
    keys = snapshot.nearest_notes(WordEncoder().encode(["x"]), 10 * NOTES).keys[0].tolist()
    notes = {one.note_id: one.note_key for one in snapshot.notes(keys)}
    assert len(notes) == len(keys) == snapshot.count().notes
    texts = {name: snapshot.text(key) for name, key in notes.items()}
    vectors = np.stack([snapshot.note_vector(notes[name]) for name in sorted(notes)])
    passages = [snapshot.passage_vectors(notes[name]) for name in sorted(notes)]
    assert [len(part) for part in passages] == [
        len(snapshot.passages(notes[name])) for name in sorted(notes)
    ]
    folder.close()
    return texts, np.concatenate([vectors, *passages])


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.jsonl"
    rows = [
        {"note_id": f"n{number}", "text": f"fever on day {number} " * (number % 7)}
        for number in range(NOTES)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_killed_run_and_the_same_again_end_like_one_clean_run(
    tmp_path: Path, notes: Path
) -> None:
    run = start(tmp_path / "killed", notes, 0.05)
    while len(list(tmp_path.glob("killed/segments/*"))) < 5:
        assert run.poll() is None, "the run ended before it could be killed"
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    between = state(tmp_path / "killed")[0]
    assert 0 < len(between) < NOTES

    again, _ = start(tmp_path / "killed", notes, 0).communicate()
    assert int(again) == NOTES - len(between)
    start(tmp_path / "clean", notes, 0).communicate()
    killed, clean = state(tmp_path / "killed"), state(tmp_path / "clean")
    assert killed[0] == clean[0]
    assert len(clean[0]) == NOTES
    assert np.array_equal(killed[1], clean[1])
