"""What goes into the catalog and what comes out: plain values, no SQL rows."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notekin.text import storable as storable
from notekin.types import AttributeValue, EncodedNote, Fingerprint, Note, NoteKey

_IN_ORDER = json.JSONEncoder(sort_keys=True)


@dataclass(frozen=True, slots=True)
class NewNote:
    """A note ready to be stored: its facts, its vectors, and the digest of both's origin."""

    note: Note
    encoded: EncodedNote
    digest: bytes


@dataclass(frozen=True, slots=True)
class StoredNote:
    """A note's facts as the catalog holds them; the text is asked for apart."""

    note_key: NoteKey
    source: str
    note_id: str
    patient_id: str | None
    encounter_id: str | None
    category: str | None
    recorded_at: datetime | None
    author: str | None
    title: str | None
    tokens_seen: int
    tokens_total: int
    attributes: Mapping[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A stretch of a note: ``text[start:end]``, with what the store found in it.

    Attributes:
        section: The title of the section that it begins in; None for none.
        family: The same for copies of it in notes of the same patient (storage/families.py);
            None where the note has no patient.
    """

    start: int
    end: int
    tokens: int
    section: str | None
    family: int | None


@dataclass(frozen=True, slots=True)
class Generation:
    """One commit: its number and what it changed."""

    number: int
    committed_at: datetime
    added: int
    replaced: int
    deleted: int


def digest_of(note: Note, fingerprint: Fingerprint) -> bytes:
    """Return the hash that is equal when text, facts and encoder are: 32 bytes of SHA-256.

    A note whose digest is in the store already needs no encoding.
    """
    facts = [
        note.patient_id,
        note.encounter_id,
        note.category,
        note.recorded_at.isoformat() if note.recorded_at else None,
        note.author,
        note.title,
        dump_attributes(note.attributes),
        fingerprint.weights,
        fingerprint.reading,
    ]
    digest = hashlib.sha256(json.dumps(facts).encode())
    digest.update(encode_text(note.text))
    return digest.digest()


def encode_text(text: str) -> bytes:
    """Return a text as bytes that give it back to the letter, lone surrogates too."""
    return text.encode("utf-8", "surrogatepass")


def decode_text(data: bytes) -> str:
    """Return the text that ``encode_text`` was given."""
    return data.decode("utf-8", "surrogatepass")


def dump_attributes(attributes: Mapping[str, AttributeValue]) -> str:
    """Return attributes as JSON of ASCII alone; names in order, missing values left out."""
    present = {name: value for name, value in attributes.items() if value is not None}
    return _IN_ORDER.encode(present) if present else "{}"


def load_attributes(text: str) -> dict[str, Any]:
    """Return the attributes that ``dump_attributes`` was given."""
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def attribute_values(
    attributes: Mapping[str, AttributeValue],
) -> Iterator[tuple[str, int, str, float | None]]:
    """Give (name, position, text, number) of each value; a list gives each of its items."""
    for name, value in attributes.items():
        for position, item in enumerate(value if isinstance(value, list) else [value]):
            if item is not None:
                yield storable(name), position, value_text(item), _value_number(item)


def value_text(value: str | int | float | bool) -> str:
    """Return a value as filters compare it: true and false for truth values."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return storable(str(value))


def _value_number(value: str | int | float | bool) -> float | None:
    if isinstance(value, bool | str):
        return None
    number = float(value)
    return number if math.isfinite(number) else None
