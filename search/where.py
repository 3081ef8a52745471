"""The ``--where`` texts and the ``--filters`` file of a command line, as one expression."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from notekin.errors import FilterError
from notekin.search.filters import Expression, Field, field
from notekin.storage.conditions import AllOf

_FORM = re.compile(
    r"""\s*(?: "(?P<quoted>(?:[^"]|"")+)" | (?P<bare>[^"=<>~!][^=<>~!]*?) )(?P<apart>\s*)
        (?: (?P<sign>!=|>=|<=|=|>|<|~) (?P<value>.*) | :(?P<known>missing|present)\s* )""",
    re.VERBOSE | re.DOTALL,
)
_HINT = (
    "--where takes FIELD=VALUE, FIELD!=VALUE, FIELD>=N, FIELD>N, FIELD<=N, FIELD<N, FIELD~TEXT, "
    "FIELD:missing or FIELD:present, such as --where category='Progress note'. "
    "Put a field's name in double quotes where it has one of = < > ~ ! in it."
)


def parse_where(texts: Iterable[str], filters: Path | None = None) -> Expression | None:
    """Return what all of these ask together; None where nothing is asked.

    ``FIELD=VALUE`` twice for one field takes either value; all else must hold together.

    Raises:
        FilterError: A text is no filter, or the file holds none.
        NoSuchSourceError: There is no such file.
    """
    equal: dict[str, list[str]] = {}
    asked: list[Expression] = []
    for text in texts:
        match = _FORM.fullmatch(text)
        if match is None:
            raise FilterError(_HINT)
        name = (match["quoted"] or "").replace('""', '"') or match["bare"].strip()
        value = match["value"] or ""
        if match["apart"]:  # FIELD = VALUE: what stands around the sign is no part of the value
            value = value.strip()
        if match["sign"] == "=":
            equal.setdefault(name, []).append(value)
        else:
            asked.append(_asked(field(name), match["sign"] or match["known"], value))
    asked = [field(name).one_of(*values) for name, values in equal.items()] + asked
    if filters is not None:
        from notekin.search.filter_file import read_filters  # its models take long to build

        asked.append(read_filters(filters))
    return Expression(AllOf(tuple(one.condition for one in asked))) if asked else None


def _asked(name: Field, sign: str, value: str) -> Expression:
    match sign:
        case "!=":
            return name != value
        case ">=":
            return name >= value.strip()
        case ">":
            return name > value.strip()
        case "<=":
            return name <= value.strip()
        case "<":
            return name < value.strip()
        case "~":
            return name.contains(value)
        case "missing":
            return name.missing()
        case _:
            return name.present()
