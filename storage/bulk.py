"""Many rows of one table, given to the database's driver with no work for each beyond its types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, inspect

from notekin.storage.schema import Base


def insert_rows(
    connection: Connection, table: type[Base], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows, given by column: what ``connection.execute(insert(table), rows)`` does, sooner.

    Args:
        connection: The transaction.
        table: Whose rows they are.
        rows: At least one; all with the same columns.
    """
    names = list(rows[0])
    statement = insert(table).compile(connection, column_keys=names)
    order = statement.positiontup or names
    columns = [_ready(connection, table, name, rows) for name in order]
    values = list(zip(*columns, strict=True))
    if statement.positional:
        connection.exec_driver_sql(str(statement), values)
    else:
        named = [dict(zip(order, some, strict=True)) for some in values]
        connection.exec_driver_sql(str(statement), named)


def _ready(
    connection: Connection, table: type[Base], name: str, rows: Sequence[Mapping[str, Any]]
) -> Iterable[Any]:
    """Return a column's values as the driver takes them."""
    kind = inspect(table).columns[name].type.dialect_impl(connection.dialect)
    values = [row[name] for row in rows]
    process: Callable[[Any], Any] | None = kind.bind_processor(connection.dialect)
    return values if process is None else map(process, values)
