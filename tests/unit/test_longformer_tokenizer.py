"""Tokens keep their exact place in the note's own text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from notekin.errors import EncoderError
from notekin.indexer.longformer.tokenizer import NoteTokenizer
from tests.support.tiny_longformer import write_tiny_bert, write_tiny_roberta

TEXTS = (
    "",
    " ",
    "Patient denies chest pain.",
    "a\0b\0",
    "temp 38 \U0001f600\U0001f468\u200d\U0001f469 end",
    "e\u0301le\u0300ve Zoe\u0308",
    "bad \ud800 half \ud83d\ude00 pair",
    "[SEP] </s> <pad> [PAD] <mask> [CLS]",
    "\r\n\ttabs\u00a0and\u2028lines  twice",
)


@pytest.fixture(params=["bert", "roberta"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return (write_tiny_bert if request.param == "bert" else write_tiny_roberta)(tmp_path)


def test_offsets_lie_in_the_text_and_never_go_back(folder: Path) -> None:
    for text, tokens in zip(TEXTS, NoteTokenizer(folder).encode(TEXTS), strict=True):
        assert tokens.ids.dtype == tokens.starts.dtype == tokens.ends.dtype == np.int32
        assert len(tokens.ids) == len(tokens.starts) == len(tokens.ends)
        assert np.all(tokens.starts <= tokens.ends)
        assert np.all(np.diff(tokens.starts) >= 0)
        assert not len(tokens.ids) or 0 <= tokens.starts[0] <= tokens.ends[-1] <= len(text)


def test_every_word_is_where_its_tokens_say(folder: Path) -> None:
    text = "\U0001f600 fever \ud800 chest \0 pain e\u0301 cough"
    (tokens,) = NoteTokenizer(folder).encode([text])
    spans = {text[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True)}
    assert {"fever", "chest", "pain", "cough"} <= spans


def test_what_looks_like_a_special_token_is_text(folder: Path) -> None:
    tokenizer = NoteTokenizer(folder)
    special = {tokenizer.cls_id, tokenizer.sep_id, tokenizer.pad_id}
    text = "[SEP] </s> <pad> [PAD] <mask> [CLS] <s>"
    (tokens,) = tokenizer.encode([text])
    assert not special & set(tokens.ids.tolist())
    covered = {
        place for s, e in zip(tokens.starts, tokens.ends, strict=True) for place in range(s, e)
    }
    assert covered == {place for place, letter in enumerate(text) if letter != " "}


def test_a_lone_surrogate_is_read_as_the_replacement_character(folder: Path) -> None:
    tokenizer = NoteTokenizer(folder)
    broken, replaced = tokenizer.encode(["x\ud800y\udfff", "x\ufffdy\ufffd"])
    assert np.array_equal(broken.ids, replaced.ids)
    assert np.array_equal(broken.starts, replaced.starts)


def test_a_long_text_is_neither_cut_nor_padded(folder: Path) -> None:
    tokenizer = NoteTokenizer(folder)
    (tokens,) = tokenizer.encode(["patient denies pain " * 16_667])
    assert len(tokens.ids) >= 50_000
    assert tokens.ends[-1] in (
        len("patient denies pain ") * 16_667,
        len("patient denies pain ") * 16_667 - 1,
    )
    one, two = tokenizer.encode(["pain", "patient denies chest pain"])
    assert len(one.ids) < len(two.ids)


def test_the_special_tokens_are_those_of_the_model(tmp_path: Path) -> None:
    bert = NoteTokenizer(write_tiny_bert(tmp_path / "bert"))
    assert (bert.cls_id, bert.sep_id, bert.pad_id) == (2, 3, 0)
    roberta = NoteTokenizer(write_tiny_roberta(tmp_path / "roberta"))
    assert (roberta.cls_id, roberta.sep_id, roberta.pad_id) == (0, 2, 1)


def test_a_folder_with_only_vocabulary_files_reads_the_same(tmp_path: Path) -> None:
    folder = write_tiny_roberta(tmp_path)
    (expected,) = NoteTokenizer(folder).encode(["Patient denies chest pain."])
    whole = NoteTokenizer(folder)._tokenizer
    whole.model.save(str(folder))
    (folder / "tokenizer.json").unlink()
    (tokens,) = NoteTokenizer(folder).encode(["Patient denies chest pain."])
    assert np.array_equal(tokens.ids, expected.ids)
    assert np.array_equal(tokens.ends, expected.ends)


@pytest.mark.parametrize("content", ["", "{}", "not json"])
def test_a_damaged_tokenizer_is_one_clear_line(tmp_path: Path, content: str) -> None:
    folder = write_tiny_roberta(tmp_path)
    (folder / "tokenizer.json").write_text(content)
    with pytest.raises(EncoderError, match="missing or damaged") as caught:
        NoteTokenizer(folder)
    assert "\n" not in str(caught.value)
