"""A Longformer made from a BERT or RoBERTa checkpoint, by the recipe of the Longformer paper."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from notekin.durable import sync
from notekin.errors import EncoderError, UsageError
from notekin.indexer.longformer.config import TRAINED_TOKENS, read_json
from notekin.indexer.longformer.hub import fetch
from notekin.indexer.longformer.tokenizer import load_tokenizer, special_ids
from notekin.indexer.longformer.weights import Weights, read_weights

WINDOW_TOKENS = 4096
ATTENTION_WINDOW = 512

_TOKENIZER_CLASS = {"bert": "BertTokenizer", "roberta": "RobertaTokenizer"}
_CARRIED = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "hidden_act",
    "layer_norm_eps",
)


def convert(model: str | Path, to: Path) -> None:
    """Write a Longformer that reads 4,096 tokens, made from a BERT or RoBERTa checkpoint.

    Position embeddings are tiled, token type 0 is folded into one type, and the global
    projections start as copies of the local ones (Beltagy et al. 2020, section 5). On texts
    of up to 257 tokens every token's embedding equals the original's, to rounding.

    Either the whole folder appears at ``to`` or nothing does.

    Args:
        model: A folder, or a name on the hub.
        to: The folder to make. It must not exist, or be empty.

    Raises:
        UsageError: ``to`` is taken.
        ModelUnavailableError: The model is not on this machine and can't be fetched.
        EncoderError: It is neither BERT nor RoBERTa, or damaged.
    """
    _refuse_taken(to)
    folder = Path(model).expanduser()
    source = folder if folder.is_dir() else fetch(str(model))
    config = _read_source_config(source)
    with _appearing(to) as made:
        _write_weights(source, config, made)
        _write_tokenizer(source, config, made)


def longformer_tensors(weights: Weights, config: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Return the Longformer's tensors, by the names that transformers gives them."""
    tensors = {name: weights.take(name) for name in weights.names() if _is_shared(name)}
    types = weights.take("embeddings.token_type_embeddings.weight")
    tensors["embeddings.token_type_embeddings.weight"] = types[:1]
    tensors["embeddings.position_embeddings.weight"] = _tiled_positions(weights, config)
    for name in list(tensors):
        for role in ("query", "key", "value"):
            if f".self.{role}." in name:
                tensors[name.replace(f".{role}.", f".{role}_global.")] = tensors[name]
    return {name: tensor.clone().contiguous() for name, tensor in tensors.items()}


def _is_shared(name: str) -> bool:
    return name.startswith("encoder.layer.") or name.startswith(
        ("embeddings.word_embeddings.", "embeddings.LayerNorm.")
    )


def _tiled_positions(weights: Weights, config: Mapping[str, Any]) -> torch.Tensor:
    """Lay positions out as Longformer counts them: the first lies after the pad's row.

    RoBERTa counts the same way; BERT counts from row 0, so its rows move down.
    """
    rows = weights.take("embeddings.position_embeddings.weight")
    first = _pad_id(config) + 1
    if config["model_type"] == "bert":
        rows = torch.cat([rows.new_zeros(first, rows.shape[1]), rows])
    positions = rows[first:]
    copies = -(-WINDOW_TOKENS // positions.shape[0])
    return torch.cat([rows[:first], positions.repeat(copies, 1)[:WINDOW_TOKENS]])


def _source_positions(config: Mapping[str, Any]) -> int:
    """Return how many tokens the original reads; RoBERTa's first rows are no positions."""
    rows = int(config["max_position_embeddings"])
    return rows if config["model_type"] == "bert" else rows - _pad_id(config) - 1


def _pad_id(config: Mapping[str, Any]) -> int:
    stated = config.get("pad_token_id")
    return stated if isinstance(stated, int) else int(config["model_type"] == "roberta")


def _read_source_config(source: Path) -> dict[str, Any]:
    config = read_json(source / "config.json")
    kind = config.get("model_type")
    absolute = config.get("position_embedding_type", "absolute") == "absolute"
    if kind not in _TOKENIZER_CLASS or not absolute:
        raise EncoderError(
            f"The model in {source} is no BERT or RoBERTa with absolute positions, so it can't "
            "be made into a Longformer."
        )
    missing = [name for name in (*_CARRIED, "max_position_embeddings") if name not in config]
    if missing:
        raise EncoderError(f"{source / 'config.json'} lacks {missing[0]}. Fetch the model again.")
    return config


def _write_weights(source: Path, config: Mapping[str, Any], folder: Path) -> None:
    tensors = longformer_tensors(read_weights(source), config)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def _write_tokenizer(source: Path, config: Mapping[str, Any], folder: Path) -> None:
    """Write the tokenizer, and the config that names its special tokens."""
    tokenizer = load_tokenizer(source)
    cls_id, sep_id, pad_id = special_ids(tokenizer, source)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    roles = {"cls_token": cls_id, "sep_token": sep_id, "pad_token": pad_id}
    tokenizer_config = {
        "tokenizer_class": _TOKENIZER_CLASS[config["model_type"]],
        "model_max_length": WINDOW_TOKENS,
        **{role: tokenizer.id_to_token(token_id) for role, token_id in roles.items()},
    }
    stated = source / "tokenizer_config.json"
    kept = read_json(stated) if stated.is_file() else {}
    _write_json(folder / "tokenizer_config.json", kept | tokenizer_config)
    special = {"bos_token_id": cls_id, "eos_token_id": sep_id, "sep_token_id": sep_id}
    _write_json(folder / "config.json", _longformer_config(config) | special)


def _longformer_config(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "architectures": ["LongformerModel"],
        "model_type": "longformer",
        "attention_window": [ATTENTION_WINDOW] * int(config["num_hidden_layers"]),
        "max_position_embeddings": WINDOW_TOKENS + _pad_id(config) + 1,
        "pad_token_id": _pad_id(config),
        "type_vocab_size": 1,
        TRAINED_TOKENS: _source_positions(config),
        **{name: config[name] for name in _CARRIED},
    }


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _refuse_taken(to: Path) -> None:
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UsageError(f"{to} exists and is not an empty folder. Name a new folder with --to.")


@contextmanager
def _appearing(to: Path) -> Iterator[Path]:
    """Give a folder to write in that becomes ``to`` at the end, or vanishes on any error."""
    made = to.parent / f".{to.name}.{uuid.uuid4().hex}.partial"
    made.mkdir(parents=True)
    try:
        yield made
        for path in made.iterdir():
            path.chmod(made.stat().st_mode & 0o666)  # safetensors writes for the owner alone
            sync(path)
        sync(made)
        _rename(made, to)
        sync(to.parent)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _rename(made: Path, to: Path) -> None:
    try:
        made.rename(to)
    except OSError:
        _refuse_taken(to)
        raise
