"""PostgreSQL finds the notes that a condition means, as SQLite and plain Python do."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notekin.storage.condition_oracle import meets
from notekin.storage.conditions import AllOf, Condition
from notekin.storage.location import ServerUrl
from notekin.types import Note, NoteKey
from tests.property.test_condition_oracle import CONDITIONS, ENCODER, notes
from tests.support.notes import store_of
from tests.support.postgres import TestServer


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(held=notes(), conditions=st.lists(CONDITIONS, min_size=5, max_size=40))
def test_postgresql_finds_the_notes_that_meet_the_condition_and_no_other(
    postgres: TestServer, held: list[Note], conditions: list[Condition]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = ServerUrl.parse(postgres.schema_url())
        store = store_of(Path(folder) / "store", ENCODER, *held, server=server)
        snapshot = store.snapshot()
        everything = snapshot.notes([NoteKey(int(key)) for key in snapshot.select(AllOf(()))])
        assert len(everything) == len(held)
        for condition in conditions:
            expected = [one.note_key for one in everything if meets(condition, one)]
            assert snapshot.select(condition).tolist() == expected, condition
        store.close()
