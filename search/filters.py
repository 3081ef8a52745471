"""What a person asks of a note's facts: typed expressions, or a mapping of values.

::

    from notekin import field

    where = (field("age") >= 65) & ~field("ward").missing()
    store.search("fall at home", where=where)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from notekin.errors import FilterError
from notekin.search.values import End, Value, When, equal_to, lying
from notekin.storage.conditions import AllOf, AnyOf, Condition, Contains, Missing, Not, check_size

__all__ = ["Expression", "Field", "When", "Where", "condition_of", "field"]


@dataclass(frozen=True, slots=True)
class Expression:
    """Something asked of notes; combined with ``&`` (and), ``|`` (or), ``~`` (not)."""

    condition: Condition

    def __and__(self, other: Expression) -> Expression:
        parts = (*_parts(self, AllOf), *_parts(other, AllOf))
        return Expression(AllOf(parts))

    def __or__(self, other: Expression) -> Expression:
        parts = (*_parts(self, AnyOf), *_parts(other, AnyOf))
        return Expression(AnyOf(parts))

    def __invert__(self) -> Expression:
        return Expression(Not(self.condition))

    def __bool__(self) -> NoReturn:
        """Refuse ``and``, ``or``, ``not`` and chained comparisons, which would drop a part."""
        raise FilterError(
            "A filter is neither true nor false by itself. Combine filters with & | ~ in place "
            'of and, or, not, each in brackets: (field("age") >= 65) & (field("sex") == "F"); '
            "for two ends at once use between(low, high)."
        )


class Field:
    """A field of the notes by name: ``category``, ``recorded_at``, any attribute."""

    __slots__ = ("name",)
    __hash__ = None  # type: ignore[assignment]  # == makes an expression, so no set can hold it

    def __init__(self, name: str) -> None:
        if not name:
            raise FilterError("A filter needs the name of a field.")
        self.name = name

    def __eq__(self, value: object) -> Expression:  # type: ignore[override]  # asks, not compares
        return Expression(equal_to(self.name, [value]))  # type: ignore[list-item]  # checked there

    def __ne__(self, value: object) -> Expression:  # type: ignore[override]  # asks, not compares
        return ~(self == value)

    def __ge__(self, low: End) -> Expression:
        return Expression(lying(self.name, _given(low)))

    def __gt__(self, low: End) -> Expression:
        return Expression(lying(self.name, _given(low), low_inclusive=False))

    def __le__(self, high: End) -> Expression:
        return Expression(lying(self.name, high=_given(high)))

    def __lt__(self, high: End) -> Expression:
        return Expression(lying(self.name, high=_given(high), high_inclusive=False))

    def between(self, low: End, high: End) -> Expression:
        """Return that one value lies between the two, both ends taken in."""
        return Expression(lying(self.name, _given(low), _given(high)))

    def one_of(self, *values: Value) -> Expression:
        """Return that the field, or an item of its list, is one of these."""
        return Expression(equal_to(self.name, values))

    def contains(self, text: str) -> Expression:
        """Return that the field's text, or an item of its list, holds a text in any case."""
        if not text:
            raise FilterError("contains takes a text that is not empty; see also present().")
        return Expression(Contains(self.name, text))

    def missing(self) -> Expression:
        """Return that the field has no value."""
        return Expression(Missing(self.name))

    def present(self) -> Expression:
        """Return that the field has a value."""
        return ~self.missing()


def field(name: str) -> Field:
    """Return a field of the notes, to ask something of."""
    return Field(name)


Where: TypeAlias = Mapping[str, Value | Sequence[Value]] | Expression
"""Field to the value it must have, or to several of which one will do; or an expression."""


def condition_of(
    where: Where | None = None, after: When | None = None, before: When | None = None
) -> Condition | None:
    """Return the condition that all of these together mean; None where nothing is asked.

    Args:
        where: An expression; or every field must have its value, or one of its values.
        after: The note was recorded then or later.
        before: The note was recorded earlier than that.

    Raises:
        FilterError: A value is no value, a date no date, or the filter is too large.
    """
    parts = _asked(where)
    if after is not None:
        parts.append(lying("recorded_at", after))
    if before is not None:
        parts.append(lying("recorded_at", high=before, high_inclusive=False))
    if not parts:
        return None
    condition = AllOf(tuple(parts))
    check_size(condition)
    return condition


def _asked(where: Where | None) -> list[Condition]:
    if isinstance(where, Expression):
        return [where.condition]
    if where is not None and not isinstance(where, Mapping):
        raise FilterError(
            'A filter is a mapping of field to value, {"sex": "F"}, or an expression made with '
            'field: field("age") >= 65.'
        )
    return [equal_to(name, _several(value)) for name, value in (where or {}).items()]


def _several(value: object) -> Sequence[Any]:
    if callable(plain := getattr(value, "tolist", None)):  # numpy's and pandas' arrays, scalars
        value = plain()
    return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]


def _parts(side: object, kind: type[AllOf | AnyOf]) -> tuple[Condition, ...]:
    """Return a side's own parts where it is of the kind: a & b & c is one level deep."""
    if not isinstance(side, Expression):
        raise FilterError("Combine filters with filters: put each comparison in brackets.")
    condition = side.condition
    return condition.conditions if isinstance(condition, kind) else (condition,)


def _given(end: End | None) -> End:
    if end is None:
        raise FilterError("A range takes a number or a date; ask for missing() in its own words.")
    return end
