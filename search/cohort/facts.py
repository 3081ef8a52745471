"""What a criterion asks of notes' facts: ``where``, as people write it and as a condition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, model_validator
from pydantic_core import PydanticCustomError

from notekin.search import filters
from notekin.search.filters import Expression
from notekin.search.values import lying
from notekin.storage.conditions import AllOf, Condition, check_size

Scalar: TypeAlias = StrictStr | StrictBool | int | float
End: TypeAlias = (
    Annotated[int, Field(strict=True)] | Annotated[float, Field(strict=True)] | StrictStr
)


class Comparison(BaseModel):
    """What one field must meet, all of it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    equals: Scalar | None = None
    not_equals: Scalar | None = None
    one_of: Annotated[list[Scalar], Field(min_length=1)] | None = None
    at_least: End | None = Field(None, description="This number or day, or more.")
    above: End | None = None
    at_most: End | None = None
    below: End | None = None
    after: StrictStr | None = Field(None, description="This day or later, as --after.")
    before: StrictStr | None = Field(None, description="Before this day, as --before.")
    contains: Annotated[StrictStr, Field(min_length=1)] | None = None
    missing: StrictBool | None = Field(None, description="true: no value; false: any value.")

    @model_validator(mode="after")
    def _asks_something(self) -> Comparison:
        if not self.model_fields_set:
            raise PydanticCustomError("empty", "asks for nothing")
        if any(getattr(self, name) is None for name in self.model_fields_set):
            raise PydanticCustomError("null", "a name without a value; ask for missing: true")
        lows, highs = {"at_least", "above", "after"}, {"at_most", "below", "before"}
        if max(len(self.model_fields_set & ends) for ends in (lows, highs)) > 1:
            raise PydanticCustomError(
                "ends",
                "takes each end of a range once: at_least, above or after; at_most, below, before",
            )
        return self

    def conditions(self, name: str) -> list[Condition]:
        """Return what is asked of the field of this name; all must hold."""
        field = filters.field(name)
        found: list[Expression] = []
        if self.equals is not None:
            found.append(field == self.equals)
        if self.not_equals is not None:
            found.append(field != self.not_equals)
        if self.one_of is not None:
            found.append(field.one_of(*self.one_of))
        if self.contains is not None:
            found.append(field.contains(self.contains))
        if self.missing is not None:
            found.append(field.missing() if self.missing else field.present())
        return [one.condition for one in found] + self._range(name)

    def _range(self, name: str) -> list[Condition]:
        """Return one range where both ends are given, so that one value must meet both."""
        low = _first(self.at_least, self.above, self.after)
        high = _first(self.at_most, self.below, self.before)
        if low is None and high is None:
            return []
        return [
            lying(
                name,
                low,
                high,
                low_inclusive=self.above is None,
                high_inclusive=self.below is None and self.before is None,
            )
        ]


FieldAsked: TypeAlias = Scalar | Annotated[list[Scalar], Field(min_length=1)] | Comparison


def condition_of_facts(where: Mapping[str, FieldAsked]) -> Condition:
    """Return the condition that a note's facts meet where every field is as asked.

    Raises:
        FilterError: A field can't have what is asked of it, or too much is asked.
    """
    parts: list[Condition] = []
    for name, asked in where.items():
        if isinstance(asked, Comparison):
            parts += asked.conditions(name)
        else:
            values = asked if isinstance(asked, list) else [asked]
            parts.append(filters.field(name).one_of(*values).condition)
    condition = AllOf(tuple(parts))
    check_size(condition)
    return condition


def _first(*ends: int | float | str | None) -> int | float | str | None:
    return next((end for end in ends if end is not None), None)
