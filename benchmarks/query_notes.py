"""The notes that benchmarks/query.py searches: sentences of the sample notes, vectors generated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
from store_task import Vectors, make_task

from notekin import samples
from notekin.storage.records import NewNote, digest_of
from notekin.types import EncodedNote, Fingerprint, Note, NoteId, Passage, PatientId

PASSAGES_A_NOTE = 10
NOTES_A_PATIENT = 10
CATEGORIES = ("Discharge summary", "Progress note", "Consult", "Radiology", "ED note", "Echo")
DAYS = 3_650
FIRST_DAY = datetime(2015, 1, 1)
_QUERY_WORDS = 6


def sentences() -> list[str]:
    """Return the sentences of the sample notes that are as long as a passage."""
    texts = (note.text for note in samples.notes())
    found = [part.strip() for text in texts for part in re.split(r"(?<=[.:])\s+", text)]
    return sorted({" ".join(part.split()) for part in found if 60 < len(part) < 240})


def queries(count: int, seed: int = 1) -> list[str]:
    """Return questions of about 12 tokens: stretches of sentences."""
    random = np.random.default_rng(seed)
    said = [part.split() for part in sentences()]
    said = [words for words in said if len(words) > _QUERY_WORDS]
    chosen = [said[at] for at in random.integers(0, len(said), count)]
    starts = [int(random.integers(0, len(words) - _QUERY_WORDS)) for words in chosen]
    pairs = zip(chosen, starts, strict=True)
    return [" ".join(words[at : at + _QUERY_WORDS]) for words, at in pairs]


def notes(passages: int, fingerprint: Fingerprint, seed: int = 0) -> Iterator[NewNote]:
    """Give notes of ten passages each, some hundred thousand passages at most in memory."""
    random = np.random.default_rng(seed)
    said = np.array(sentences(), dtype=object)
    count = passages // PASSAGES_A_NOTE
    vectors = make_task(count * PASSAGES_A_NOTE, fingerprint.dim, 100, 1, seed).vectors
    for number in range(count):
        first = number * PASSAGES_A_NOTE
        parts = list(said[random.integers(0, len(said), PASSAGES_A_NOTE)])
        yield _note(number, parts, vectors[first : first + PASSAGES_A_NOTE], fingerprint, random)


def _note(
    number: int,
    parts: list[str],
    vectors: Vectors,
    fingerprint: Fingerprint,
    random: np.random.Generator,
) -> NewNote:
    starts = np.concatenate([[0], np.cumsum([len(part) + 1 for part in parts])]).tolist()
    note = Note(
        NoteId(f"n{number}"),
        " ".join(parts),
        "generated",
        patient_id=PatientId(f"p{number // NOTES_A_PATIENT}"),
        category=CATEGORIES[int(random.integers(0, len(CATEGORIES)))],
        recorded_at=FIRST_DAY + timedelta(days=int(random.integers(0, DAYS))),
        attributes={"ward": int(random.integers(0, 20))},
    )
    mean = vectors.mean(axis=0)
    tokens = 32 * len(parts)
    encoded = EncodedNote(
        vector=mean / np.linalg.norm(mean),
        passages=tuple(
            Passage(start, start + len(part), 32)
            for start, part in zip(starts, parts, strict=False)
        ),
        passage_vectors=vectors,
        tokens_seen=tokens,
        tokens_total=tokens,
    )
    return NewNote(note, encoded, digest_of(note, fingerprint))
