"""How one value of a fact is compared: by how it is written, and as a number where it is one."""

from __future__ import annotations

import math
import re
from typing import TypeAlias

from notekin.storage.records import value_text

Scalar: TypeAlias = str | int | float | bool

_PLAIN_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)?(\.[0-9]+)?")
_LONGEST_NUMBER = 300
_LARGEST_FLOAT_BITS = 1023


def number_of(value: Scalar) -> int | float | None:
    """Return the number that a value is, or that its text plainly spells; None for any other.

    63, 63.0, "63" and "63.0" are numbers. "007" and "1e5" are codes, True is a truth value,
    infinity and NaN are no numbers.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return _spelled(value.strip())
    return value if isinstance(value, int) or math.isfinite(value) else None


def spellings(number: int | float) -> set[str]:
    """Return the texts that stored numbers equal to this one are written as: 63 and 63.0."""
    texts = {value_text(number)}
    if number == 0:
        texts |= {"0", "0.0", "-0.0"}
    if isinstance(number, float) and number.is_integer():
        texts.add(str(int(number)))
    if isinstance(number, int) and number.bit_length() <= _LARGEST_FLOAT_BITS:
        texts |= {str(float(number))} if float(number) == number else set()
    return texts


def _spelled(text: str) -> int | float | None:
    if not text or len(text) > _LONGEST_NUMBER or not _PLAIN_NUMBER.fullmatch(text):
        return None
    if text[-1] in "+-":
        return None
    return float(text) if "." in text else int(text)
