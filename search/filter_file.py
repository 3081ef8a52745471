"""A filter as a JSON file: conditions on fields, nested with all, any and not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from notekin.errors import FilterError, NoSuchSourceError
from notekin.search import filters
from notekin.search.filters import Expression
from notekin.search.values import lying
from notekin.storage.conditions import AllOf, AnyOf

_TAKES = {"model_type": "takes a JSON object", "tuple_type": "takes a list"}
_GROUPS = ("all", "any", "not")


def _scalar(value: object) -> object:
    if isinstance(value, str | int | float):
        return value
    raise PydanticCustomError("scalar", "takes a text, a number, true or false")


def _end(value: object) -> object:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return value
    raise PydanticCustomError("end", "takes a number or a date in quotes")


_Scalar = Annotated[Any, BeforeValidator(_scalar)]
_End = Annotated[Any, BeforeValidator(_end)]


class FilterNode(BaseModel):
    """One object of the file: a group, or a field with all that it must meet."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    all: tuple[FilterNode, ...] | None = None
    any: tuple[FilterNode, ...] | None = None
    not_: FilterNode | None = Field(None, alias="not")
    field: Annotated[StrictStr, Field(min_length=1)] | None = None
    equals: _Scalar | None = None
    not_equals: _Scalar | None = None
    one_of: tuple[_Scalar, ...] | None = None
    at_least: _End | None = None
    above: _End | None = None
    at_most: _End | None = None
    below: _End | None = None
    contains: Annotated[StrictStr, Field(min_length=1)] | None = None
    missing: StrictBool | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> FilterNode:
        given = {_name(name) for name in self.model_fields_set}
        groups = given & set(_GROUPS)
        if any(getattr(self, name) is None for name in self.model_fields_set):
            raise PydanticCustomError("null", "null is no filter; ask for missing: true")
        if "field" in given and not groups and len(given) > 1:
            return self
        if len(given) == 1 and groups:
            return self
        raise PydanticCustomError(
            "shape", "takes one of all, any, not; or field and what it must meet"
        )


def read_filters(path: Path) -> Expression:
    """Return the filter that a file holds.

    Raises:
        NoSuchSourceError: There is no such file.
        FilterError: The file is no filter; the message names the place, never a value.
    """
    if not path.is_file():
        raise NoSuchSourceError(path)
    try:
        node = FilterNode.model_validate(_read(path))
    except ValidationError as error:
        raise FilterError(f"{path}: {_first(error)}.") from None
    return _expression(node, path, "")


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_bytes(), object_pairs_hook=_unlike, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise FilterError(f"{path} is no JSON from {place} on.") from None
    except OSError as error:
        raise FilterError(f"{path} can't be read: {error.strerror}.") from None
    except RecursionError:
        raise FilterError(f"{path} nests too deep.") from None
    except ValueError:
        raise FilterError(
            f"{path} is no filter: it is not UTF-8, has a name twice in one object, or a "
            "number that is none."
        ) from None


def _unlike(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def _no_constant(_name: str) -> float:
    raise ValueError("no number")


def _first(error: ValidationError) -> str:
    """Return the first error's place and kind; an unknown name could be a patient's."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = list(first["loc"])
    if first["type"] == "extra_forbidden":
        known = ", ".join(_name(name) for name in FilterNode.model_fields)
        return f"{_place(place[:-1])} has a name that is none of {known}"
    return f"{_place(place)}: {_TAKES.get(first['type'], first['msg'])}"


def _place(parts: list[int | str]) -> str:
    written = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return written.removeprefix(".") or "the filter"


def _name(attribute: str) -> str:
    return attribute.rstrip("_")


def _expression(node: FilterNode, path: Path, at: str) -> Expression:
    if node.all is not None:
        parts = [_expression(one, path, f"{at}.all[{n}]") for n, one in enumerate(node.all)]
        return Expression(AllOf(tuple(part.condition for part in parts)))
    if node.any is not None:
        parts = [_expression(one, path, f"{at}.any[{n}]") for n, one in enumerate(node.any)]
        return Expression(AnyOf(tuple(part.condition for part in parts)))
    if node.not_ is not None:
        return ~_expression(node.not_, path, f"{at}.not")
    try:
        return Expression(AllOf(tuple(part.condition for part in _of_field(node))))
    except FilterError as error:
        raise FilterError(f"{path}: {at.removeprefix('.') or 'the filter'}: {error}") from None


def _of_field(node: FilterNode) -> list[Expression]:
    """Return what the field must meet, all of it."""
    field = filters.field(node.field or "")
    given = node.model_fields_set
    found = []
    if "equals" in given:
        found.append(field == node.equals)
    if "not_equals" in given:
        found.append(field != node.not_equals)
    if node.one_of is not None:
        found.append(field.one_of(*node.one_of))
    if node.contains is not None:
        found.append(field.contains(node.contains))
    if node.missing is not None:
        found.append(field.missing() if node.missing else field.present())
    return found + (_ranges(field.name, node) if given & _ENDS else [])


_ENDS = {"at_least", "above", "at_most", "below"}


def _ranges(field: str, node: FilterNode) -> list[Expression]:
    """Return one range where both ends are given, so that one value must meet both."""
    if (node.at_least is not None and node.above is not None) or (
        node.at_most is not None and node.below is not None
    ):
        raise FilterError("give each end of a range once: at_least or above, at_most or below.")
    low = node.above if node.at_least is None else node.at_least
    high = node.below if node.at_most is None else node.at_most
    return [
        Expression(
            lying(
                field,
                low,
                high,
                low_inclusive=node.above is None,
                high_inclusive=node.below is None,
            )
        )
    ]
