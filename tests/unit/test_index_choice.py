from pathlib import Path

import numpy as np
import pytest

import notekin
from notekin.errors import DamagedStoreError, UsageError
from notekin.search.finding import Finder
from notekin.search.request import Request
from notekin.storage import ann, index_choice, paths
from notekin.storage.index_choice import IndexChoice, index_named, recipes
from notekin.storage.store import StoreFolder
from tests.support.notes import commit, note
from tests.support.words import WordEncoder

ENCODER = WordEncoder()


@pytest.fixture
def approximate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoreFolder:
    """Return a store of 60 notes with an IVF index, which is asked whenever there is one."""
    monkeypatch.setattr(index_choice, "ASKED_FLOOR", 10)
    monkeypatch.setattr(ann, "ENOUGH_RECALL", 0.0)
    monkeypatch.setattr(paths, "EXACT_ROWS", 0)
    monkeypatch.setattr(paths, "ANN_SHARE", 1)
    path = tmp_path / "store"
    folder = StoreFolder.open_or_create(path, ENCODER.fingerprint, index=IndexChoice.IVF)
    commit(folder, ENCODER, *(note(f"n{number}", f"fever {number}") for number in range(60)))
    return folder


def test_the_index_follows_the_number_of_vectors() -> None:
    kinds = [recipe.kind for recipe in recipes(IndexChoice.AUTO, 100_000)]
    assert kinds == [IndexChoice.IVF, IndexChoice.HNSW]
    assert recipes(IndexChoice.AUTO, 99_999) == ()
    assert recipes(IndexChoice.EXACT, 10**7) == ()
    assert recipes(IndexChoice.HNSW, 10_000)[0].kind is IndexChoice.HNSW


def test_a_store_keeps_its_index_and_refuses_another(approximate: StoreFolder) -> None:
    assert approximate.catalog.index_choice() is IndexChoice.IVF
    StoreFolder.open_or_create(approximate.path, ENCODER.fingerprint).close()
    with pytest.raises(UsageError, match="--index ivf"):
        StoreFolder.open_or_create(approximate.path, ENCODER.fingerprint, index=IndexChoice.HNSW)


def test_an_unknown_index_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="auto, exact, hnsw, ivf"):
        index_named("flat")
    with pytest.raises(UsageError, match="hnsw"):
        notekin.open(tmp_path, index="flat")


def test_results_name_the_path_and_what_was_scored(approximate: StoreFolder) -> None:
    found = Finder(approximate.snapshot(), ENCODER).search("fever 7", Request(3))
    assert len(found) == 3
    assert found.path in ("ann", "ann+exact")
    assert found.to_dict()["path"] == found.path
    assert found.to_dict()["candidates"] == found.candidates > 0


def test_facts_of_an_index_are_kept_in_the_catalog(approximate: StoreFolder) -> None:
    approximate.close()
    (facts,) = StoreFolder.open(approximate.path).snapshot().index_facts()
    assert facts["passages"]["kind"] == "ivf"
    assert facts["passages"].keys() == {"kind", "effort", "recall", "recall_at", "build_s"}


@pytest.mark.parametrize("damage", ["missing", "shorter", "garbage"])
def test_a_damaged_index_is_never_searched(approximate: StoreFolder, damage: str) -> None:
    approximate.close()
    (file,) = approximate.path.glob("segments/*/passages.ann.faiss")
    data = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes(data[:-4] if damage == "shorter" else b"\0" * len(data))
    with pytest.raises(DamagedStoreError):
        StoreFolder.open(approximate.path).snapshot().nearest_passages(ENCODER.encode(["fever"]), 3)


def test_the_live_rows_are_worked_out_once_for_a_snapshot(
    approximate: StoreFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(approximate, ENCODER, note("n3", "rash"))
    snapshot = approximate.snapshot()
    query = ENCODER.encode(["fever"])
    first = snapshot.nearest_passages(query, 5)
    monkeypatch.setattr(np, "packbits", None)  # what every mask is made with
    assert snapshot.nearest_passages(query, 5).keys.tolist() == first.keys.tolist()
