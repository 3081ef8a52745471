"""Text as the catalog's columns hold it, the same on every database."""

from __future__ import annotations

from sqlalchemy import Dialect, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from notekin.text import storable


class SqlText(TypeDecorator[str]):
    """A text column whose order is that of code points, and whose values can be stored.

    What no SQL text holds everywhere (NUL, lone surrogates) becomes U+FFFD on its way in,
    in rows and in what a filter asks for alike, so that one finds the other.
    """

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Return the column's type; PostgreSQL would sort as the server's language does."""
        is_server = dialect.name == "postgresql"
        return dialect.type_descriptor(Text(collation="C") if is_server else String())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Return the text with U+FFFD for what can't be stored."""
        return None if value is None else storable(value)

    @property
    def python_type(self) -> type[str]:
        """Return str."""
        return str
