"""A store on disk and one in dicts, driven through the same steps, answer the same."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from notekin.storage import catalog
from notekin.storage.deleting import Condemned
from notekin.storage.oracle import OracleSnapshot, OracleStore
from notekin.storage.snapshot import Snapshot
from notekin.storage.store import StoreFolder
from notekin.types import Note
from tests.support.agreement import find_the_same, find_the_same_words, hold_the_same
from tests.support.notes import encoded, note
from tests.support.words import WordEncoder

ENCODER = WordEncoder(dim=8)
WORDS = st.sampled_from(
    ["fever", "cough", "rash", "pain", "x-ray", "xray", "the", "of", "\nPLAN:", "\nHISTORY:"]
)
NUMBERS = st.integers(0, 9)
NOTES = st.builds(
    lambda number, source, words, patient, category: note(
        f"n{number}",
        " ".join(words),
        source=source,
        patient=f"p{patient}" if patient else None,
        category=category,
    ),
    NUMBERS,
    st.sampled_from(["s", "t"]),
    st.lists(WORDS, max_size=25),
    st.integers(0, 3),
    st.sampled_from(["a", "b", None]),
)
BATCHES = st.lists(NOTES, min_size=1, max_size=6, unique_by=lambda one: (one.source, one.note_id))


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
        news = encoded(ENCODER, notes)
        with self.store.write() as writer:
            writer.commit(news)
        self.oracle.commit(news)

    @rule(notes=BATCHES)
    def crash_in_a_commit(self, notes: list[Note]) -> None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(catalog, "insert_generation", crash)
            with pytest.raises(CrashError), self.store.write() as writer:
                writer.commit(encoded(ENCODER, notes))

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
            find_the_same(real, plain, query, count)

    @rule(words=st.lists(WORDS, min_size=1, max_size=4))
    def search_words(self, words: list[str]) -> None:
        for real, plain in [*self.held, (self.store.snapshot(), self.oracle.snapshot())]:
            find_the_same_words(real, plain, " ".join(words))

    @invariant()
    def both_hold_the_same(self) -> None:
        hold_the_same(self.store.snapshot(), self.oracle.snapshot())

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.home)


def crash(*_arguments: Any) -> None:
    raise CrashError


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
