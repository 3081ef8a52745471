"""What a disk holds after a power cut: what was synced, under the names that were synced."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class _Name:
    """What a folder says of one of its names."""

    inode: int
    is_folder: bool


class Disk:
    """The files under a folder as the next power cut would leave them; all is synced at first.

    Every file is held open, so that no inode's number is given a second time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bytes: dict[int, bytes] = {}
        self._names: dict[int, dict[str, _Name]] = {}
        self._held: list[int] = []
        for path in [folder, *folder.rglob("*")]:
            self.sync(path)

    def sync(self, opened: Path) -> None:
        """Keep a file's bytes, or a folder's names, as they are now."""
        descriptor = os.open(opened, os.O_RDONLY)
        self._held.append(descriptor)
        status = os.fstat(descriptor)
        if not stat.S_ISDIR(status.st_mode):
            self._bytes[status.st_ino] = os.pread(descriptor, status.st_size, 0)
            return
        self._names[status.st_ino] = dict(_names(descriptor))

    def close(self) -> None:
        """Let go of the files."""
        for descriptor in self._held:
            os.close(descriptor)

    def after_cut(self) -> dict[str, bytes | None]:
        """Return path to bytes, of folders None: names and bytes as they were synced."""
        return dict(self._synced("", self._folder.stat().st_ino))

    def after_cut_with_names(self) -> dict[str, bytes | None]:
        """Return the same where names reach the disk by themselves, as many systems do it."""
        found: dict[str, bytes | None] = {}
        for path in sorted(self._folder.rglob("*")):
            content = None if path.is_dir() else self._bytes.get(path.stat().st_ino, b"")
            found[str(path.relative_to(self._folder))] = content
        return found

    def _synced(self, path: str, inode: int) -> Iterator[tuple[str, bytes | None]]:
        for name, entry in sorted(self._names.get(inode, {}).items()):
            inner = f"{path}/{name}" if path else name
            if entry.is_folder:
                yield inner, None
                yield from self._synced(inner, entry.inode)
            else:
                yield inner, self._bytes.get(entry.inode, b"")


def lay_out(files: dict[str, bytes | None], to: Path) -> None:
    """Write what a power cut left, private as a store is."""
    to.mkdir(mode=0o700)
    for name, content in files.items():
        if content is None:
            (to / name).mkdir(mode=0o700)
        else:
            (to / name).touch(mode=0o600)
            (to / name).write_bytes(content)


def fingerprint(files: dict[str, bytes | None]) -> str:
    """Return what tells two such states apart."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(repr((name, content)).encode())
    return digest.hexdigest()


def _names(folder: int) -> Iterator[tuple[str, _Name]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry.name, _Name(entry.inode(), entry.is_dir(follow_symlinks=False))
