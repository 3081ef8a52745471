"""A store on disk and one in dicts, driven through the same steps, answer the same."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from notekin.storage import catalog
from notekin.storage.conditions import AllOf, Condition, Missing, Not, OneOf
from notekin.storage.deleting import Condemned
from notekin.storage.keys import Keys
from notekin.storage.nearest import Nearest
from notekin.storage.oracle import OracleSnapshot, OracleStore
from notekin.storage.records import NewNote, digest_of
from notekin.storage.snapshot import Snapshot
from notekin.storage.store import StoreFolder
from notekin.types import Note, NoteKey, Vectors
from tests.support.notes import note
from tests.support.words import WordEncoder

ENCODER = WordEncoder(dim=8)
WORDS = st.sampled_from(["fever", "cough", "rash", "pain", "stroke", "fall", "fracture"])
NUMBERS = st.integers(0, 9)
NOTES = st.builds(
    lambda number, source, words, patient, category: note(
        f"n{number}", " ".join(words), source=source, patient=f"p{patient}", category=category
    ),
    NUMBERS,
    st.sampled_from(["s", "t"]),
    st.lists(WORDS, max_size=25),
    st.integers(0, 3),
    st.sampled_from(["a", "b", None]),
)
BATCHES = st.lists(NOTES, min_size=1, max_size=6, unique_by=lambda one: (one.source, one.note_id))
CONDITIONS: list[Condition] = [
    AllOf(()),
    OneOf("category", ("a",)),
    Not(OneOf("category", ("a",))),
    Missing("category"),
    OneOf("patient_id", ("p1", "p2")),
]


class CrashError(Exception):
    """The machine went down here."""


class StoreMachine(RuleBasedStateMachine):
    """Adds, replaces, deletes, merges, purges, crashes and reopens both."""

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.store = StoreFolder.open_or_create(self.home / "store", ENCODER.fingerprint)
        self.oracle = OracleStore()
        self.held: list[tuple[Snapshot, OracleSnapshot]] = []

    @rule(notes=BATCHES)
    def add(self, notes: list[Note]) -> None:
        news = encoded(notes)
        with self.store.write() as writer:
            writer.commit(news)
        self.oracle.commit(news)

    @rule(notes=BATCHES)
    def crash_in_a_commit(self, notes: list[Note]) -> None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(catalog, "insert_generation", crash)
            with pytest.raises(CrashError), self.store.write() as writer:
                writer.commit(encoded(notes))

    @rule(
        numbers=st.frozensets(NUMBERS, max_size=4),
        patients=st.frozensets(st.integers(0, 4), max_size=1),
        source=st.sampled_from(["s", "t"]),
    )
    def delete(self, numbers: frozenset[int], patients: frozenset[int], source: str) -> None:
        condemned = Condemned.of(
            [f"n{number}" for number in numbers], [f"p{number}" for number in patients], source
        )
        with self.store.write() as writer:
            report = writer.delete(condemned)
        assert report.deleted == self.oracle.delete(condemned)

    @rule()
    def compact(self) -> None:
        with self.store.write() as writer:
            writer.compact()

    @rule()
    def purge(self) -> None:
        self.held.clear()  # a purge ends older snapshots
        with self.store.write() as writer:
            writer.purge()

    @rule()
    def reopen(self) -> None:
        self.held.clear()
        self.store.close()
        self.store = StoreFolder.open(self.home / "store")

    @rule()
    def keep_a_snapshot(self) -> None:
        self.held.append((self.store.snapshot(), self.oracle.snapshot()))

    @rule(words=st.lists(WORDS, min_size=1, max_size=4), count=st.integers(1, 12))
    def search(self, words: list[str], count: int) -> None:
        query = ENCODER.encode([" ".join(words)])
        for real, plain in [*self.held, (self.store.snapshot(), self.oracle.snapshot())]:
            for condition in CONDITIONS:
                allowed = real.select(condition)
                assert np.array_equal(allowed, plain.select(condition))
                agree(
                    real.nearest_passages(query, count, allowed),
                    plain.nearest_passages(query, 10_000, allowed),
                    count,
                )
                agree(
                    real.nearest_notes(query, count, allowed),
                    plain.nearest_notes(query, 10_000, allowed),
                    count,
                )

    @invariant()
    def both_hold_the_same(self) -> None:
        real, plain = self.store.snapshot(), self.oracle.snapshot()
        keys = [NoteKey(key) for key in real.select(AllOf(())).tolist()]
        assert keys == sorted(plain.kept)
        assert real.notes(keys) == plain.notes(keys)
        for key in keys:
            assert real.text(key) == plain.text(key)
            assert real.passages(key) == plain.passages(key)
            assert np.array_equal(real.note_vector(key), plain.note_vector(key))
            assert np.array_equal(real.passage_vectors(key), plain.passage_vectors(key))

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.home)


def agree(found: Nearest, plain: tuple[Vectors, Keys], count: int) -> None:
    """The same scores in the same order, each that of its key; equal scores may change places."""
    scores, keys = found.scores, found.keys
    every = dict(zip(plain[1][0].tolist(), plain[0][0].tolist(), strict=True))
    assert scores.shape[1] == min(count, len(every))
    assert np.allclose(scores, plain[0][:, :count], atol=1e-5)
    assert np.allclose(scores[0], [every[key] for key in keys[0].tolist()], atol=1e-5)
    assert len(set(keys[0].tolist())) == keys.shape[1]


def encoded(notes: list[Note]) -> list[NewNote]:
    vectors = ENCODER.encode_notes([one.text for one in notes])
    return [
        NewNote(one, vector, digest_of(one, ENCODER.fingerprint))
        for one, vector in zip(notes, vectors, strict=True)
    ]


def crash(*_arguments: Any) -> None:
    raise CrashError


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
