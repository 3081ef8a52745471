"""A cohort's definition out of a file or a mapping, with what is wrong in one line.

A message names line, column and field, and never repeats a value: it could be a patient's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import BaseModel, ValidationError

from notekin.errors import FilterError
from notekin.search.cohort.definition import (
    AssertionAsked,
    Criterion,
    Cut,
    Definition,
    Examples,
    Within,
)
from notekin.search.cohort.facts import Comparison, condition_of_facts
from notekin.search.cohort.places import Placed, Way, read_placed

MOST_CRITERIA = 200
MOST_NESTED = 20
_GROUPS = ("all", "any", "not")


def read_definition(path: Path) -> Definition:
    """Return the definition that a file holds: JSON where its name ends in .json, else YAML.

    Raises:
        NoSuchSourceError: There is no such file.
        CohortError: It holds none.
    """
    return _checked(read_placed(path))


def definition_of(value: Mapping[str, object]) -> Definition:
    """Return the definition that Python's own values give.

    Raises:
        CohortError: They give none.
    """
    return _checked(Placed("The definition", value, {}))


def _checked(placed: Placed) -> Definition:
    """Return the definition, once all in it is seen to make sense; else raise one line."""
    _check_depth(placed)
    try:
        definition = Definition.model_validate(placed.value)
    except ValidationError as error:
        path, field, what = _worst(error, placed.value)
        placed.refuse(path, _field(field), what)
    for check in (_check_ids, _check_withins, _check_facts):
        check(definition, placed)
    return definition


def _check_depth(placed: Placed) -> None:
    waiting: list[tuple[object, Way, int]] = [(placed.value, (), 0)]
    while waiting:
        value, path, depth = waiting.pop()
        if depth > MOST_NESTED:
            placed.refuse(path, "", f"nests deeper than {MOST_NESTED} levels; flatten it.")
        if isinstance(value, Mapping):
            waiting += [(item, (*path, str(name)), depth + 1) for name, item in value.items()]
        elif isinstance(value, list | tuple):
            waiting += [(item, (*path, at), depth) for at, item in enumerate(value)]


def _check_ids(definition: Definition, placed: Placed) -> None:
    seen: set[str] = set()
    criteria = 0
    for node, path in definition.nodes():
        criteria += isinstance(node, Criterion)
        if criteria > MOST_CRITERIA:
            placed.refuse(path, _field(path), f"has more than {MOST_CRITERIA} criteria.")
        if node.id in seen:
            at = (*path, "id")
            placed.refuse(at, _field(at), "another criterion or group has this id.")
        if node.id is not None:
            seen.add(node.id)


def _check_withins(definition: Definition, placed: Placed) -> None:
    of: dict[str, str] = {}
    ids = {node.id for node, _ in definition.nodes() if isinstance(node, Criterion) and node.id}
    for node, path in definition.nodes():
        if not isinstance(node, Criterion) or node.within is None:
            continue
        at = (*path, "within", "of")
        if node.within.of not in ids:
            placed.refuse(at, _field(at), "no criterion has this id. Give the other one an id.")
        if node.id is not None:
            of[node.id] = node.within.of
            if _goes_round(of, node.id):
                placed.refuse(at, _field(at), "goes in a circle: it hangs on itself.")


def _goes_round(of: Mapping[str, str], start: str) -> bool:
    at: str | None = of.get(start)
    for _ in of:
        if at == start:
            return True
        at = of.get(at) if at is not None else None
    return False


def _check_facts(definition: Definition, placed: Placed) -> None:
    for node, path in definition.nodes():
        if isinstance(node, Criterion) and node.where is not None:
            for name, asked in node.where.items():
                _check_fact(lambda: condition_of_facts({name: asked}), placed, path, name)  # noqa: B023


def _check_fact(make: Callable[[], object], placed: Placed, path: Way, name: str) -> None:
    try:
        make()
    except FilterError as error:
        placed.refuse((*path, "where", name), _field((*path, "where", name)), str(error))


def _worst(error: ValidationError, value: object) -> tuple[Way, Way, str]:
    """Return of the deepest error where it is, the field to name, and what is wrong.

    Never a value, nor a name that is none of ours: it could be a patient's.
    """
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    worst = max(problems, key=lambda one: (len(_path(one["loc"], value)), one["type"] in _OURS))
    path = _path(worst["loc"], value)
    match worst["type"]:
        case "extra_forbidden":
            return path, path[:-1], f"a name that is none of {', '.join(_names_beside(path))}."
        case "missing":
            return path, path, f"{worst['loc'][-1]} is missing."
        case "model_type" | "dict_type" | "model_attributes_type":
            return path, path, "takes names with values, such as meaning: heart failure."
        case ours if ours in _OURS:
            return path, path, f"{worst['msg']}."
    last = next((part for part in reversed(path) if isinstance(part, str)), "")
    said = worst["msg"][0].lower() + worst["msg"][1:]
    return path, path, f"{_TAKES.get(last, said)}."


_OURS = {"null", "sides", "cut", "two", "none", "assertion", "empty", "nothing", "ends"}
"""The kinds of error whose texts are written in the models, with no value in them."""
_TAKES = {
    "name": "takes letters, digits and . _ - alone, 64 at most, a letter or digit first",
    "id": "takes letters, digits, _ and - alone, 64 at most, a letter first",
    "of": "takes the id of a criterion",
    "grain": "takes patient or encounter",
    "meaning": "takes a text",
    "phrase": "takes a text or a list of texts",
    "assertion": "takes affirmed, negated, possible or any, or names with values: polarity, "
    "experiencer, temporality",
    "polarity": "takes affirmed, negated, possible or any, or a list of them",
    "experiencer": "takes patient, other or any, or a list of them",
    "temporality": "takes current, historical, hypothetical or any, or a list of them",
    "at_least": 'takes a number such as 2, or "2 notes" or "2 encounters"',
    "cut": "takes calibrated, or one of score: 0.6, top: 200, precision: 0.9, recall: 0.9",
    "score": "takes a number from 0 to 1",
    "top": "takes a whole number from 1",
    "precision": "takes a share between 0 and 1",
    "recall": "takes a share between 0 and 1",
    "days": "takes a whole number from 0",
    "before": "takes true or false, or of a fact a day such as 2015-01-01",
    "after": "takes true or false, or of a fact a day such as 2015-01-01",
    "limit": "takes a whole number from 1",
    "patients": "takes a list of ids, each a text; put numbers in quotes",
    "notes": "takes a list of ids, each a text; put numbers in quotes",
    "all": "takes a list of criteria, at least one",
    "any": "takes a list of criteria, at least one",
}
_MODELS: dict[str, type[BaseModel]] = {
    "within": Within,
    "cut": Cut,
    "assertion": AssertionAsked,
    "like": Examples,
    "unlike": Examples,
}


def _names_beside(path: Way) -> list[str]:
    """Return the names that may stand where the path's last one does."""
    names = [part for part in path[:-1] if isinstance(part, str)]
    if not names:
        return _fields_of(Definition)
    if "where" in names:
        return _fields_of(Comparison)
    if names[-1] in _MODELS:
        return _fields_of(_MODELS[names[-1]])
    return [*_GROUPS, *_fields_of(Criterion)]


def _fields_of(model: type[BaseModel]) -> list[str]:
    return [name.rstrip("_") for name in model.model_fields]


def _path(loc: tuple[str | int, ...], value: object) -> Way:
    """Return the part of pydantic's place that stands in the value itself, without its tags."""
    path: list[str | int] = []
    for part in loc:
        inside = isinstance(value, Mapping) and part in value
        if inside or (
            isinstance(value, list | tuple) and isinstance(part, int) and part < len(value)
        ):
            value = value[part]  # type: ignore[index]  # as tested
            path.append(part)
    return tuple(path)


def _field(path: Way) -> str:
    """Return a path as people write it; a field of the notes could bear a patient's name."""
    known = path[: path.index("where") + 1] if "where" in path else path
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in known)[1:]


def as_yaml(definition: Definition) -> str:
    """Return a definition as its file would say it."""
    import yaml

    return str(yaml.safe_dump(definition.to_dict(), sort_keys=False, allow_unicode=True))
