"""The notes that meet a condition: their keys alone, by the shortest way out of the database.

What a generation sees is left to the snapshot, which knows it without SQL. So a filter on an
indexed column is answered from its index: the notes' own rows are not read at all, which
measured nine tenths of a filter's time (docs/decisions/0021-filters-first.md).
``reading.select_keys`` says the same in plain SQL.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
from sqlalchemy import Connection, String, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from notekin.storage.condition_sql import to_sql
from notekin.storage.conditions import Condition
from notekin.storage.keys import Keys
from notekin.storage.schema import NoteRow

KEPT_BYTES = 32 << 20
"""What a snapshot keeps of the keys that conditions chose: 4,000,000 of them."""


def keys_meeting(connection: Connection, condition: Condition) -> Keys:
    """Return the notes that meet a condition, ascending: those of every generation, dead or live.

    They travel as one text: a row each would take ten times as long to fetch as to find.
    """
    packed = connection.scalar(select(_Packed(NoteRow.note_key)).where(to_sql(condition)))
    if packed is None:  # of no rows
        return np.empty(0, np.int64)
    keys: Keys = np.fromstring(packed, np.int64, sep=",")
    keys.sort()
    return keys


class Selections:
    """The keys that conditions chose in one generation; the least used go where room is short.

    Conditions are told apart as they are written: ``True`` is not ``1`` here.
    """

    def __init__(self, room_bytes: int = KEPT_BYTES) -> None:
        self._room_bytes = room_bytes
        self._kept: OrderedDict[bytes, Keys] = OrderedDict()
        self._lock = Lock()

    def of(self, condition: Condition) -> Keys | None:
        """Return what a condition chose; None where it was not asked, or is forgotten."""
        name = _name(condition)
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
            return self._kept.get(name)

    def keep(self, condition: Condition, keys: Keys) -> Keys:
        """Keep what a condition chose, and return it; it can't be written to from now on."""
        keys.flags.writeable = False
        with self._lock:
            self._kept[_name(condition)] = keys
            while sum(some.nbytes for some in self._kept.values()) > self._room_bytes:
                self._kept.popitem(last=False)
        return keys


def _name(condition: Condition) -> bytes:
    """Return what stands for a condition; a hash, as its values may be many, and patients'."""
    return hashlib.blake2b(repr(condition).encode(), digest_size=16).digest()


class _Packed(FunctionElement[str]):
    """The values of a column of integers, as one text with commas between them."""

    name = "packed"
    type = String()
    inherit_cache = True


@compiles(_Packed, "sqlite")
def _in_sqlite(element: _Packed, compiler: SQLCompiler, **options: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **options)})"


@compiles(_Packed, "postgresql")
def _in_postgresql(element: _Packed, compiler: SQLCompiler, **options: Any) -> str:
    return f"string_agg(CAST({compiler.process(element.clauses, **options)} AS TEXT), ',')"
