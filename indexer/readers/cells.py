"""Cells to facts: ids, texts and names, each as written or not at all."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import numpy as np

from notekin.indexer.readers.files import NOT_UTF8

NOTHING = frozenset({"", "null", "none", "nan", "nat", "<na>", "\\n"})
"""How exports write that there is no id or date.

As an id it would join strangers into one patient.
"""

_NARROW_FLOATS = "ef"


class CellError(Exception):
    """A cell can't be what its field needs; the text gives the reason, never the content."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a cell that the table's own format could not give."""

    reason: str


def is_missing(value: object) -> bool:
    """Whether the cell holds nothing: None, NaN, or pandas' NaT and NA."""
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    return value is None or type(value).__name__ in {"NaTType", "NAType"}


def plain(value: object) -> object:
    """Return the cell as Python's own type; bytes as the text that they encode.

    float32 and float16 stay as they are: their precision is less than float's.

    Raises:
        CellError: The bytes are no text, or the table could not give the cell.
    """
    if isinstance(value, Unreadable):
        raise CellError(value.reason)
    if isinstance(value, bytes | bytearray):
        return _decoded(bytes(value))
    if isinstance(value, np.datetime64):
        return value.astype("datetime64[us]").item()
    if isinstance(value, np.generic) and value.dtype.char not in _NARROW_FLOATS:
        return value.item()
    return value


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        reason = NOT_UTF8
    raise CellError(reason)


def read_id(value: object, field: str) -> str | None:
    """Return the id as written, without the white space around it; None where there is none.

    A float stands for the whole number that it was before missing values made its
    column one of floats.

    Raises:
        CellError: It is no id, or its digits may have been lost.
    """
    if is_missing(value):
        return None
    text = _id_text(_plain_for(value, field), field).strip()
    if text.casefold() in NOTHING:
        return None
    refuse_control(text, field)
    return text


def refuse_control(text: str, field: str) -> None:
    """Raise CellError if the id holds what no id holds: it would be lost on the way."""
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in text):
        raise CellError(f"its {field} holds a control character or half a surrogate pair")


def _plain_for(value: object, field: str) -> object:
    try:
        return plain(value)
    except CellError as error:
        reason = f"its {field} can't be read: {error}"
    raise CellError(reason)


def _id_text(value: object, field: str) -> str:
    if isinstance(value, str | UUID):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _digits(value, field)
    if isinstance(value, float | np.floating):
        return _whole_number(value, field)
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return f"{value:.0f}"
    raise CellError(f"its {field} is neither a text nor a whole number")


def _digits(value: int, field: str) -> str:
    if value.bit_length() > 1024:
        raise CellError(f"its {field} is a number of more than 300 digits")
    return str(value)


def _whole_number(value: float | np.floating, field: str) -> str:
    if not math.isfinite(value) or value != int(value):
        raise CellError(f"its {field} is neither a text nor a whole number")
    if abs(value) >= 2 ** (np.finfo(type(value)).nmant + 1):
        raise CellError(
            f"its {field} is a decimal number too large to be exact: "
            "digits may be lost, so give the column as text or whole numbers"
        )
    return str(int(value))


def read_text(value: object) -> str:
    """Return the note's text to the letter.

    Raises:
        CellError: There is none, or it is no text.
    """
    if is_missing(value):
        raise CellError("it has no text")
    text = _plain_for(value, "text")
    if not isinstance(text, str):
        raise CellError("its text is no string")
    return str(text)


def read_name(value: object) -> str | None:
    """Return a category, an author or a title; None where there is none.

    The white space around it goes; a list is joined with commas.
    """
    try:
        value = plain(value)
    except CellError:
        return None
    if is_missing(value):
        return None
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return ", ".join(name for item in value if (name := read_name(item))) or None
    return clean(_shown(value)).strip() or None


def _shown(value: object) -> str:
    if isinstance(value, float | np.floating) and value.is_integer():
        return str(int(value))
    return str(value)


def clean(text: str) -> str:
    """Return a fact's text with U+FFFD for NUL and half surrogates, which databases refuse."""
    if text.isprintable():
        return text
    return "".join("\ufffd" if _is_refused(char) else char for char in text)


def _is_refused(char: str) -> bool:
    return char == "\0" or "\ud800" <= char <= "\udfff"
