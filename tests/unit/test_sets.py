"""A set of any size is one bound value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sqlalchemy import insert, select
from sqlalchemy.dialects import registry

from notekin.storage.engine import open_sqlite
from notekin.storage.schema import Base, NoteRow, RejectRow
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


def test_postgresql_takes_keys_as_integers_and_names_as_text() -> None:
    keys = among(NoteRow.note_key, np.array([1, 2])).compile(dialect=DIALECT)
    names = among(NoteRow.note_id, ["a"]).compile(dialect=DIALECT)
    assert "CAST(item.value AS BIGINT)" in str(keys)
    assert "CAST(item.value AS TEXT)" in str(names)
    assert list(keys.params.values()) == ["[1, 2]"]
