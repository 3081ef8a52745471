"""Lexical search finds what the words say, in segments of any shape."""

from pathlib import Path

import numpy as np
import pytest

from notekin import words
from notekin.errors import DamagedStoreError
from notekin.storage import words_file
from notekin.storage.conditions import OneOf
from notekin.storage.deleting import Condemned
from notekin.storage.segments import WORDS_FILE
from notekin.storage.snapshot import Snapshot
from notekin.storage.store import StoreFolder
from notekin.storage.verification import verify
from tests.support.notes import commit, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder(dim=8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


def ids(snapshot: Snapshot, keys: np.ndarray) -> list[str]:
    return [one.note_id for one in snapshot.notes(keys.tolist())]


def test_rare_words_weigh_more_and_long_notes_less(path: Path) -> None:
    snapshot = store_of(
        path,
        ENCODER,
        note("both", "fever and rash"),
        note("common", "fever and cough"),
        note("long", "fever and rash " + "unremarkable " * 3),
        note("none", "stroke"),
    ).snapshot()
    found = snapshot.lexical(["fever", "rash", "fever"])
    by_score = ids(snapshot, found.keys[np.argsort(-found.scores)])
    assert by_score == ["both", "long", "common"]
    assert found.scores.dtype == np.float32


def test_a_filter_takes_notes_out_and_leaves_scores(path: Path) -> None:
    snapshot = store_of(
        path, ENCODER, note("n1", "fever", category="a"), note("n2", "fever fever", category="b")
    ).snapshot()
    every = snapshot.lexical(["fever"])
    some = snapshot.lexical(["fever"], snapshot.select(OneOf("category", ("b",))))
    assert (some.keys, some.scores) == (every.keys[1:], every.scores[1:])


def test_scores_are_the_same_whatever_was_deleted_or_merged(path: Path) -> None:
    plain = store_of(path / "plain", ENCODER, note("n1", "fever"), note("n2", "no fever, rash"))
    store = store_of(path / "busy", ENCODER, note("n1", "fever cough"), note("n3", "fever rash"))
    commit(store, ENCODER, note("n1", "fever"))
    commit(store, ENCODER, note("n2", "no fever, rash"))
    with store.write() as writer:
        writer.delete(Condemned.of(["n3"], []))
    expected = plain.snapshot().lexical(["fever", "rash"]).scores.tolist()
    assert store.snapshot().lexical(["fever", "rash"]).scores.tolist() == expected
    with store.write() as writer:
        writer.compact()
    assert store.snapshot().lexical(["fever", "rash"]).scores.tolist() == expected


def test_phrases_keep_order_and_distance_and_cross_passages(path: Path) -> None:
    snapshot = store_of(
        path,
        ENCODER,
        note("n1", "one two three four shortness of breath"),
        note("n2", "breath of shortness"),
        note("n3", "shortness breath"),
        note("n4", "chest x-ray today"),
        note("n5", "a chest xray"),
    ).snapshot()
    assert ids(snapshot, snapshot.with_phrase("Shortness of breath")) == ["n1"]
    assert ids(snapshot, snapshot.with_phrase("chest x-rays")) == ["n4", "n5"]
    assert ids(snapshot, snapshot.with_phrase("chest xray")) == ["n4", "n5"]
    assert len(snapshot.with_phrase("of the")) == len(snapshot.with_phrase("absent")) == 0


def test_sections_narrow_words_and_passages(path: Path) -> None:
    text = "HISTORY:\nfever since monday, chills\nPLAN:\nblood cultures, fever chart"
    snapshot = store_of(path, ENCODER, note("n1", text), note("n2", "fever")).snapshot()
    assert snapshot.sections() == {"history": 1, "plan": 1}
    assert [part.section for part in snapshot.passages(snapshot.find("n1").note_key)] == [
        "history",
        "plan",
    ]
    assert ids(snapshot, snapshot.lexical(["cultur"], sections=["plan"]).keys) == ["n1"]
    assert len(snapshot.lexical(["cultur"], sections=["history"]).keys) == 0
    assert len(snapshot.lexical(["cultur"], sections=["unheard of"]).keys) == 0
    found = snapshot.nearest_passages(ENCODER.encode(["fever"]), 9, sections=["plan"])
    assert found.keys.shape == (1, 1)


def test_an_empty_store_answers_nothing(path: Path) -> None:
    snapshot = store_of(path, ENCODER).snapshot()
    assert len(snapshot.lexical(["fever"]).keys) == len(snapshot.with_phrase("fever")) == 0
    assert snapshot.sections() == {}


def test_odd_texts_are_indexed(path: Path) -> None:
    texts = ["\0 \ud800 😀 fever", "x" * 1_000_000, "fever " * 50_000, ""]
    notes = [note(f"n{place}", text) for place, text in enumerate(texts)]
    store = store_of(path, ENCODER, *notes)
    assert ids(store.snapshot(), store.snapshot().lexical(["fever"]).keys) == ["n0", "n2"]
    assert verify(store, deep=True).whole


def test_words_of_other_rules_are_made_anew_by_repair(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from notekin import api

    with monkeypatch.context() as patched:
        patched.setattr(words_file, "RULES", words.RULES + 1)
        store_of(path, ENCODER, note("n1", "fever")).close()
    with pytest.raises(DamagedStoreError, match="repair"):
        StoreFolder.open(path).snapshot().lexical(["fever"])
    vectors = ENCODER.notes_encoded
    with api.open(path, encoder=ENCODER) as store:
        assert store.repair().segments == 1
        assert store.verify(deep=True).problems == ()
    assert ENCODER.notes_encoded == vectors
    assert len(StoreFolder.open(path).snapshot().lexical(["fever"]).keys) == 1


def test_no_byte_of_a_purged_notes_words_is_left(path: Path) -> None:
    store = store_of(
        path, ENCODER, note("n1", "Zebulon has fever", patient="p"), note("n2", "fever")
    )
    files = [file for file in path.rglob(WORDS_FILE) if b"zebulon" in file.read_bytes()]
    assert len(files) == 1
    with store.write() as writer:
        writer.delete(Condemned.of(["n1"], []))
        writer.purge()
    data = [file.read_bytes() for file in path.rglob("*") if file.is_file()]
    assert not any(b"zebulon" in part or b"Zebulon" in part for part in data)
    assert len(store.snapshot().lexical(["fever"]).keys) == 1
