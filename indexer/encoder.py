"""The encoder: texts of any length to note vectors and passage vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from notekin.errors import EncoderError
from notekin.indexer import passages, windows
from notekin.indexer.ahead import ahead
from notekin.indexer.longformer.cold import ColdLongformer
from notekin.indexer.longformer.files import weights_digest
from notekin.indexer.longformer.loading import BUILTIN, ModelFolder, resolve
from notekin.indexer.longformer.tokenizer import NoteTokenizer, TokenizedText
from notekin.indexer.passages import TokenRange
from notekin.indexer.pooling import Pool, Pooling
from notekin.indexer.reading import SPECIAL_TOKENS, Reading, reading_for
from notekin.indexer.windows import Window
from notekin.types import EncodedNote, Fingerprint, Passage, Vectors

if TYPE_CHECKING:
    from notekin.indexer.longformer.model import PackedLongformer

GROUP_TOKENS = 32_768
"""Tokens whose vectors are held at one time: 100 MB at 768 wide, whatever a note's length."""

TOKENIZED_TOGETHER = 16

_INT8 = " int8"

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """A text's tokens, each with the vector that the model gave it.

    Attributes:
        starts: int32 of shape (n,): the token is made from ``text[start:end]``.
        ends: int32 of shape (n,).
        vectors: float32 of shape (n, dim), as the model's last layer gives them.
    """

    starts: npt.NDArray[np.int32]
    ends: npt.NDArray[np.int32]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class _Text:
    """A text and how it is going to be read."""

    text: str
    tokens: TokenizedText
    ranges: list[TokenRange]
    windows: list[Window]


class NoteEncoder:
    """Reads texts with a Longformer, whole, and pools its token vectors."""

    def __init__(
        self,
        model: PackedLongformer | ColdLongformer,
        tokenizer: NoteTokenizer,
        reading: Reading,
        fingerprint: Fingerprint,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._reading = reading
        self._fingerprint = fingerprint

    @classmethod
    def load(
        cls,
        model: str,
        cache: Path,
        *,
        reading: Reading | None = None,
        pooling: Pooling = Pooling.MEAN,
        global_first: bool = False,
        precision: str = "auto",
        device: str = "cpu",
        threads: int | None = None,
    ) -> Self:
        """Load a model by name.

        Args:
            model: ``builtin``, a folder, or a name on the hub.
            cache: Where the built-in model and the digests of weights are kept once made.
            reading: How to read; where None, as suits the model best, with the two that follow.
            pooling: How token vectors become one.
            global_first: Whether the first special token sees its whole window.
            precision: ``fp32``, ``bf16``, ``int8``, or ``auto`` for what suits this machine.
            device: As torch names it.
            threads: Processor threads for torch; its own choice where None.

        Raises:
            ModelUnavailableError: It is not on this machine and can't be fetched.
            EncoderError: It is no Longformer, or damaged.
        """
        found = resolve(model, cache)
        network = ColdLongformer(found.path, precision=precision, device=device, threads=threads)
        reading = reading or reading_for(network.config, pooling, global_first=global_first)
        fingerprint = Fingerprint(
            model=_lasting_name(found),
            revision=found.revision,
            weights=_digest(found, cache, rounded=precision == "int8"),
            reading=reading.to_json(),
            dim=reading.pooling.width(network.dim),
        )
        return cls(network, NoteTokenizer(found.path), reading, fingerprint)

    @property
    def fingerprint(self) -> Fingerprint:
        """What a store keeps to refuse another encoder's vectors."""
        return self._fingerprint

    @property
    def token_dim(self) -> int:
        """Length of a token's vector."""
        return self._model.dim

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, in the order given.

        A text that fits into one window is read in one pass; a longer one as a note is,
        each token counted once.

        Returns:
            float32 of shape (len(texts), dim). An empty text gives the vector of the
            empty string, never NaN.
        """
        planned = (self._plan_query(*pair) for pair in self._tokenize(texts))
        vectors = np.empty((len(texts), self._fingerprint.dim), np.float32)
        for at, (text, pool) in enumerate(self._pooled(planned)):
            one_pass = len(text.windows) == 1
            vectors[at] = (
                pool.passages(self._reading.pooling, with_special=True)[0]
                if one_pass
                else pool.note(self._reading.pooling)
            )
        return vectors

    def encode_notes(self, texts: Sequence[str]) -> list[EncodedNote]:
        """Return the note vector and the passages of each text, in the order given.

        Raises:
            EncoderError: Tokens were lost on the way; nothing is returned then.
        """
        planned = (self._plan_note(*pair) for pair in self._tokenize(texts))
        return [self._note(*pair) for pair in self._pooled(planned)]

    def encode_tokens(self, texts: Sequence[str]) -> Iterator[TokenVectors]:
        """Give the vector of every token of each text, in the order given.

        A text is read as a note is; a token that two windows share has its vector from the
        one in which it counts.
        """
        planned = [self._plan_note(*pair) for pair in self._tokenize(texts)]
        rows: dict[int, list[Vectors]] = {at: [] for at in range(len(planned))}
        for at, window, read in self._read(planned):
            first, last = window.count_first - window.first, window.count_last - window.first
            rows[at].append(read[1:-1][first:last].copy())
        for at, text in enumerate(planned):
            yield TokenVectors(text.tokens.starts, text.tokens.ends, np.concatenate(rows.pop(at)))

    def _tokenize(self, texts: Sequence[str]) -> Iterator[tuple[str, TokenizedText]]:
        """Give each text with its tokens; while the model reads some, the next are made."""
        if len(texts) <= TOKENIZED_TOGETHER:
            return zip(texts, self._tokenizer.encode(texts), strict=True)
        starts = range(0, len(texts), TOKENIZED_TOGETHER)
        parts = [texts[at : at + TOKENIZED_TOGETHER] for at in starts]
        tokens = chain.from_iterable(ahead(self._tokenizer.encode, parts))
        return zip(texts, tokens, strict=True)

    def _plan_note(self, text: str, tokens: TokenizedText) -> _Text:
        ranges = passages.split(text, tokens.starts, self._reading.passage_tokens)
        read = windows.split(len(tokens.ids), self._reading.window_tokens, self._reading.overlap)
        return _Text(text, tokens, ranges, read)

    def _plan_query(self, text: str, tokens: TokenizedText) -> _Text:
        count = len(tokens.ids)
        if count > self._reading.window_tokens:
            return self._plan_note(text, tokens)
        return _Text(text, tokens, [TokenRange(0, count)], [Window(0, count, 0, count)])

    def _pooled(self, texts: Iterable[_Text]) -> list[tuple[_Text, Pool]]:
        pooled: list[tuple[_Text, Pool]] = []

        def remembered() -> Iterator[_Text]:
            for text in texts:
                pooled.append((text, Pool(text.ranges, self._model.dim)))
                yield text

        for at, window, rows in self._read(remembered()):
            pooled[at][1].add(window, rows)
        return pooled

    def _read(self, texts: Iterable[_Text]) -> Iterator[tuple[int, Window, Vectors]]:
        """Run the model over every window of every text, and give the rows of each."""
        for members in _groups(texts):
            group = [(at, window) for at, window, _ in members]
            sequences = [self._sequence(text, window) for _, window, text in members]
            rows = np.asarray(
                self._model.forward(sequences, global_first=self._reading.global_first)
            )
            stops = np.cumsum([len(sequence) for sequence in sequences])
            for (at, window), part in zip(group, np.split(rows, stops[:-1]), strict=True):
                yield at, window, part

    def _sequence(self, text: _Text, window: Window) -> Ids:
        ids = text.tokens.ids[window.first : window.last]
        return np.concatenate([[self._tokenizer.cls_id], ids, [self._tokenizer.sep_id]])

    def _note(self, text: _Text, pool: Pool) -> EncodedNote:
        total = len(text.tokens.ids)
        if pool.seen != total:
            raise EncoderError(
                f"Of a note's {total} tokens {pool.seen} were read; nothing is kept."
            )
        pooling = self._reading.pooling
        return EncodedNote(
            vector=pool.note(pooling),
            passages=tuple(_passages(text)),
            passage_vectors=pool.passages(pooling, with_special=False),
            tokens_seen=pool.seen,
            tokens_total=total,
        )


def _groups(texts: Iterable[_Text]) -> Iterator[list[tuple[int, Window, _Text]]]:
    """Give (text's place, window, text) of all windows, about GROUP_TOKENS tokens together."""
    group: list[tuple[int, Window, _Text]] = []
    tokens = 0
    for at, text in enumerate(texts):
        for window in text.windows:
            group.append((at, window, text))
            tokens += window.last - window.first + SPECIAL_TOKENS
            if tokens >= GROUP_TOKENS:
                yield group
                group, tokens = [], 0
    if group:
        yield group


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


def is_int8(fingerprint: Fingerprint) -> bool:
    """Whether vectors were made with weights rounded to int8, which moves neighbours.

    bf16 and fp32 find the same ones: their vectors may be compared, and share a fingerprint.
    """
    return fingerprint.weights.endswith(_INT8)


def _digest(found: ModelFolder, cache: Path, *, rounded: bool) -> str:
    return weights_digest(found.path, cache) + (_INT8 if rounded else "")


def _lasting_name(found: ModelFolder) -> str:
    """Return a name that finds the model again from any folder."""
    by_name = found.name == BUILTIN or found.revision is not None
    return found.name if by_name else str(found.path.resolve())
