"""A YAML or JSON file as plain values, and where in it each of them stands.

YAML as its version 1.2 means it: ``no``, ``on`` and ``12:30`` are texts, ``007`` is an id and
not the number 7, a date is a text. Nothing a file holds is run, and aliases are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from notekin.errors import CohortError, NoSuchSourceError

Way: TypeAlias = tuple[str | int, ...]
"""The names and numbers that lead to a value."""
Place: TypeAlias = tuple[int, int]
"""Line and column, counted from 1."""
_MOST_BYTES = 1 << 20
_TAGS = {"str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value"}
"""Those that a text without quotes may be taken for, and those of lists and mappings."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What a file holds.

    Attributes:
        name: The file's, for messages.
        value: Mappings, lists, texts, numbers, true, false, None.
        places: Where each value begins, by its path; a member of a mapping at its name.
    """

    name: str
    value: object
    places: Mapping[Way, Place]

    def refuse(self, path: Way, field: str, what: str) -> NoReturn:
        """Raise the one line that says what is wrong, at the deepest place known of a path."""
        while path and path not in self.places:
            path = path[:-1]
        line, column = self.places.get(path, (1, 1))
        where = f" ({field})" if field else ""
        raise CohortError(f"{self.name} line {line}, column {column}{where}: {what}")


def read_placed(path: Path) -> Placed:
    """Return what a file of YAML or, where its name ends in .json, of JSON holds.

    Raises:
        NoSuchSourceError: There is no such file.
        CohortError: It is neither; the message names the place, never what stands there.
    """
    if not path.is_file():
        raise NoSuchSourceError(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CohortError(f"{path} can't be read: {error.strerror}.") from None
    if len(data) > _MOST_BYTES:
        raise CohortError(f"{path} is larger than a definition can be (1 MiB).")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CohortError(f"{path} is not UTF-8 from byte {error.start} on.") from None
    is_json = path.suffix.lower() == ".json"
    try:
        if is_json:
            _check_json(text, path)
            text = text.replace("\t", " ")  # JSON takes them between values, YAML does not
        return _read(text, str(path))
    except RecursionError:
        raise CohortError(f"{path} nests too deep.") from None


def _check_json(text: str, path: Path) -> None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise CohortError(f"{path} is no JSON from {place} on.") from None


def _read(text: str, name: str) -> Placed:
    import yaml

    try:
        loader = yaml.SafeLoader(text)
        node = _without_aliases(loader, name)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "its beginning"
        raise CohortError(f"{name} is no YAML from {place} on.") from None
    except yaml.YAMLError:
        raise CohortError(f"{name} is no YAML: it holds a sign that none may hold.") from None
    if node is None:
        raise CohortError(f"{name} is empty. A definition has at least a name and include.")
    places: dict[Way, Place] = {(): _place(node)}
    return Placed(name, _value(node, (), places, name), places)


def _without_aliases(loader: Any, name: str) -> Any:
    """Return the one document's node; refuse what would repeat a part of it."""
    import yaml

    compose = loader.compose_node

    def compose_node(parent: Any, index: Any) -> Any:
        if loader.check_event(yaml.AliasEvent):
            mark = loader.peek_event().start_mark
            raise CohortError(
                f"{name} line {mark.line + 1}, column {mark.column + 1}: aliases are not taken; "
                "write the part out."
            )
        return compose(parent, index)

    loader.compose_node = compose_node
    return loader.get_single_node()


def _value(node: Any, path: Way, places: dict[Way, Place], name: str) -> object:
    import yaml

    if node.tag.removeprefix("tag:yaml.org,2002:") not in _TAGS:
        raise CohortError(f"{_at(name, node)}: tags are not taken; leave out what begins with !.")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, places, name)
    if isinstance(node, yaml.SequenceNode):
        for at, item in enumerate(node.value):
            places[(*path, at)] = _place(item)
        return [_value(item, (*path, at), places, name) for at, item in enumerate(node.value)]
    return _plain(node.value) if node.style is None else str(node.value)


def _mapping(node: Any, path: Way, places: dict[Way, Place], name: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, item in node.value:
        if not isinstance(key.value, str):
            raise CohortError(f"{_at(name, key)}: a name must be a text.")
        if key.value in found:
            raise CohortError(f"{_at(name, key)}: this name stands a second time in one mapping.")
        inner = (*path, key.value)
        places[inner] = _place(key)
        found[key.value] = _value(item, inner, places, name)
    return found


def _plain(text: str) -> object:
    """Return what a text without quotes means."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if re.fullmatch(r"-?(0|[1-9][0-9]*)", text):
        return int(text) if len(text) < 300 else float(text)
    if re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", text):
        return float(text)
    return text


def _place(node: Any) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _at(name: str, node: Any) -> str:
    line, column = _place(node)
    return f"{name} line {line}, column {column}"
