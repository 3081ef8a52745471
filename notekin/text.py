"""What a text may hold that others can't: half a surrogate pair."""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def without_surrogates(text: str) -> str:
    """Return the text with U+FFFD for each half of a surrogate pair; offsets stay as they are.

    Broken exports hold them; UTF-8, models, Arrow and SQL text can't.
    """
    return _SURROGATE.sub("\ufffd", text)
