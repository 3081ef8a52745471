"""The SHA-256 of large files, remembered by their XXH3-128, which is six times as fast.

Every byte is read each time, so a file that changed in whatever way is never taken for what
it was: only the arithmetic is saved.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import re
from contextlib import suppress
from pathlib import Path

import xxhash

SMALL_BYTES = 1 << 20
"""A file below this is hashed at once."""

_SHA256 = re.compile("[0-9a-f]{64}")


def sha256_of(path: Path, cache: Path | None = None) -> str:
    """Return a file's SHA-256.

    Args:
        path: The file.
        cache: A folder to remember it in, made if need be; that it can't be written only
            costs time.

    Raises:
        OSError: The file can't be read.
    """
    with path.open("rb") as file:
        if cache is None or os.fstat(file.fileno()).st_size < SMALL_BYTES:
            return hashlib.file_digest(file, "sha256").hexdigest()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            known = cache / "digests" / xxhash.xxh3_128_hexdigest(content)
            return _remembered(known) or _remember(known, hashlib.sha256(content).hexdigest())


def _remembered(known: Path) -> str | None:
    try:
        said = known.read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    return said if _SHA256.fullmatch(said) else None


def _remember(known: Path, digest: str) -> str:
    """Keep a digest, whole or not at all, and return it."""
    unfinished = known.with_name(f".{known.name}.{os.getpid()}")
    try:
        known.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished.write_text(digest, encoding="ascii")
        unfinished.replace(known)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
    return digest
