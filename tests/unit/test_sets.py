"""A set of any size is one bound value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.dialects import registry

from notekin.storage.engine import open_sqlite
from notekin.storage.having import has_value
from notekin.storage.schema import AttributeRow, Base, NoteRow, RejectRow
from notekin.storage.sets import among

DIALECT = registry.load("postgresql")()


def test_a_hundred_thousand_ids_are_one_parameter(tmp_path: Path) -> None:
    engine = open_sqlite(tmp_path / "c.sqlite", create=True)
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        places = [f"row {n}" for n in range(10)]
        connection.execute(
            insert(RejectRow),
            [{"source": "s", "place": place, "reason": "r", "run": "1"} for place in places],
        )
        asked = [f"row {n}" for n in range(5, 100_005)]
        query = select(RejectRow.place).where(among(RejectRow.place, asked))
        assert len(query.compile(connection).params) == 1
        assert set(connection.scalars(query)) == set(places[5:])


def test_no_values_find_nothing_and_quotes_are_values(tmp_path: Path) -> None:
    engine = open_sqlite(tmp_path / "c.sqlite", create=True)
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        odd = 'it\'s "odd"; \\ é \N{GRINNING FACE}'
        connection.execute(
            insert(RejectRow),
            [{"source": "s", "place": odd, "reason": "r", "run": "1"}],
        )
        assert (
            list(connection.scalars(select(RejectRow.place).where(among(RejectRow.place, []))))
            == []
        )
        found = connection.scalars(
            select(RejectRow.place).where(among(RejectRow.place, ["x", odd]))
        )
        assert list(found) == [odd]


@pytest.mark.parametrize(
    "condition",
    [
        among(NoteRow.note_key, [1, 2]),
        among(NoteRow.patient_id, ["a"]),
        among(NoteRow.patient_id, ["a"]) & NoteRow.died.is_(None),
        has_value("ward", AttributeRow.text == "b"),
    ],
)
def test_sqlite_looks_up_its_indexes_and_does_not_read_every_row(
    condition: ColumnElement[bool], tmp_path: Path
) -> None:
    engine = open_sqlite(tmp_path / "c.sqlite", create=True)
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        query = select(NoteRow.note_id).where(condition).compile(connection)
        values = tuple(query.params[name] for name in query.positiontup or ())
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)
        steps = [row[3] for row in plan]
    assert any("notes USING I" in step for step in steps)
    assert not any(step.startswith("SCAN notes") for step in steps)


def test_postgresql_takes_keys_as_integers_and_names_as_text() -> None:
    keys = among(NoteRow.note_key, np.array([1, 2])).compile(dialect=DIALECT)
    names = among(NoteRow.note_id, ["a"]).compile(dialect=DIALECT)
    assert "CAST(item.value AS BIGINT)" in str(keys)
    assert "CAST(item.value AS TEXT)" in str(names)
    assert list(keys.params.values()) == ["[1, 2]"]
