"""A catalog that nobody can be writing: on a file system that is read-only as a whole.

SQLite reads a catalog in WAL mode only where it can keep a file beside it, or where it is told
that the file never changes. That must be true, or answers are wrong; so it is seen to be: the
file system itself is read-only, not just this way to it, no other machine has it, and the
catalog has no log. After each transaction it is seen to be the same still.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from notekin.errors import StoreError

_LOCAL = {
    *("cramfs", "erofs", "iso9660", "romfs", "squashfs", "udf"),
    *("btrfs", "ext2", "ext3", "ext4", "f2fs", "tmpfs", "xfs"),
    *("exfat", "hfsplus", "ntfs3", "vfat"),
}
"""Kinds of file systems that one machine alone has: not those that a server shares."""
_MOUNTS = Path("/proc/self/mountinfo")
_WAL_MODE = b"\2\2"
"""The file format's bytes 18 and 19, https://www.sqlite.org/fileformat.html."""


@dataclass(frozen=True, slots=True)
class FrozenFile:
    """A catalog's file as it was when it was opened to be read without a lock."""

    path: Path
    state: tuple[int, int, int, int]

    @classmethod
    def of(cls, path: Path) -> FrozenFile | None:
        """Return a catalog that needs this and allows it; None for any other."""
        if not path.is_file() or not _is_read_only(path) or not _is_in_wal_mode(path):
            return None
        if not _MOUNTS.exists():  # another system than Linux
            return None
        logs = [path.with_name(path.name + suffix) for suffix in ("-wal", "-journal")]
        if any(log.exists() and log.stat().st_size for log in logs):
            return None
        device = path.stat().st_dev
        number = f"{os.major(device)}:{os.minor(device)}"
        if not nobody_writes(number, _MOUNTS.read_text().splitlines()):
            return None
        return cls(path, _state(path))

    def check(self) -> None:
        """See that the file is as it was, and still can't be written.

        Raises:
            StoreError: It is not; what was read of it may be of two states.
        """
        same = self.path.is_file() and _state(self.path) == self.state
        if not same or not _is_read_only(self.path):
            raise StoreError(
                f"The file system of {self.path} was read-only when the store was opened, and is "
                "no longer, or holds another file now. Open the store again."
            )


def nobody_writes(device: str, mounts: Iterable[str]) -> bool:
    """Whether a file system is read-only as a whole, and this machine's alone.

    Args:
        device: Its number, ``major:minor``.
        mounts: Lines of ``/proc/self/mountinfo``.
    """
    known = []
    for line in mounts:
        mount, _, system = line.partition(" - ")
        if mount.split(" ")[2] == device:
            kind, _source, options = system.split(" ")[:3]
            known.append(kind in _LOCAL and "ro" in options.split(","))
    return bool(known) and all(known)


def _is_read_only(path: Path) -> bool:
    """Whether the file system, or this way to it, is read-only; the cheap half of the question."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _is_in_wal_mode(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(20)[18:] == _WAL_MODE


def _state(path: Path) -> tuple[int, int, int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
