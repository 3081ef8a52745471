"""Which files a model is made of, their digest, and what their tensors are called."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Protocol, TypeVar

from notekin.errors import EncoderError
from notekin.indexer.longformer.config import read_config, read_json
from notekin.indexer.longformer.digests import sha256_of

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


class Shaped(Protocol):
    """A tensor of any library."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its length in each dimension."""
        ...


Tensor = TypeVar("Tensor")
ShapedTensor = TypeVar("ShapedTensor", bound=Shaped)


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


def weights_digest(folder: Path, cache: Path | None = None) -> str:
    """Return SHA-256 over what a vector depends on: weights, tokenizer and shape.

    Costs one read of the weights. Moving or renaming the folder changes nothing.

    Args:
        folder: The model's.
        cache: As ``file_digest`` takes it.

    Raises:
        EncoderError: The folder holds no Longformer, or a file can't be read.
    """
    shape = json.dumps(asdict(read_config(folder)), sort_keys=True)
    tokenizer = [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]
    return file_digest([*weight_files(folder), *tokenizer], cache, salt=shape)


def file_digest(paths: Iterable[Path], cache: Path | None = None, *, salt: str = "") -> str:
    """Return SHA-256 over a salt and these files' names and contents.

    Args:
        paths: The files, in an order that is part of the digest.
        cache: A folder in which large files' own digests are kept (digests.py).
        salt: What else goes in.

    Raises:
        EncoderError: A file can't be read.
    """
    total = hashlib.sha256(salt.encode())
    for path in paths:
        try:
            content = sha256_of(path, cache)
        except OSError as error:
            raise EncoderError(f"{path} can't be read. Fetch the model again.") from error
        total.update(f"\n{path.name} {content}".encode())
    return total.hexdigest()


def by_name(tensors: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
    """Return the tensors of the base model by their names inside it.

    Names start with ``embeddings.`` or ``encoder.layer.``, whatever the model was
    saved as part of.

    Raises:
        EncoderError: There is no base model among them.
    """
    anchor = next((name for name in tensors if name.endswith(_ANCHOR)), None)
    if anchor is None:
        raise EncoderError(f"The weights in {folder} lack {_ANCHOR}.")
    prefix = anchor.removesuffix(_ANCHOR)
    return {
        _modern(name.removeprefix(prefix)): tensor
        for name, tensor in tensors.items()
        if name.startswith((f"{prefix}embeddings.", f"{prefix}encoder."))
    }


def checked(
    tensors: Mapping[str, ShapedTensor], name: str, shape: tuple[int, ...], folder: Path
) -> ShapedTensor:
    """Return the tensor of this name, once it is seen to have this shape; () allows any.

    Raises:
        EncoderError: It is missing, or of another shape.
    """
    tensor = tensors.get(name)
    if tensor is None:
        raise EncoderError(f"The weights in {folder} lack {name}.")
    if shape and tuple(tensor.shape) != shape:
        raise EncoderError(
            f"In {folder}, {name} has shape {tuple(tensor.shape)} where config.json says {shape}."
        )
    return tensor


def _modern(name: str) -> str:
    """Checkpoints that came from TensorFlow name the layer norms' weights gamma and beta."""
    return name.replace("LayerNorm.gamma", "LayerNorm.weight").replace(
        "LayerNorm.beta", "LayerNorm.bias"
    )
