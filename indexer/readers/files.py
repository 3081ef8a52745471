"""Bytes and lines of a file, unpacked and decoded, whatever it was packed with."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO, cast

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BROKEN_FILE = (EOFError, OSError, zlib.error, lzma.LZMAError)
"""What reading raises when a file ends too early, is damaged, or can't be opened."""

UNREAD_REST = "the file ends too early or is damaged here: this line and what follows were not read"
NOT_UTF8 = "it is not UTF-8"

MAX_ROW_SIZE = 64 * 1024 * 1024
"""Bytes or characters that one row may have, so that a broken file can't fill the memory."""

_NOT_DECODED = re.compile("[\udc80-\udcff]")
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class _Packed(Protocol):
    def read1(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class _Unpacked(io.RawIOBase):
    """A packed file as raw bytes; what was unpacked before a damaged place is not lost."""

    def __init__(self, packed: _Packed) -> None:
        self._packed = packed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        data = self._packed.read1(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._packed.close()
        super().close()


def open_bytes(path: Path) -> io.BufferedReader:
    """Return the file's bytes, unpacked if its first bytes say gzip, bzip2, xz or zstd."""
    with path.open("rb") as file:
        head = file.read(10)
    packed = _packed(path, head)
    return path.open("rb") if packed is None else io.BufferedReader(_Unpacked(packed))


def _packed(path: Path, head: bytes) -> _Packed | None:
    if head.startswith(b"\x1f\x8b"):
        return cast(_Packed, gzip.open(path))
    if re.match(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", head):
        return cast(_Packed, bz2.open(path))
    if head.startswith(b"\xfd7zXZ\x00"):
        return cast(_Packed, lzma.open(path))
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return _open_zstd(path)
    return None


def _open_zstd(path: Path) -> _Packed:
    import pyarrow as pa

    return cast(_Packed, pa.input_stream(str(path), compression="zstd"))


def encoding_of(head: bytes) -> str:
    """Return the encoding that the byte order mark names; UTF-8 where there is none."""
    return next((name for mark, name in _BYTE_ORDER_MARKS if head.startswith(mark)), "utf-8")


def decode_text(data: bytes) -> str | None:
    """Return the text without its byte order mark, or None where the bytes are no text."""
    try:
        return data.decode(encoding_of(data))
    except UnicodeDecodeError:
        return None


def open_text(path: Path, line_end: str = "") -> TextIO:
    """Return the file's text; its line ends are untouched and all count, or this one alone.

    Bytes that are not UTF-8 stand in it as half surrogates (see ``is_decoded``), so that
    one bad row does not end the reading. UTF-16 can't go on after a bad byte: it raises.
    """
    stream = open_bytes(path)
    encoding = encoding_of(stream.peek(4)[:4])
    errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
    return io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline=line_end)


def is_decoded(text: str) -> bool:
    """Whether a stretch of ``open_text``'s text was UTF-8 throughout."""
    return text.isascii() or _NOT_DECODED.search(text) is None


def read_lines(path: Path) -> Iterator[tuple[int, str | None]]:
    r"""Yield each line's number, from 1, and its text; None where it is no text.

    Only \n ends a line: JSON may hold the other separators as they are. A line longer
    than ``MAX_ROW_SIZE`` is given as None.

    Raises:
        OSError, EOFError, zlib.error, lzma.LZMAError: The rest of the file can't be read;
            every whole line before has been given.
    """
    with open_bytes(path) as stream:
        encoding = encoding_of(stream.peek(4)[:4])
        if not encoding.startswith("utf-8"):
            yield from _wide_lines(stream, encoding)
            return
        for number, line in enumerate(_whole_lines(stream), start=1):
            yield number, None if line is None else _decoded(line, first=number == 1)


def _decoded(line: bytes, *, first: bool) -> str | None:
    try:
        return line.decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError:
        return None


def _whole_lines(stream: io.BufferedReader) -> Iterator[bytes | None]:
    while line := stream.readline(MAX_ROW_SIZE):
        if len(line) < MAX_ROW_SIZE or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(MAX_ROW_SIZE)
        yield None


def _wide_lines(stream: io.BufferedReader, encoding: str) -> Iterator[tuple[int, str | None]]:
    text = io.TextIOWrapper(stream, encoding=encoding, newline="\n")
    number = 0
    try:
        for number, line in enumerate(text, start=1):
            yield number, line
    except UnicodeDecodeError:
        yield number + 1, None


def read_head(path: Path, size: int = 64 * 1024) -> str:
    """Return about the first ``size`` bytes as text, good enough to see what the file is."""
    with open_bytes(path) as stream:
        data = b""
        try:
            while len(data) < size and (more := stream.read1(size - len(data))):
                data += more
        except BROKEN_FILE:
            pass
    return data.decode(encoding_of(data), errors="ignore")
