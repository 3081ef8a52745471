"""A model is found, or one line says why not and what to do."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import huggingface_hub.errors
import pytest
import torch
from safetensors.torch import load_file, save_file

from notekin.errors import EncoderError, ModelUnavailableError
from notekin.indexer.longformer.files import weights_digest
from notekin.indexer.longformer.loading import ModelFolder, resolve
from notekin.indexer.longformer.model import PackedLongformer
from tests.support.tiny_longformer import write_tiny_bert, write_tiny_longformer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_longformer(tmp_path / "tiny")


def change_config(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_folder_is_found(folder: Path, tmp_path: Path) -> None:
    assert resolve(str(folder), tmp_path) == ModelFolder(folder, str(folder), None)


def test_a_missing_folder_offers_the_built_in_model(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="--model builtin"):
        resolve(str(tmp_path / "nowhere"), tmp_path)


def test_a_name_without_a_hub_offers_a_folder_and_the_built_in_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> str:
        raise huggingface_hub.errors.LocalEntryNotFoundError("no route\nto host")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(ModelUnavailableError) as caught:
        resolve("someone/clinical-longformer", tmp_path)
    message = str(caught.value)
    assert "someone/clinical-longformer" in message
    assert "folder" in message
    assert "--model builtin" in message
    assert "\n" not in message


def test_a_pickle_is_fetched_only_where_there_are_no_safetensors(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def fetch(name: str, *, allow_patterns: list[str], **_: object) -> str:
        asked.append(allow_patterns)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert resolve("someone/model", tmp_path).revision == folder.name
    assert len(asked) == 1
    assert "pytorch_model.bin" not in asked[0]
    (folder / "model.safetensors").unlink()
    resolve("someone/model", tmp_path)
    assert "pytorch_model.bin" in asked[-1]


def test_a_bert_is_told_to_be_converted(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="notekin convert"):
        resolve(str(write_tiny_bert(tmp_path / "bert")), tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("config.json", None, "is missing"),
        ("config.json", b"{", "can't be read as JSON"),
        ("config.json", b"[]", "no JSON object"),
        ("config.json", b"\xff", "can't be read as JSON"),
        ("model.safetensors", None, "holds no weights"),
        ("model.safetensors", b"", "is damaged"),
        ("model.safetensors", b"x" * 100, "is damaged"),
    ],
)
def test_a_damaged_file_is_one_clear_line(
    folder: Path, name: str, content: bytes | None, says: str
) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(EncoderError, match=says) as caught:
        PackedLongformer.from_folder(folder)
    assert "\n" not in str(caught.value)


def test_a_truncated_download_is_damaged(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EncoderError, match="is damaged"):
        PackedLongformer.from_folder(folder)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"hidden_size": None}, "lacks or misstates"),
        ({"attention_window": [32]}, "attention_window"),
        ({"attention_window": [32, 33]}, "attention_window"),
        ({"hidden_act": "swish"}, "hidden_act"),
        ({"num_attention_heads": 5}, "num_attention_heads"),
        ({"vocab_size": 7}, "has shape"),
        ({"num_hidden_layers": 3, "attention_window": 32}, "lack encoder.layer.2"),
    ],
)
def test_a_config_that_does_not_fit_is_one_clear_line(
    folder: Path, values: dict[str, object], says: str
) -> None:
    change_config(folder, **values)
    with pytest.raises(EncoderError, match=says) as caught:
        PackedLongformer.from_folder(folder)
    assert "\n" not in str(caught.value)


def test_a_pickle_of_weights_is_read_and_one_of_code_is_not(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    sequence = torch.arange(3, 40).numpy()
    expected = PackedLongformer.from_folder(folder).forward([sequence])
    (folder / "model.safetensors").unlink()
    named = {f"longformer.{name}": tensor for name, tensor in tensors.items()}
    for zipped in (True, False):  # torch wrote no zip before 1.6
        path = folder / "pytorch_model.bin"
        torch.save(named, path, _use_new_zipfile_serialization=zipped)
        assert torch.equal(PackedLongformer.from_folder(folder).forward([sequence]), expected)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(shutil.rmtree))
    with pytest.raises(EncoderError, match="damaged"):
        PackedLongformer.from_folder(folder)


def test_weights_in_several_files_are_read(folder: Path) -> None:
    sequence = torch.arange(3, 40).numpy()
    expected = PackedLongformer.from_folder(folder).forward([sequence])
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for part, held in parts.items():
        save_file({name: tensors[name] for name in held}, folder / part)
    index = {name: part for part, held in parts.items() for name in held}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    assert torch.equal(PackedLongformer.from_folder(folder).forward([sequence]), expected)


def test_the_digest_is_of_what_a_vector_depends_on(folder: Path, tmp_path: Path) -> None:
    digest = weights_digest(folder)
    moved = shutil.copytree(folder, tmp_path / "moved")
    change_config(moved, transformers_version="9.9")
    assert weights_digest(moved) == digest
    for name, change in (("model.safetensors", b"\0"), ("tokenizer.json", b" ")):
        other = shutil.copytree(folder, tmp_path / name)
        (other / name).write_bytes((other / name).read_bytes() + change)
        assert weights_digest(other) != digest
    change_config(moved, layer_norm_eps=1e-6)
    assert weights_digest(moved) != digest


def test_loading_a_whole_folder_needs_no_transformers(folder: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from notekin.indexer.longformer.loading import resolve\n"
        "from notekin.indexer.longformer.model import PackedLongformer\n"
        "from notekin.indexer.longformer.tokenizer import NoteTokenizer\n"
        "found = resolve(sys.argv[1], pathlib.Path('unused'))\n"
        "ids = [text.ids for text in NoteTokenizer(found.path).encode(['chest pain'])]\n"
        "PackedLongformer.from_folder(found.path).forward(ids)\n"
        "slow = {'transformers', 'huggingface_hub', 'sentence_transformers'} & set(sys.modules)\n"
        "sys.exit(f'loaded {slow}' if slow else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
