"""An encoder for tests of storage and search: fast, deterministic, near to what words say."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from notekin.types import EncodedNote, Fingerprint, Passage, Vectors

WORDS_A_PASSAGE = 5


class WordEncoder:
    """Adds up one random direction per word, so texts that share words are near.

    Passages are five words each; tokens are words.
    """

    def __init__(self, dim: int = 32, name: str = "words") -> None:
        self.dim = dim
        self.notes_encoded = 0
        self.fingerprint = Fingerprint(name, None, f"weights of {name}", "five words", dim)

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self._vector(text) for text in texts])

    def encode_notes(self, texts: Sequence[str]) -> list[EncodedNote]:
        self.notes_encoded += len(texts)
        return [self._note(text) for text in texts]

    def _note(self, text: str) -> EncodedNote:
        words = list(re.finditer(r"\w+", text))
        groups = [words[at : at + WORDS_A_PASSAGE] for at in range(0, len(words), WORDS_A_PASSAGE)]
        passages = tuple(
            Passage(group[0].start(), group[-1].end(), len(group)) for group in groups
        ) or (Passage(0, len(text), 0),)
        vectors = self.encode([text[part.start : part.end] for part in passages])
        return EncodedNote(self._vector(text), passages, vectors, len(words), len(words))

    def _vector(self, text: str) -> Vectors:
        directions = [self._direction(word.lower()) for word in re.findall(r"\w+", text)]
        total = np.sum([self._direction(""), *(9 * direction for direction in directions)], axis=0)
        return np.asarray(total / np.linalg.norm(total), np.float32)

    def _direction(self, word: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
        return np.random.default_rng(seed).standard_normal(self.dim)
