"""A checkpoint's weights as numpy arrays, mapped from disk: read as they are used, never copied."""

from __future__ import annotations

import json
import math
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from notekin.indexer.longformer.files import by_name, checked, weight_files

Floats = npt.NDArray[np.float32]

_FLOAT_BYTES = 4
_LENGTH_BYTES = 8


class MappedWeights:
    """The tensors of one checkpoint, by their name inside the base model; never written to."""

    def __init__(self, tensors: Mapping[str, Floats], folder: Path) -> None:
        self._tensors = by_name(tensors, folder)
        self._folder = folder

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """Return the weights in this folder; None where they are no float32 safetensors.

        That leaves out a damaged file, too: whoever reads it in full says what is wrong.

        Raises:
            EncoderError: The folder holds no weights.
        """
        tensors: dict[str, Floats] = {}
        for path in weight_files(folder):
            try:
                tensors |= dict(_mapped(path))
            except (OSError, ValueError, KeyError, TypeError):
                return None
        return cls(tensors, folder)

    def take(self, name: str, *shape: int) -> Floats:
        """Return one tensor.

        Raises:
            EncoderError: It is missing, or not of this shape.
        """
        return checked(self._tensors, name, shape, self._folder)


def _mapped(path: Path) -> Iterator[tuple[str, Floats]]:
    """Give each tensor of a safetensors file: header length, JSON header, then the numbers."""
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    start = _LENGTH_BYTES + int.from_bytes(mapped[:_LENGTH_BYTES], "little")
    if not _LENGTH_BYTES < start <= len(mapped):
        raise ValueError("no header")
    header: dict[str, dict[str, Any]] = json.loads(mapped[_LENGTH_BYTES:start])
    for name, stated in header.items():
        if name != "__metadata__":
            yield name, _tensor(mapped, start, stated)


def _tensor(mapped: mmap.mmap, start: int, stated: Mapping[str, Any]) -> Floats:
    first, last = stated["data_offsets"]
    shape = stated["shape"]
    count = math.prod(shape)
    if stated["dtype"] != "F32" or last - first != count * _FLOAT_BYTES or first < 0:
        raise ValueError("not float32, or not of the size stated")
    return np.frombuffer(mapped, "<f4", count, start + first).reshape(shape)
