"""The values that every room passes to the others: notes, passages, vectors, hits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import NewType, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

NoteId = NewType("NoteId", str)
"""The note's id in the data it came from; unique within one source."""
PatientId = NewType("PatientId", str)
NoteKey = NewType("NoteKey", int)
"""The note's row in the catalog, and its id in FAISS; never used twice in a store."""

Vectors: TypeAlias = npt.NDArray[np.float32]
"""float32 of shape (n, dim), or (dim,) where one vector is meant; each of length 1."""

Span: TypeAlias = tuple[int, int]
"""From, up to, in characters of a text."""

AttributeValue: TypeAlias = str | int | float | bool | list[str] | None
"""A fact that a note carries beside the named fields, as JSON can hold it."""


@dataclass(frozen=True, slots=True)
class Note:
    """One clinical note with its facts, as a reader gives it.

    Offsets into ``text`` are counted in Python characters (Unicode code points).
    ``source`` names where the note comes from; (source, note_id) is its identity.
    """

    note_id: NoteId
    text: str
    source: str
    patient_id: PatientId | None = None
    encounter_id: str | None = None
    category: str | None = None
    recorded_at: datetime | None = None
    author: str | None = None
    title: str | None = None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that could not be read: where it is and why, never what it says."""

    source: str
    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a note with its own vector: ``note.text[start:end]``."""

    start: int
    end: int
    tokens: int


class Polarity(Enum):
    """Whether a text says that something is so."""

    AFFIRMED = "affirmed"
    NEGATED = "negated"
    POSSIBLE = "possible"


class Experiencer(Enum):
    """Whom it says it of."""

    PATIENT = "patient"
    OTHER = "other"


class Temporality(Enum):
    """When it says it is: now, once, or only if something happens."""

    CURRENT = "current"
    HISTORICAL = "historical"
    HYPOTHETICAL = "hypothetical"


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a text says of something that it mentions, in ConText's words."""

    polarity: Polarity = Polarity.AFFIRMED
    experiencer: Experiencer = Experiencer.PATIENT
    temporality: Temporality = Temporality.CURRENT

    def to_dict(self) -> dict[str, str]:
        """Return the three as words."""
        return {
            "polarity": self.polarity.value,
            "experiencer": self.experiencer.value,
            "temporality": self.temporality.value,
        }


@dataclass(frozen=True, slots=True)
class EncodedNote:
    """What an encoder makes of one note.

    Attributes:
        vector: float32 of shape (dim,), length 1.
        passages: At least one, in text order, not overlapping; together they hold every token.
        passage_vectors: float32 of shape (len(passages), dim), each of length 1.
        tokens_seen: Tokens that the model read, special ones not counted.
        tokens_total: Tokens in the text. Equal to ``tokens_seen`` unless something was cut.
    """

    vector: Vectors
    passages: tuple[Passage, ...]
    passage_vectors: Vectors
    tokens_seen: int
    tokens_total: int


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What must be equal for two vectors to be comparable.

    Attributes:
        model: Name or folder that the person gave, for messages.
        revision: The hub's commit, where there is one.
        weights: SHA-256 over the model's weights and tokenizer, and whether they were rounded.
        reading: How a note becomes vectors: window, overlap, passages, pooling, normalisation.
        dim: Length of a vector.
    """

    model: str
    revision: str | None
    weights: str
    reading: str
    dim: int

    def matches(self, other: Fingerprint) -> bool:
        """Whether vectors of the two can be compared; the model's name does not count."""
        return (self.weights, self.reading, self.dim) == (other.weights, other.reading, other.dim)


class Encoder(Protocol):
    """Texts to vectors. Implementations are deterministic: same text, same vector."""

    @property
    def fingerprint(self) -> Fingerprint:
        """What a store keeps to refuse another encoder's vectors."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, in the order given: shape (len(texts), dim)."""
        ...

    def encode_notes(self, texts: Sequence[str]) -> list[EncodedNote]:
        """Return the note vector and the passages of each text, in the order given."""
        ...
