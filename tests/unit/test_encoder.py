from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notekin.errors import EncoderError
from notekin.indexer import encoder as encoder_module
from notekin.indexer import windows
from notekin.indexer.encoder import NoteEncoder
from notekin.indexer.longformer.model import PackedLongformer
from notekin.indexer.longformer.tokenizer import NoteTokenizer
from notekin.indexer.reading import Reading, reading_in
from notekin.types import Fingerprint
from tests.support.tiny_longformer import write_tiny_longformer

SHORT = Reading(window_tokens=62, overlap=8, passage_tokens=16)
LONG = Reading(window_tokens=4094, overlap=64, passage_tokens=16)
ODD_TEXTS = {
    "empty": "",
    "one character": "x",
    "blank": " \n\t ",
    "emoji": "😀👩‍⚕️" * 40,
    "NUL": "\0fever\0" * 30,
    "lone surrogate": "a\ud800b fever",
    "special tokens": "<s>[CLS]</s> fever <pad>" * 10,
    "no space": "x" * 5000,
    "CRLF": "BP 120/80\r\n\r\nPlan: rest.\r\n" * 40,
    "combining": "e\u0301" * 300,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_longformer(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module", params=[SHORT, LONG], ids=["short windows", "long windows"])
def encoder(request: pytest.FixtureRequest, folder: Path) -> NoteEncoder:
    return made(folder, request.param)


def made(folder: Path, reading: Reading) -> NoteEncoder:
    model = PackedLongformer.from_folder(folder)
    fingerprint = Fingerprint("tiny", None, "w", reading.to_json(), model.dim)
    return NoteEncoder(model, NoteTokenizer(folder), reading, fingerprint)


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
def test_an_odd_note_comes_out_whole_with_unit_vectors(encoder: NoteEncoder, text: str) -> None:
    (note,) = encoder.encode_notes([text])
    assert note.tokens_seen == note.tokens_total
    assert len(note.passages) == len(note.passage_vectors) >= 1
    assert np.allclose(np.linalg.norm(note.passage_vectors, axis=1), 1, atol=1e-5)
    assert np.isclose(np.linalg.norm(note.vector), 1, atol=1e-5)
    covered = "".join(text[part.start : part.end] for part in note.passages)
    assert "".join(covered.split()) == "".join(text.split())


def test_an_empty_note_has_the_vector_of_the_empty_string_and_one_passage(
    encoder: NoteEncoder,
) -> None:
    (note,) = encoder.encode_notes([""])
    assert [(part.start, part.end, part.tokens) for part in note.passages] == [(0, 0, 0)]
    assert np.allclose(note.vector, encoder.encode([""])[0], atol=1e-6)
    assert np.allclose(note.passage_vectors[0], note.vector, atol=1e-6)


def test_fifty_thousand_words_are_all_read(encoder: NoteEncoder) -> None:
    text = "The patient denies chest pain. " * 10_000
    (note,) = encoder.encode_notes([text])
    assert note.tokens_seen == note.tokens_total >= 50_000
    assert sum(part.tokens for part in note.passages) == note.tokens_total
    assert note.passages[-1].end >= len(text.rstrip())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=200), min_size=1, max_size=6), st.randoms())
def test_a_note_has_the_same_vectors_alone_and_in_any_batch(
    folder: Path, texts: list[str], random: object
) -> None:
    encoder = made(folder, SHORT)
    together = encoder.encode_notes(texts)
    for text, batched in zip(texts, together, strict=True):
        (alone,) = encoder.encode_notes([text])
        assert np.allclose(alone.vector, batched.vector, atol=1e-5)
        assert np.allclose(alone.passage_vectors, batched.passage_vectors, atol=1e-5)


def test_how_many_tokens_are_held_at_once_changes_no_vector(
    encoder: NoteEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["fever and cough. " * 60, "rash", "", "chest pain radiating to the left arm. " * 20]
    at_once = encoder.encode_notes(texts)
    monkeypatch.setattr(encoder_module, "GROUP_TOKENS", 20)
    for one, other in zip(at_once, encoder.encode_notes(texts), strict=True):
        assert np.allclose(one.vector, other.vector, atol=1e-5)
        assert np.allclose(one.passage_vectors, other.passage_vectors, atol=1e-5)


def test_a_note_vector_is_the_mean_of_its_token_vectors_each_counted_once(folder: Path) -> None:
    encoder = made(folder, SHORT)
    text = "She denies fever. " * 40
    tokenizer, model = NoteTokenizer(folder), PackedLongformer.from_folder(folder)
    ids = tokenizer.encode([text])[0].ids
    rows = []
    for window in windows.split(len(ids), SHORT.window_tokens, SHORT.overlap):
        part = [tokenizer.cls_id, *ids[window.first : window.last], tokenizer.sep_id]
        read = model.forward([np.array(part)]).numpy()[1:-1]
        rows.append(read[window.count_first - window.first : window.count_last - window.first])
    tokens = np.concatenate(rows)
    assert len(tokens) == len(ids)
    mean = tokens.mean(axis=0)
    (note,) = encoder.encode_notes([text])
    assert np.allclose(note.vector, mean / np.linalg.norm(mean), atol=1e-5)
    first = tokens[: note.passages[0].tokens].mean(axis=0)
    assert np.allclose(note.passage_vectors[0], first / np.linalg.norm(first), atol=1e-5)


def test_a_query_longer_than_its_pass_is_read_to_its_end(encoder: NoteEncoder) -> None:
    filler = "The patient denies chest pain. " * 30
    plain, other = encoder.encode([filler, filler + "Sepsis from pneumonia after surgery."])
    assert not np.allclose(plain, other, atol=1e-4)


def test_no_texts_give_no_vectors(encoder: NoteEncoder) -> None:
    assert encoder.encode([]).shape[0] == 0
    assert encoder.encode_notes([]) == []


def test_a_reading_comes_back_from_a_fingerprint_and_another_is_refused() -> None:
    assert reading_in(SHORT.to_json()) == SHORT
    assert reading_in(SHORT.to_json() + " then centre 0123") == SHORT
    with pytest.raises(EncoderError, match="another"):
        reading_in("five words")


def test_loading_names_the_model_so_that_it_is_found_from_anywhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    loaded = NoteEncoder.load(folder.name, tmp_path)
    assert loaded.fingerprint.model == str(folder.resolve())
    assert loaded.fingerprint.dim == 32
