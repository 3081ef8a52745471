"""One file of a segment: held from when it is opened, and checked in full before it is read."""

from __future__ import annotations

import errno
import hashlib
import os
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import xxhash

from notekin.storage.damage import damaged

CHUNK_BYTES = 1 << 20
_BY_DESCRIPTOR = Path("/dev/fd")
_FACTS = {"size_bytes", "sha256", "xxh3"}


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


class SegmentFile:
    """A file whose size is checked when it is opened, and its checksum before its first use.

    The file is held open in between: a compaction that removes its name doesn't take it
    from a reader.
    """

    def __init__(self, path: Path, facts: Mapping[str, object]) -> None:
        self.path = path
        self._facts = facts
        if not facts.keys() <= _FACTS:
            raise damaged(path.parents[2] / "catalog.sqlite", "says of a file what nothing wrote")
        self._descriptor = _hold(path)
        size = _size(path, self._descriptor)
        if self._descriptor is not None:
            self._release = weakref.finalize(self, os.close, self._descriptor)
        if size != facts.get("size_bytes"):
            raise damaged(path, "has another size than was written")

    def checked(self) -> Path:
        """Return the name to read the file by, once every byte is seen to be as written."""
        name = self._name()
        kind = "xxh3" if "xxh3" in self._facts else "sha256"
        if _checksum(name, kind) != self._facts.get(kind):
            raise damaged(self.path, "is not what was written")
        return name

    def check_sha256(self) -> None:
        """Compare the file with its SHA-256, which is slower and which nobody can forge."""
        if _checksum(self._name(), "sha256") != self._facts.get("sha256"):
            raise damaged(self.path, "is not what was written")

    def release(self) -> None:
        """Let go of the file; who has mapped it keeps what is mapped."""
        if self._descriptor is not None:
            self._release()
            self._descriptor = None

    def _name(self) -> Path:
        if self._descriptor is None or not _BY_DESCRIPTOR.exists():
            return self.path
        return _BY_DESCRIPTOR / str(self._descriptor)


def file_facts(path: Path) -> dict[str, object]:
    """Return what the catalog keeps of a file: its size and two checksums."""
    fast, slow = xxhash.xxh3_128(), hashlib.sha256()
    _feed(path, fast, slow)
    return {
        "size_bytes": path.stat().st_size,
        "sha256": slow.hexdigest(),
        "xxh3": fast.hexdigest(),
    }


def _hold(path: Path) -> int | None:
    """Open a file; None where this process may open no more, and it is opened by name later."""
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        raise damaged(path, "is missing") from None
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            return None
        raise damaged(path, f"can't be read ({error.strerror})") from None


def _size(path: Path, descriptor: int | None) -> int:
    return path.stat().st_size if descriptor is None else os.fstat(descriptor).st_size


def _checksum(path: Path, kind: str) -> str:
    digest: _Digest = xxhash.xxh3_128() if kind == "xxh3" else hashlib.sha256()
    _feed(path, digest)
    return digest.hexdigest()


def _feed(path: Path, *digests: _Digest) -> None:
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK_BYTES):
            for digest in digests:
                digest.update(chunk)
