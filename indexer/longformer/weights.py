"""A checkpoint's weights: read from disk, named without their model's prefix, checked on use."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from notekin.errors import EncoderError
from notekin.indexer.longformer.files import by_name, checked, weight_files


class Weights:
    """The tensors of one checkpoint, by their name inside the base model.

    Names start with ``embeddings.`` or ``encoder.layer.``, whatever the model was
    saved as part of.
    """

    def __init__(self, tensors: Mapping[str, torch.Tensor], folder: Path) -> None:
        self._tensors = by_name(tensors, folder)
        self._folder = folder

    def take(self, name: str, *shape: int) -> torch.Tensor:
        """Return one tensor in float32.

        Raises:
            EncoderError: It is missing, or not of this shape where one is given.
        """
        return checked(self._tensors, name, shape, self._folder).float()

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


def _read_file(path: Path) -> dict[str, torch.Tensor]:
    if path.suffix == ".safetensors":
        return load_file(path)
    loaded = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(loaded, dict):
        raise ValueError("no mapping of names to tensors")
    return {str(name): value for name, value in loaded.items() if torch.is_tensor(value)}
