"""A checkpoint's weights: read from disk, named without their model's prefix, checked on use."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from notekin.errors import EncoderError
from notekin.indexer.longformer.config import read_config, read_json

SAFETENSORS, INDEX, PICKLE = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
)
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
)
_ANCHOR = "embeddings.word_embeddings.weight"


class Weights:
    """The tensors of one checkpoint, by their name inside the base model.

    Names start with ``embeddings.`` or ``encoder.layer.``, whatever the model was
    saved as part of.
    """

    def __init__(self, tensors: Mapping[str, torch.Tensor], folder: Path) -> None:
        self._tensors = _without_prefix(tensors, folder)
        self._folder = folder

    def take(self, name: str, *shape: int) -> torch.Tensor:
        """Return one tensor in float32.

        Raises:
            EncoderError: It is missing, or not of this shape where one is given.
        """
        tensor = self._tensors.get(name)
        if tensor is None:
            raise EncoderError(f"The weights in {self._folder} lack {name}.")
        if shape and tuple(tensor.shape) != shape:
            raise EncoderError(
                f"In {self._folder}, {name} has shape {tuple(tensor.shape)} where config.json "
                f"says {shape}."
            )
        return tensor.float()

    def names(self) -> list[str]:
        """Return the names of all tensors of the base model."""
        return list(self._tensors)


def read_weights(folder: Path) -> Weights:
    """Return the weights in this folder.

    Raises:
        EncoderError: There are none, or they are damaged.
    """
    tensors: dict[str, torch.Tensor] = {}
    for path in weight_files(folder):
        try:
            tensors |= _read_file(path)
        except (SafetensorError, OSError, RuntimeError, EOFError, ValueError) as error:
            raise EncoderError(f"{path} is damaged. Fetch the model again.") from error
        except pickle.UnpicklingError as error:
            raise EncoderError(
                f"{path} is damaged or holds more than weights, and is not opened."
            ) from error
    return Weights(tensors, folder)


def weight_files(folder: Path) -> list[Path]:
    """Return the files that hold the weights: safetensors, one or many, before a pickle.

    Raises:
        EncoderError: There is none.
    """
    if (folder / SAFETENSORS).is_file():
        return [folder / SAFETENSORS]
    if (folder / INDEX).is_file():
        index = read_json(folder / INDEX).get("weight_map")
        if not isinstance(index, dict):
            raise EncoderError(f"{folder / INDEX} names no files. Fetch the model again.")
        return [folder / Path(str(name)).name for name in sorted(set(index.values()))]
    if (folder / PICKLE).is_file():
        return [folder / PICKLE]
    raise EncoderError(f"{folder} holds no weights: neither {SAFETENSORS} nor {PICKLE}.")


def weights_digest(folder: Path) -> str:
    """Return SHA-256 over what a vector depends on: weights, tokenizer and shape.

    Costs one read of the weights. Moving or renaming the folder changes nothing.

    Raises:
        EncoderError: The folder holds no Longformer, or a file can't be read.
    """
    shape = json.dumps(asdict(read_config(folder)), sort_keys=True)
    tokenizer = [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]
    return file_digest([*weight_files(folder), *tokenizer], salt=shape)


def file_digest(paths: Iterable[Path], salt: str = "") -> str:
    """Return SHA-256 over a salt and these files' names and contents.

    Raises:
        EncoderError: A file can't be read.
    """
    total = hashlib.sha256(salt.encode())
    for path in paths:
        try:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise EncoderError(f"{path} can't be read. Fetch the model again.") from error
        total.update(f"\n{path.name} {content}".encode())
    return total.hexdigest()


def _read_file(path: Path) -> dict[str, torch.Tensor]:
    if path.suffix == ".safetensors":
        return load_file(path)
    loaded = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(loaded, dict):
        raise ValueError("no mapping of names to tensors")
    return {str(name): value for name, value in loaded.items() if torch.is_tensor(value)}


def _without_prefix(tensors: Mapping[str, torch.Tensor], folder: Path) -> dict[str, torch.Tensor]:
    anchor = next((name for name in tensors if name.endswith(_ANCHOR)), None)
    if anchor is None:
        raise EncoderError(f"The weights in {folder} lack {_ANCHOR}.")
    prefix = anchor.removesuffix(_ANCHOR)
    return {
        _modern(name.removeprefix(prefix)): tensor
        for name, tensor in tensors.items()
        if name.startswith((f"{prefix}embeddings.", f"{prefix}encoder."))
    }


def _modern(name: str) -> str:
    """Checkpoints that came from TensorFlow name the layer norms' weights gamma and beta."""
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
        "LayerNorm.beta", "LayerNorm.bias"
    )
