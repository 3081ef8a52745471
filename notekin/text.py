"""What is done to a text, letter by letter: case taken off, what others can't hold replaced."""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def without_surrogates(text: str) -> str:
    """Return the text with U+FFFD for each half of a surrogate pair; offsets stay as they are.

    Broken exports hold them; UTF-8, models, Arrow and SQL text can't.
    """
    return _SURROGATE.sub("\ufffd", text)


def folded(text: str) -> str:
    """Return the text in lower case, letter by letter, so that it keeps its length.

    The one letter whose lower case is two (U+0130) stays as it is, and a sigma is the same
    at a word's end: what a letter becomes does not hang on its neighbours.
    """
    if text.isascii():
        return text.lower()
    return "".join(lower if len(lower := letter.lower()) == 1 else letter for letter in text)


def storable(text: str) -> str:
    """Return a text that any SQL text column takes: NUL and lone surrogates become U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return without_surrogates(text).replace("\0", "\ufffd")
