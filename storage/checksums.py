"""Checksums of a note's rows: what a byte that changed on disk can't get past.

A note's checksum is three, one after the other: of its facts, of its text, of its passages.
So each is checked by whoever reads that part, without reading the others. The store's id and
the note's key go into all of them: a row of another store, or of another note, does not pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import xxhash
from sqlalchemy import Connection, RowMapping, select

from notekin.storage.damage import damaged_catalog
from notekin.storage.schema import SettingRow

_PART_BYTES = 16
Facts: TypeAlias = Mapping[str, Any] | RowMapping
"""A note's facts by column."""

FACTS = (
    "note_key",
    "born",
    "source",
    "note_id",
    "patient_id",
    "encounter_id",
    "category",
    "recorded_at",
    "author",
    "title",
    "digest",
    "tokens_seen",
    "tokens_total",
    "attributes",
)
"""The columns that never change while a note is in the store; ``died`` does."""


PASSAGES = ("start", "end", "tokens", "section", "family", "likeness")
"""The columns of a passage; none of them ever changes."""


class Seal:
    """Makes and compares the checksums of one store's rows."""

    def __init__(self, store_id: str) -> None:
        self._salt = store_id.encode()

    def of(self, facts: Facts, text: bytes, passages: Iterable[Sequence[Any]]) -> bytes:
        """Return the checksum of a note: facts by column, text, passages' columns in order."""
        key = facts["note_key"]
        return self._facts(facts) + self._text(key, text) + self._passages(key, passages)

    def holds_facts(self, checksum: bytes, facts: Facts) -> bool:
        """Whether the facts are those that the checksum was made of."""
        return checksum[:_PART_BYTES] == self._facts(facts)

    def holds_text(self, checksum: bytes, key: int, text: bytes) -> bool:
        """Whether the text is the one that the checksum was made of."""
        return checksum[_PART_BYTES : 2 * _PART_BYTES] == self._text(key, text)

    def holds_passages(self, checksum: bytes, key: int, passages: Iterable[Sequence[Any]]) -> bool:
        """Whether the passages are those that the checksum was made of."""
        return checksum[2 * _PART_BYTES :] == self._passages(key, passages)

    def with_passages(self, checksum: bytes, key: int, passages: Iterable[Sequence[Any]]) -> bytes:
        """Return the checksum of a note whose passages have these columns now."""
        return checksum[: 2 * _PART_BYTES] + self._passages(key, passages)

    def _facts(self, facts: Facts) -> bytes:
        values = [facts[name] for name in FACTS]
        return self._digest(b"facts", json.dumps(values, default=_plain).encode())

    def _text(self, key: int, text: bytes) -> bytes:
        return self._digest(b"text %d " % key, text)

    def _passages(self, key: int, passages: Iterable[Sequence[Any]]) -> bytes:
        rows = [tuple(row) for row in passages]
        written = json.dumps(rows, default=_plain)
        return self._digest(b"passages %d " % key, written.encode())

    def _digest(self, kind: bytes, data: bytes) -> bytes:
        digest = xxhash.xxh3_128(self._salt + kind)
        digest.update(data)
        return digest.digest()


def seal_of(connection: Connection) -> Seal:
    """Return the seal of the store behind a connection; its id is read once a connection."""
    seal = connection.info.get("seal")
    if not isinstance(seal, Seal):
        store_id = connection.scalar(select(SettingRow.value).where(SettingRow.name == "store_id"))
        if not isinstance(store_id, str):
            raise damaged_catalog(connection, "does not say which store it belongs to")
        seal = connection.info["seal"] = Seal(store_id)
    return seal


def value_checksum(value: object) -> str:
    """Return the checksum of a setting: of its JSON, keys in order."""
    return xxhash.xxh3_128_hexdigest(json.dumps(value, sort_keys=True).encode())


def _plain(value: object) -> str:
    """Return what JSON has no kind for as a text."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat()
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"a catalog holds no {type(value).__name__}")
