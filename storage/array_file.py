"""Named arrays in one file, mapped when read: each in the smallest type that holds its numbers."""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from notekin.storage.damage import damaged

Numbers: TypeAlias = npt.NDArray[np.integer[Any]]
"""Whole numbers of shape (n,), none below 0."""

_MAGIC = b"notekin arrays 1"
_LENGTH_BYTES = 8
_ALIGNMENT = 64
_TYPES = {"|u1", "<u2", "<u4", "<u8"}


def write_array_file(path: Path, arrays: Mapping[str, Numbers], facts: Mapping[str, int]) -> None:
    """Write arrays and some facts about them as one file, its owner's alone.

    ::

        notekin arrays 1 · length of the header · the header, JSON · the arrays, each at a
        multiple of 64 bytes, little-endian
    """
    small = {name: _smallest(array) for name, array in arrays.items()}
    described, at = {}, 0
    for name, array in small.items():
        described[name] = [array.dtype.str, len(array), at]
        at += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
    header = json.dumps({"facts": dict(facts), "arrays": described}).encode()
    header += b" " * (-(len(_MAGIC) + _LENGTH_BYTES + len(header)) % _ALIGNMENT)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(_MAGIC + len(header).to_bytes(_LENGTH_BYTES, "little") + header)
        for array in small.values():
            file.write(array.tobytes())
            file.write(bytes(-array.nbytes % _ALIGNMENT))


def read_array_file(path: Path) -> tuple[dict[str, Numbers], dict[str, int]]:
    """Return the arrays, as views of the file that are never written to, and the facts.

    Raises:
        DamagedStoreError: The file is not one that ``write_array_file`` wrote.
    """
    data = _mapped(path)
    start = len(_MAGIC) + _LENGTH_BYTES
    try:
        if data[: len(_MAGIC)] != _MAGIC:
            raise ValueError
        base = start + int.from_bytes(data[len(_MAGIC) : start], "little")
        header = json.loads(data[start:base])
        arrays = {
            name: _view(data, kind, count, base + at)
            for name, (kind, count, at) in header["arrays"].items()
        }
        return arrays, dict(header["facts"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise damaged(path, "is not what was written") from None


def _mapped(path: Path) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    except ValueError:  # an empty file
        raise damaged(path, "is not what was written") from None
    finally:
        os.close(descriptor)


def _view(data: mmap.mmap, kind: str, count: int, at: int) -> Numbers:
    if kind not in _TYPES:
        raise ValueError
    return np.frombuffer(data, np.dtype(kind), count, at)


def _smallest(array: Numbers) -> Numbers:
    """Return the array in the smallest type that holds it."""
    most = int(array.max()) if len(array) else 0
    kind = np.min_scalar_type(most).newbyteorder("<")
    return np.ascontiguousarray(array, kind)
