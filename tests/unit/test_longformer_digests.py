"""A digest is of the bytes that are there now, however it is remembered."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from notekin.indexer.longformer.digests import SMALL_BYTES, sha256_of

BYTES = os.urandom(1 << 16) * 17


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.write_bytes(BYTES)
    return path


def test_a_changed_byte_gives_another_digest_whatever_the_files_dates_say(
    file: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    assert sha256_of(file, cache) == hashlib.sha256(BYTES).hexdigest()
    before = file.stat()
    with file.open("r+b") as opened:
        opened.seek(SMALL_BYTES // 2)
        opened.write(bytes([BYTES[SMALL_BYTES // 2] ^ 1]))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert sha256_of(file, cache) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_digest_is_made_once_for_each_content(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    expected = sha256_of(file, cache)
    copy = tmp_path / "copy"
    copy.write_bytes(BYTES)
    monkeypatch.setattr(hashlib, "sha256", None)
    assert sha256_of(file, cache) == sha256_of(copy, cache) == expected


def test_what_is_remembered_badly_is_made_again(file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    expected = sha256_of(file, cache)
    (kept,) = (cache / "digests").iterdir()
    for wrong in (b"", b"\xff\xfe", expected[:-1].encode(), b"no digest at all"):
        kept.write_bytes(wrong)
        assert sha256_of(file, cache) == expected


def test_a_cache_that_can_not_be_written_costs_only_time(file: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    assert sha256_of(file, taken) == sha256_of(file)
