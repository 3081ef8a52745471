"""Cells to attributes: what a note carries beside the named fields, as JSON can hold it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from typing import cast

import numpy as np

from notekin.indexer.readers.cells import CellError, clean, is_missing, plain
from notekin.types import AttributeValue

_EXACT_IN_JSON = 2**53
_EXACT_IN_SQL = 2**63


def read_attribute(value: object) -> AttributeValue:
    """Return the cell as JSON can hold it; None where it is missing or no text.

    Dates become ISO 8601, lists become lists of texts, a number that is too large or
    infinite becomes text.
    """
    try:
        return _attribute(plain(value))
    except CellError:
        return None


def _attribute(value: object) -> AttributeValue:
    if is_missing(value):
        return None
    if isinstance(value, bool | str):
        return value if isinstance(value, bool) else clean(value)
    if isinstance(value, int):
        return value if abs(value) < _EXACT_IN_SQL else _large(value)
    if isinstance(value, float | np.floating | Decimal):
        return _decimal(value)
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return [_item(item) for item in value if not is_missing(item)]
    return clean(_text(value))


def read_cell_text(text: str) -> AttributeValue:
    """Return a text cell as the number or truth value that it spells, if it spells one exactly.

    "12" is a number, "007" and "1.50" are not: they would not be written so again.
    """
    lowered = text.casefold()
    if lowered in {"true", "false"}:
        return lowered == "true"
    if len(text) <= 24 and text.isascii() and text.lstrip("-")[:1].isdigit():
        return _number(text)
    return clean(text) if text else None


def _number(text: str) -> AttributeValue:
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if str(number) == text and abs(number) <= _EXACT_IN_JSON:
            return number
    return text


def _large(value: int) -> str:
    return str(value) if value.bit_length() <= 1024 else hex(value)


def _decimal(value: float | np.floating | Decimal) -> int | float | str:
    if not math.isfinite(value):
        return str(value)
    if isinstance(value, Decimal) and value == value.to_integral_value() and abs(value) < 2**63:
        return int(value)
    return float(str(value))


def _item(value: object) -> str:
    value = plain(value)
    if isinstance(value, Mapping | list | tuple):
        return clean(json.dumps(value, default=str, ensure_ascii=False))
    if isinstance(value, bool):
        return "true" if value else "false"
    return clean(_text(value))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date | time) else str(value)


def flatten(cells: Mapping[str, object]) -> Mapping[str, object]:
    """Return the row with each nested object's members as columns of their own, ``a.b``."""
    if not any(isinstance(value, dict) for value in cells.values()):
        return cells
    return dict(_leaves(cells, ""))


def _leaves(cells: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in cells.items():
        if isinstance(value, dict):
            yield from _leaves(cast(Mapping[str, object], value), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
