"""The predicates that retrieval tasks carry, ``{"age": [18, 40], "drugs_contains": "insulin"}``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from notekin.errors import FilterError
from notekin.search.filters import Expression, field
from notekin.search.values import End, lying
from notekin.storage.conditions import RECORDED_AT, AllOf
from notekin.storage.days import DAY

_CONTAINS = "_contains"


def from_predicates(
    predicates: Mapping[str, object], named: Callable[[str], str] = str
) -> Expression:
    """Return what a task's predicates ask together; of none, every note passes.

    A value must be equal. Two numbers or two days in a list are a range, both ends taken in, and
    of ``recorded_at`` two moments are; null in place of one leaves that end open, and null by
    itself asks nothing. Any other list is values of which one will do. ``NAME_contains`` asks
    that an item of the list NAME is the value, the whole item: PNC is not PNC13.

    Args:
        predicates: What is asked, by name.
        named: Gives the field of a name.

    Raises:
        FilterError: A value is no text, number or truth value, nor a list of them.
    """
    asked = [_asked(name, value, named) for name, value in predicates.items()]
    return Expression(AllOf(tuple(one.condition for one in asked)))


def _asked(name: str, value: object, named: Callable[[str], str]) -> Expression:
    values = value if isinstance(value, list | tuple) else [value]
    if name.endswith(_CONTAINS):
        return field(named(name.removesuffix(_CONTAINS))).one_of(*_texts(values))
    if value is None:
        return Expression(AllOf(()))
    asked = named(name)
    if isinstance(value, list | tuple) and _is_range(asked, value):
        return Expression(AllOf(())) if value[0] is value[1] is None else _between(asked, *value)
    return field(asked).one_of(*_texts(values))


def _between(name: str, low: End | None, high: End | None) -> Expression:
    return Expression(lying(name, low, high))


def _is_range(name: str, values: Sequence[object]) -> bool:
    is_end = _is_moment if name == RECORDED_AT else _is_day
    return len(values) == 2 and (
        None in values or all(map(_is_number, values)) or all(map(is_end, values))
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_day(value: object) -> bool:
    return isinstance(value, str) and DAY.fullmatch(value) is not None


def _is_moment(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value) is not None
    except ValueError:
        return False


def _texts(values: Sequence[object]) -> list[str | int | float | bool]:
    texts = [value for value in values if isinstance(value, str | int | float)]
    if len(texts) < len(values):
        raise FilterError("A predicate takes texts, numbers and truth values, or lists of them.")
    return texts
