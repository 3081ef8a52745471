"""The encoder: texts of any length to note vectors and passage vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from notekin.errors import EncoderError
from notekin.indexer import passages
from notekin.indexer.longformer.loading import BUILTIN, ModelFolder, resolve
from notekin.indexer.longformer.model import PackedLongformer
from notekin.indexer.longformer.tokenizer import NoteTokenizer, TokenizedText
from notekin.indexer.longformer.weights import weights_digest
from notekin.indexer.passages import TokenRange
from notekin.indexer.reading import Reading, reading_for
from notekin.indexer.windows import Window
from notekin.types import EncodedNote, Fingerprint, Passage, Vectors

GROUP_TOKENS = 32_768
"""Tokens whose vectors are held at one time: 100 MB at 768 wide, whatever a note's length."""

Ids = npt.NDArray[np.int32]
Sums = npt.NDArray[np.float64]


@dataclass(slots=True)
class _Text:
    """A text while it is read: its tokens, its plan, and sums over the tokens read so far.

    A mean is a sum divided, and a vector of length 1 is the same for both, so sums do.
    """

    text: str
    tokens: TokenizedText
    ranges: list[TokenRange]
    windows: list[Window]
    content: Sums = field(init=False)
    special: Sums = field(init=False)
    seen: int = 0

    def begin(self, dim: int) -> None:
        """Make room for one sum a passage."""
        self.content = np.zeros((len(self.ranges), dim))
        self.special = np.zeros((len(self.ranges), dim))

    def add(self, number: int, rows: Vectors) -> None:
        """Add what the model gave for one window, special tokens first and last."""
        window = self.windows[number]
        edges = np.array([part.first for part in self.ranges])
        first = int(np.searchsorted(edges, window.count_first, "right")) - 1
        last = int(np.searchsorted(edges, max(window.count_last, 1), "left"))
        for place in range(first, last):
            start = max(self.ranges[place].first, window.count_first)
            stop = min(self.ranges[place].last, window.count_last)
            part = rows[1 + start - window.first : 1 + stop - window.first]
            self.content[place] += part.sum(axis=0, dtype=np.float64)
            self.special[place] += rows[0].astype(np.float64) + rows[-1]
        self.seen += window.count_last - window.count_first


class NoteEncoder:
    """Reads texts with a Longformer, whole, and pools its token vectors by their mean."""

    def __init__(
        self,
        model: PackedLongformer,
        tokenizer: NoteTokenizer,
        reading: Reading,
        fingerprint: Fingerprint,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._reading = reading
        self._fingerprint = fingerprint

    @classmethod
    def load(cls, model: str, cache: Path, *, device: str = "cpu") -> Self:
        """Load a model by name.

        Args:
            model: ``builtin``, a folder, or a name on the hub.
            cache: Where the built-in model is kept once made.
            device: As torch names it.

        Raises:
            ModelUnavailableError: It is not on this machine and can't be fetched.
            EncoderError: It is no Longformer, or damaged.
        """
        found = resolve(model, cache)
        network = PackedLongformer.from_folder(found.path, device=device)
        reading = reading_for(network.config)
        fingerprint = Fingerprint(
            model=_lasting_name(found),
            revision=found.revision,
            weights=weights_digest(found.path),
            reading=str(reading),
            dim=network.dim,
        )
        return cls(network, NoteTokenizer(found.path), reading, fingerprint)

    @property
    def fingerprint(self) -> Fingerprint:
        """What a store keeps to refuse another encoder's vectors."""
        return self._fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, in the order given.

        A text that fits into one window is read in one pass; a longer one as a note is,
        each token counted once.

        Returns:
            float32 of shape (len(texts), dim). An empty text gives the vector of the
            empty string, never NaN.
        """
        read = self._read([self._plan_query(*pair) for pair in self._tokenize(texts)])
        sums = [text.content.sum(axis=0) + _edge(text) for text in read]
        return _unit(np.stack(sums)) if sums else np.empty((0, self._model.dim), np.float32)

    def encode_notes(self, texts: Sequence[str]) -> list[EncodedNote]:
        """Return the note vector and the passages of each text, in the order given.

        Raises:
            EncoderError: Tokens were lost on the way; nothing is returned then.
        """
        return [
            self._note(text)
            for text in self._read([self._plan_note(*pair) for pair in self._tokenize(texts)])
        ]

    def _tokenize(self, texts: Sequence[str]) -> Iterator[tuple[str, TokenizedText]]:
        return zip(texts, self._tokenizer.encode(texts), strict=True)

    def _plan_note(self, text: str, tokens: TokenizedText) -> _Text:
        ranges = passages.split(text, tokens.starts, self._reading.passage_tokens)
        return _Text(text, tokens, ranges, self._reading.windows(len(tokens.ids), ranges))

    def _plan_query(self, text: str, tokens: TokenizedText) -> _Text:
        count = len(tokens.ids)
        if count > self._reading.query_tokens:
            return self._plan_note(text, tokens)
        return _Text(text, tokens, [TokenRange(0, count)], [Window(0, count, 0, count)])

    def _read(self, texts: Sequence[_Text]) -> Sequence[_Text]:
        """Run the model over every window of every text, some tokens at a time."""
        for text in texts:
            text.begin(self._model.dim)
        for group in _groups(texts):
            sequences = [self._sequence(text, number) for text, number in group]
            rows = self._model.forward(sequences).numpy()
            stops = np.cumsum([len(sequence) for sequence in sequences])
            for (text, number), part in zip(group, np.split(rows, stops[:-1]), strict=True):
                text.add(number, part)
        return texts

    def _sequence(self, text: _Text, number: int) -> Ids:
        window = text.windows[number]
        ids = text.tokens.ids[window.first : window.last]
        return np.concatenate([[self._tokenizer.cls_id], ids, [self._tokenizer.sep_id]])

    def _note(self, text: _Text) -> EncodedNote:
        total = len(text.tokens.ids)
        if text.seen != total:
            raise EncoderError(
                f"Of a note's {total} tokens {text.seen} were read; nothing is kept."
            )
        alone = self._reading.passages_alone or not total
        parts = text.content + text.special if alone else text.content
        whole = text.content.sum(axis=0) if total else text.special[0]
        return EncodedNote(
            vector=_unit(whole),
            passages=tuple(_passages(text)),
            passage_vectors=_unit(parts),
            tokens_seen=text.seen,
            tokens_total=total,
        )


def _groups(texts: Sequence[_Text]) -> Iterator[list[tuple[_Text, int]]]:
    """Give (text, window number) of all windows, about GROUP_TOKENS tokens together."""
    group: list[tuple[_Text, int]] = []
    tokens = 0
    for text in texts:
        for number, window in enumerate(text.windows):
            group.append((text, number))
            tokens += window.last - window.first + 2
            if tokens >= GROUP_TOKENS:
                yield group
                group, tokens = [], 0
    if group:
        yield group


def _edge(text: _Text) -> npt.NDArray[np.float64]:
    """Return the special tokens' share in a query's mean: those of its one pass, or none."""
    share: npt.NDArray[np.float64] = text.special[0]
    return share if len(text.windows) == 1 else np.zeros_like(share)


def _passages(text: _Text) -> Iterator[Passage]:
    """Give where the passages lie in the text; one without tokens is the whole text.

    Where two tokens of one character fall into two passages, it belongs to the first.
    """
    end = 0
    for part in text.ranges:
        if part.first == part.last:
            yield Passage(0, len(text.text), 0)
            continue
        start = max(int(text.tokens.starts[part.first]), end)
        end = max(int(text.tokens.ends[part.last - 1]), start)
        yield Passage(start, end, part.last - part.first)


def _lasting_name(found: ModelFolder) -> str:
    """Return a name that finds the model again from any folder."""
    by_name = found.name == BUILTIN or found.revision is not None
    return found.name if by_name else str(found.path.resolve())


def _unit(rows: npt.NDArray[np.float64]) -> Vectors:
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    unit: Vectors = (rows / np.maximum(length, np.finfo(np.float64).tiny)).astype(np.float32)
    return unit
