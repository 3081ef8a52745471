"""What a text may hold that others can't: half a surrogate pair, NUL."""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def without_surrogates(text: str) -> str:
    """Return the text with U+FFFD for each half of a surrogate pair; offsets stay as they are.

    Broken exports hold them; UTF-8, models, Arrow and SQL text can't.
    """
    return _SURROGATE.sub("\ufffd", text)


def storable(text: str) -> str:
    """Return a text that any SQL text column takes: NUL and lone surrogates become U+FFFD."""
    return without_surrogates(text).replace("\0", "\ufffd")
