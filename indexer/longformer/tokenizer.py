"""A note's tokens: ids and where each lies in the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from notekin.errors import EncoderError
from notekin.indexer.longformer.config import read_json
from notekin.text import without_surrogates

_USUAL = {
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "pad_token": ("[PAD]", "<pad>"),
}

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """The tokens of one text, without special ones.

    Attributes:
        ids: int32 of shape (n,).
        starts: int32 of shape (n,): the token is made from ``text[start:end]``.
        ends: int32 of shape (n,). Tokens that share a character share its offsets.
    """

    ids: Ints
    starts: Ints
    ends: Ints


class NoteTokenizer:
    """A model's tokenizer over whole notes: nothing cut off, nothing filled up.

    What looks like a special token in a note ("[SEP]", "</s>") is read as text.
    """

    def __init__(self, folder: Path) -> None:
        """Load the tokenizer of the model in this folder.

        Raises:
            EncoderError: It is missing or damaged.
        """
        self._tokenizer = load_tokenizer(folder)
        self._tokenizer.encode_special_tokens = True
        self.cls_id, self.sep_id, self.pad_id = special_ids(self._tokenizer, folder)

    def encode(self, texts: Sequence[str]) -> list[TokenizedText]:
        """Return the tokens of each text, in the order given.

        Offsets count Python characters of the text as given. A lone surrogate, which
        no model can read, is read as U+FFFD.
        """
        clean = [without_surrogates(text) for text in texts]
        encodings = self._tokenizer.encode_batch(clean, add_special_tokens=False)
        return [_tokenized(encoding) for encoding in encodings]


def load_tokenizer(folder: Path) -> Tokenizer:
    """Return the folder's tokenizer, set to neither cut nor pad.

    Raises:
        EncoderError: It is missing or damaged.
    """
    path = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(path)) if path.is_file() else _from_vocabulary(folder)
    except Exception as error:  # tokenizers raises nothing narrower
        raise EncoderError(
            f"The tokenizer in {folder} is missing or damaged. Fetch the model again."
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def special_ids(tokenizer: Tokenizer, folder: Path) -> tuple[int, int, int]:
    """Return the ids of the tokens that begin, end and pad a text.

    Raises:
        EncoderError: The vocabulary lacks one of them.
    """
    named: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            named |= read_json(folder / name)
    cls_id, sep_id, pad_id = (_special_id(tokenizer, role, named, folder) for role in _USUAL)
    return cls_id, sep_id, pad_id


def _special_id(tokenizer: Tokenizer, role: str, named: dict[str, Any], folder: Path) -> int:
    stated = named.get(role)
    content = stated.get("content") if isinstance(stated, dict) else stated
    for token in (content, *_USUAL[role]):
        found = tokenizer.token_to_id(token) if isinstance(token, str) else None
        if found is not None:
            return int(found)
    raise EncoderError(f"The tokenizer in {folder} has no {role}.")


def _from_vocabulary(folder: Path) -> Tokenizer:
    """Build the tokenizer of a checkpoint that has only vocabulary files."""
    from transformers import AutoTokenizer  # slow to import, and most folders don't need it

    fast = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    backend = fast.backend_tokenizer
    if not isinstance(backend, Tokenizer):
        raise TypeError("a tokenizer without offsets")
    return backend


def _tokenized(encoding: Encoding) -> TokenizedText:
    offsets = np.array(encoding.offsets, dtype=np.int32).reshape(-1, 2)
    return TokenizedText(
        ids=np.array(encoding.ids, dtype=np.int32),
        starts=np.ascontiguousarray(offsets[:, 0]),
        ends=np.ascontiguousarray(offsets[:, 1]),
    )
