"""Copied text of one patient is one family, whoever wrote it and whenever."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from notekin.storage import families
from notekin.storage.contents import notes_in_families
from notekin.storage.deleting import Condemned
from notekin.storage.engine import open_sqlite
from notekin.storage.keys import passage_key
from notekin.storage.likeness import ALIKE, HASHES, RUN, agreement, likeness_of
from notekin.storage.schema import Base
from notekin.storage.store import StoreFolder
from notekin.types import NoteKey
from tests.support.notes import commit, note, store_of
from tests.support.words import WordEncoder

ENCODER = WordEncoder(dim=8)
TEXT = "seen by cardiology today feels"
"""One passage of the test's encoder."""


def family(store: StoreFolder, note_id: str, source: str | None = None) -> int | None:
    """Return the family of a note's first passage, seen through both ways to it."""
    snapshot = store.snapshot()
    key = snapshot.find(note_id, source).note_key
    found = snapshot.passages(key)[0].family
    of_key = snapshot.families(np.array([passage_key(key, 0)])).tolist()
    assert of_key == [-1 if found is None else found]
    return found


def test_copies_are_of_the_first_ones_family_and_others_of_their_own(tmp_path: Path) -> None:
    store = store_of(
        tmp_path / "store",
        ENCODER,
        note("n1", TEXT, patient="p1"),
        note("n2", TEXT.upper().replace(" ", ",\n"), patient="p1"),
        note("other text", "abdomen soft and not tender", patient="p1"),
        note("other patient", TEXT, patient="p2"),
        note("no patient", TEXT),
    )
    commit(store, ENCODER, note("later", TEXT, patient="p1", source="elsewhere"))
    first = passage_key(NoteKey(1), 0)
    assert [family(store, name) for name in ("n1", "n2", "later")] == [first] * 3
    assert family(store, "other text") == passage_key(NoteKey(3), 0)
    assert family(store, "other patient") == passage_key(NoteKey(4), 0)
    assert family(store, "no patient") is None


def test_a_family_outlives_its_first_note_a_compaction_and_a_purge(tmp_path: Path) -> None:
    store = store_of(tmp_path / "store", ENCODER, note("n1", TEXT, patient="p"))
    commit(store, ENCODER, note("n2", TEXT, patient="p"))
    with store.write() as writer:
        writer.delete(Condemned.of(["n1"], []))
        writer.compact()
        writer.purge()
    commit(store, ENCODER, note("n3", TEXT, patient="p"))
    assert family(store, "n2") == family(store, "n3") == passage_key(NoteKey(1), 0)


def test_a_replaced_note_leaves_no_family_behind(tmp_path: Path) -> None:
    store = store_of(tmp_path / "store", ENCODER, note("n1", TEXT, patient="p"))
    commit(store, ENCODER, note("n1", TEXT + " ", patient="p"))
    assert family(store, "n1") == passage_key(NoteKey(2), 0)


def test_a_passage_is_compared_with_the_newest_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(families, "POOL", 2)
    store = store_of(tmp_path / "store", ENCODER, note("n1", TEXT, patient="p"))
    for name in ("n2", "n3"):
        commit(store, ENCODER, note(name, f"nothing like it in {name}", patient="p"))
    commit(store, ENCODER, note("n4", TEXT, patient="p"))
    assert family(store, "n4") == passage_key(NoteKey(4), 0)


WORD = st.sampled_from([f"w{number}" for number in range(40)])


def shared(one: list[str], other: list[str]) -> float:
    """Return the Jaccard index of the runs of two texts."""
    runs = [
        {tuple(text[at : at + RUN]) for at in range(len(text) - RUN + 1)} for text in (one, other)
    ]
    return len(runs[0] & runs[1]) / len(runs[0] | runs[1])


def agreed(one: list[str], other: list[str]) -> int:
    both = likeness_of([" ".join(one), " ".join(other)])
    return int(agreement(both[0], both[1:])[0])


@given(st.lists(WORD, max_size=50), st.sampled_from([" ", "\n", ", ", " -- "]))
def test_equal_words_always_agree_in_full(words: list[str], between: str) -> None:
    both = likeness_of([" ".join(words), between.join(words).upper() + "."])
    assert agreement(both[0], both[1:]).tolist() == [HASHES]


@given(st.lists(WORD, max_size=5, unique=True), st.lists(WORD, max_size=5, unique=True))
def test_short_passages_are_like_their_equals_only(one: list[str], other: list[str]) -> None:
    assert (agreed(one, other) >= ALIKE) == (one == other)


def test_agreement_follows_the_runs_that_are_shared() -> None:
    random = np.random.default_rng(1)
    found: dict[str, list[bool]] = {"copies": [], "others": []}
    differences = []
    for _ in range(1_000):
        one = [f"w{number}" for number in random.integers(0, 500, 36)]
        other = list(one)
        for at in random.integers(0, 36, random.integers(0, 6)):
            other[at] = "changed"
        index, same = shared(one, other), agreed(one, other)
        differences.append(same / HASHES - index)
        if index >= 0.85 or index <= 0.55:
            found["copies" if index >= 0.85 else "others"].append(same >= ALIKE)
    assert abs(np.mean(differences)) < 0.02
    assert np.std(differences) < 0.08
    assert min(len(some) for some in found.values()) > 50
    assert np.mean(found["copies"]) > 0.97
    assert np.mean(found["others"]) < 0.02


@given(st.lists(st.lists(WORD, max_size=12).map(" ".join), max_size=6))
def test_a_passages_bytes_do_not_hang_on_its_neighbours(texts: list[str]) -> None:
    together = likeness_of(texts)
    assert together.shape == (len(texts), HASHES)
    for text, likeness in zip(texts, together, strict=True):
        assert np.array_equal(likeness_of([text])[0], likeness)


def test_copies_are_counted_without_reading_all_that_a_patient_has(tmp_path: Path) -> None:
    engine = open_sqlite(tmp_path / "c.sqlite", create=True)
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        asked: list[str] = []
        event.listen(connection, "before_cursor_execute", lambda *args: asked.append(args[2]))
        notes_in_families(connection, 1, [1, 2])
        (statement,) = asked
        values = ("[1, 2]",) * 2 + (1,) * (statement.count("?") - 2)
        steps = [
            row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    assert any("ix_passages_copies" in step for step in steps)
    assert not any(step.startswith("SCAN passages") for step in steps)
