"""Any BERT or RoBERTa becomes a Longformer that gives the same on short texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoTokenizer, BertModel, LongformerModel, RobertaModel

from notekin.errors import EncoderError, UsageError
from notekin.indexer.longformer.convert import convert
from notekin.indexer.longformer.model import PackedLongformer
from notekin.indexer.longformer.tokenizer import NoteTokenizer
from tests.support.tiny_longformer import (
    write_tiny_bert,
    write_tiny_longformer,
    write_tiny_roberta,
)

WRITERS = {"bert": write_tiny_bert, "roberta": write_tiny_roberta}
ORIGINALS: dict[str, Any] = {"bert": BertModel, "roberta": RobertaModel}


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_short_texts_give_the_original_embeddings(tmp_path: Path, kind: str) -> None:
    source, made = WRITERS[kind](tmp_path / "source"), tmp_path / "made"
    convert(source, to=made)
    original = ORIGINALS[kind].from_pretrained(source, add_pooling_layer=False).eval()
    theirs: Any = LongformerModel.from_pretrained(made, add_pooling_layer=False)
    theirs.eval()
    ours = PackedLongformer.from_folder(made)
    for length in (1, 2, 30, 64):
        ids = torch.randint(5, 200, (1, length), generator=torch.Generator().manual_seed(length))
        mask = torch.ones_like(ids)
        with torch.no_grad():
            expected = original(ids, attention_mask=mask).last_hidden_state[0]
            by_theirs = theirs(ids, attention_mask=mask).last_hidden_state[0]
        assert torch.allclose(by_theirs, expected, rtol=0, atol=1e-4)
        assert torch.allclose(ours.forward([ids[0].numpy()]), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_it_reads_4096_tokens_by_repeating_the_positions(tmp_path: Path, kind: str) -> None:
    source, made = WRITERS[kind](tmp_path / "source"), tmp_path / "made"
    convert(source, to=made)
    model = PackedLongformer.from_folder(made)
    assert model.max_tokens == 4096
    assert model.config.attention_window == (512, 512)
    name = "embeddings.position_embeddings.weight"
    first = model.config.pad_token_id + 1
    rows = load_file(made / "model.safetensors")[name][first:]
    original = load_file(source / "model.safetensors")[name]
    assert rows.shape[0] == 4096
    assert torch.equal(rows[4032:], original[-64:])


def test_the_global_projections_start_as_the_local_ones(tmp_path: Path) -> None:
    convert(write_tiny_bert(tmp_path / "source"), to=tmp_path / "made")
    tensors = load_file(tmp_path / "made" / "model.safetensors")
    copied = [name for name in tensors if "_global." in name]
    assert len(copied) == 2 * 3 * 2
    for name in copied:
        assert torch.equal(tensors[name], tensors[name.replace("_global", "")])


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_transformers_tokenises_the_made_folder_as_notekin_does(tmp_path: Path, kind: str) -> None:
    convert(WRITERS[kind](tmp_path / "source"), to=tmp_path / "made")
    assert Tokenizer.from_file(str(tmp_path / "made" / "tokenizer.json")).truncation is None
    text = "Patient denies chest pain; no fever or chills at home, and takes aspirin every day now."
    tokenizer = NoteTokenizer(tmp_path / "made")
    (tokens,) = tokenizer.encode([text])
    theirs: Any = AutoTokenizer.from_pretrained(tmp_path / "made")
    expected = theirs(text)["input_ids"]
    assert expected == [tokenizer.cls_id, *tokens.ids.tolist(), tokenizer.sep_id]


def test_a_checkpoint_with_a_head_and_old_names_is_read(tmp_path: Path) -> None:
    source = write_tiny_bert(tmp_path / "source")
    convert(source, to=tmp_path / "plain")
    tensors = {
        "bert." + name.replace("LayerNorm.weight", "LayerNorm.gamma"): tensor
        for name, tensor in load_file(source / "model.safetensors").items()
    }
    (source / "model.safetensors").unlink()
    torch.save(tensors | {"cls.predictions.bias": torch.zeros(3)}, source / "pytorch_model.bin")
    convert(source, to=tmp_path / "headed")
    plain, headed = (
        (tmp_path / name / "model.safetensors").read_bytes() for name in ("plain", "headed")
    )
    assert plain == headed


def test_a_taken_folder_is_left_alone(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not an empty folder"):
        convert(write_tiny_bert(tmp_path / "source"), to=taken)
    assert [path.name for path in taken.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    convert(write_tiny_bert(tmp_path / "source"), to=tmp_path / "made")
    assert PackedLongformer.from_folder(tmp_path / "made").max_tokens == 4096


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    source = write_tiny_bert(tmp_path / "source")
    tensors = load_file(source / "model.safetensors")
    del tensors["embeddings.token_type_embeddings.weight"]
    save_file(tensors, source / "model.safetensors")
    with pytest.raises(EncoderError, match=r"lack embeddings\.token_type"):
        convert(source, to=tmp_path / "made")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


def test_other_kinds_of_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="no BERT or RoBERTa"):
        convert(write_tiny_longformer(tmp_path / "long"), to=tmp_path / "made")
    relative = write_tiny_bert(tmp_path / "relative", position_embedding_type="relative_key")
    with pytest.raises(EncoderError, match="absolute positions"):
        convert(relative, to=tmp_path / "made")
    assert json.loads((relative / "config.json").read_text())["model_type"] == "bert"
