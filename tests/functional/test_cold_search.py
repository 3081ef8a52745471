"""A search from the shell loads what it needs, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import notekin
from tests.support.tiny_longformer import write_tiny_longformer

NOT_NEEDED = {
    "alembic",
    "huggingface_hub",
    "ir_measures",
    "notekin.demo",
    "notekin.indexer.pipeline",
    "notekin.indexer.readers",
    "notekin.search.evaluation",
    "notekin.search.filter_file",
    "notekin.storage.repairing",
    "notekin.storage.verification",
    "pandas",
    "pyarrow",
    "safetensors",
    "scipy",
    "sklearn",
    "torch",
    "transformers",
}
PROGRAM = """
import json, sys
from notekin.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
json.dump(sorted(sys.modules), sys.stderr)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cold")
    model = write_tiny_longformer(folder / "model")
    notes = [{"note_id": f"n{number}", "text": f"chest pain, day {number}"} for number in range(5)]
    path = folder / "notes.jsonl"
    path.write_text("".join(json.dumps(note) + "\n" for note in notes))
    with notekin.open(folder / "store", model=str(model)) as opened:
        opened.index(path)
    return folder / "store"


def loaded(*arguments: object) -> set[str]:
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout
    return set(json.loads(done.stderr))


@pytest.mark.parametrize("options", [[], ["--json"], ["--where", "note_id=n1", "-k", "2"]])
def test_a_search_loads_nothing_that_it_does_not_need(store: Path, options: list[str]) -> None:
    modules = loaded("search", "chest pain", "--store", store, *options)
    assert "notekin.search.retrieval" in modules
    assert not modules & NOT_NEEDED


def test_showing_a_note_and_likeness_load_nothing_that_they_do_not_need(store: Path) -> None:
    assert not loaded("show", "n1", "--store", store) & NOT_NEEDED
    assert not loaded("similar", "n1", "--store", store) & NOT_NEEDED


def test_a_first_search_answers_as_the_ones_after_torch_is_loaded(store: Path) -> None:
    with notekin.open(store) as opened:
        first = opened.search("chest pain on day 3")
        opened.search("chest pain " * 40)  # longer than a short text
        later = opened.search("chest pain on day 3")
    assert [hit.note_id for hit in first] == [hit.note_id for hit in later]
    for one, other in zip(first, later, strict=True):
        assert one.score == pytest.approx(other.score, abs=5e-3)  # bf16, where that is faster
