"""A Longformer's shape, as its config.json states it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notekin.errors import EncoderError

TRAINED_TOKENS = "notekin_trained_tokens"
"""The key of config.json under which a conversion keeps how far the original read."""
ACTIVATIONS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu")


@dataclass(frozen=True, slots=True)
class LongformerConfig:
    """What the forward pass needs to know beside the weights.

    Attributes:
        attention_window: Per layer, keys on both sides together: a token sees half of it each way.
        pad_token_id: Positions start at the row after it, as in RoBERTa.
        trained_tokens: Longest text that the weights were trained on, where it is known to be
            less than what the model takes: its position embeddings were tiled.
    """

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    max_position_embeddings: int
    type_vocab_size: int
    pad_token_id: int
    attention_window: tuple[int, ...]
    hidden_act: str
    layer_norm_eps: float
    trained_tokens: int | None = None

    @property
    def max_tokens(self) -> int:
        """Tokens that fit in one pass, the special ones among them."""
        return self.max_position_embeddings - self.pad_token_id - 1

    @property
    def head_dim(self) -> int:
        """Length of one head's query."""
        return self.hidden_size // self.num_attention_heads


def read_config(folder: Path) -> LongformerConfig:
    """Return the shape of the Longformer in this folder.

    Raises:
        EncoderError: config.json is missing, damaged or of another kind of model.
    """
    raw = read_json(folder / "config.json")
    if raw.get("model_type") != "longformer":
        raise EncoderError(
            f"The model in {folder} is not a Longformer. A BERT or RoBERTa checkpoint can be "
            f"made into one with: notekin convert {folder} --to FOLDER"
        )
    try:
        config = _parse(raw)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise EncoderError(f"{folder / 'config.json'} lacks or misstates {error}.") from error
    _check(config, folder)
    return config


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a model's file.

    Raises:
        EncoderError: The file is missing, unreadable or holds no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise EncoderError(
            f"{path} is missing. A model folder holds config.json, model.safetensors and "
            "tokenizer.json."
        ) from error
    except (OSError, ValueError) as error:
        raise EncoderError(f"{path} can't be read as JSON. Fetch the model again.") from error
    if not isinstance(value, dict):
        raise EncoderError(f"{path} holds no JSON object. Fetch the model again.")
    return value


def _parse(raw: Mapping[str, Any]) -> LongformerConfig:
    layers = int(raw["num_hidden_layers"])
    window = raw["attention_window"]
    return LongformerConfig(
        vocab_size=int(raw["vocab_size"]),
        hidden_size=int(raw["hidden_size"]),
        intermediate_size=int(raw["intermediate_size"]),
        num_hidden_layers=layers,
        num_attention_heads=int(raw["num_attention_heads"]),
        max_position_embeddings=int(raw["max_position_embeddings"]),
        type_vocab_size=int(raw.get("type_vocab_size", 1)),
        pad_token_id=int(raw.get("pad_token_id", 1)),
        attention_window=(window,) * layers if isinstance(window, int) else tuple(map(int, window)),
        hidden_act=str(raw.get("hidden_act", "gelu")),
        layer_norm_eps=float(raw.get("layer_norm_eps", 1e-12)),
        trained_tokens=int(raw[TRAINED_TOKENS]) if TRAINED_TOKENS in raw else None,
    )


def _check(config: LongformerConfig, folder: Path) -> None:
    rules = {
        "attention_window": len(config.attention_window) == config.num_hidden_layers
        and all(window > 0 and window % 2 == 0 for window in config.attention_window),
        "num_attention_heads": config.num_attention_heads > 0
        and config.hidden_size % config.num_attention_heads == 0,
        "max_position_embeddings": config.max_tokens > 2,
        "hidden_act": config.hidden_act in ACTIVATIONS,
    }
    wrong = [name for name, right in rules.items() if not right]
    if wrong:
        raise EncoderError(
            f"{folder / 'config.json'} has a value of {wrong[0]} that Notekin can't run."
        )
