"""Which channels a search listens to."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from notekin.errors import UsageError

EVERY_MODE = "all"


class Mode(Enum):
    """The channels that rank notes.

    Attributes:
        HYBRID: Both others, fused (search/fusion.py).
        DENSE: Nearness in meaning: the cosine between the query and a note's best passage.
        LEXICAL: The query's words in the note, or what says the same (storage/relevance.py).
    """

    HYBRID = "hybrid"
    DENSE = "dense"
    LEXICAL = "lexical"


def mode_named(name: str | Mode) -> Mode:
    """Return the mode of a name; a mode is its own.

    Raises:
        UsageError: There is none.
    """
    try:
        return Mode(name)
    except ValueError:
        known = ", ".join(mode.value for mode in Mode)
        raise UsageError(f"There is no mode of that name; take one of {known}.") from None


def modes_named(names: Sequence[str | Mode]) -> list[Mode]:
    """Return the modes of some names, each once; ``all`` means every mode.

    Raises:
        UsageError: A name is none, or there are no names.
    """
    if not names:
        raise UsageError("Name at least one mode.")
    if EVERY_MODE in names:
        return list(Mode)
    return list(dict.fromkeys(mode_named(name) for name in names))
