"""JSON values one at a time from a text that may hold more than fits into memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TextIO

from notekin.indexer.readers.files import MAX_ROW_SIZE, is_decoded

_CHUNK_SIZE = 1024 * 1024
_SPACE = " \t\r\n\ufeff"


class BrokenJsonError(Exception):
    """The text is no JSON from here on."""


class NotDecodedError(Exception):
    """The value just passed is not UTF-8; what follows it can be read."""


class JsonStream:
    """A text read as JSON; holds no more of it than one value needs."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._held = ""
        self._at = 0
        self._ended = False
        self._value: object = None

    def peek(self) -> str:
        """Return the next character that is not white space, or "" at the end."""
        while True:
            while self._at < len(self._held) and self._held[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._held) or self._ended:
                return self._held[self._at : self._at + 1]
            self._hold(_CHUNK_SIZE)

    def take(self, char: str) -> bool:
        """Pass over the character if it comes next, and say whether it did."""
        found = self.peek() == char
        self._at += found
        return found

    def value(self) -> object:
        """Return the next value.

        Raises:
            BrokenJsonError: There is none, or it is larger than ``MAX_ROW_SIZE``.
            NotDecodedError: The value is not UTF-8.
        """
        if not self.peek():
            raise BrokenJsonError
        size = _CHUNK_SIZE
        while (end := self._end_of_value()) is None:
            if self._ended or len(self._held) - self._at > MAX_ROW_SIZE:
                raise BrokenJsonError
            self._hold(size)
            size *= 2
        start, self._at = self._at, end
        if not is_decoded(self._held[start:end]):
            raise NotDecodedError
        return self._value

    def items(self) -> Iterator[object | None]:
        """Yield each item of the list that comes next; None where one is not UTF-8.

        Raises:
            BrokenJsonError: The list breaks off.
        """
        self.take("[")
        if self.take("]"):
            return
        while True:
            yield self._value_or_none()
            if self.take("]"):
                return
            if not self.take(","):
                raise BrokenJsonError

    def members(self) -> Iterator[str]:
        """Yield each key of the object that comes next; the caller then takes its value.

        Raises:
            BrokenJsonError: The object breaks off.
        """
        self.take("{")
        if self.take("}"):
            return
        while True:
            key = self._value_or_none()
            if not isinstance(key, str) or not self.take(":"):
                raise BrokenJsonError
            yield key
            if self.take("}"):
                return
            if not self.take(","):
                raise BrokenJsonError

    def _value_or_none(self) -> object | None:
        try:
            return self.value()
        except NotDecodedError:
            return None

    def _end_of_value(self) -> int | None:
        """Return where the next value ends; None where it is not all here yet."""
        try:
            self._value, end = _DECODER.raw_decode(self._held, self._at)
        except (ValueError, RecursionError):
            return None
        return end if end < len(self._held) or self._ended else None

    def _hold(self, size: int) -> None:
        more = self._text.read(size)
        self._held = self._held[self._at :] + more
        self._at = 0
        self._ended = not more


_DECODER = json.JSONDecoder()
