"""How a cohort is made of two others, with all that is needed to find these again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from notekin.errors import CohortError
from notekin.search.cohort.definition import NAME, Definition
from notekin.search.cohort.definition_file import definition_of
from notekin.search.cohort.sets import Operation

MOST_PARTS = 64
"""Definitions that one cohort is made of at most, those of its parts' parts among them."""
_APART = "/"
"""Stands between a part's name and a criterion's where verdicts are kept; no name has it."""
Said = TypeVar("Said")


@dataclass(frozen=True, slots=True)
class Combination:
    """A cohort made of two others.

    Raises:
        CohortError: No cohort can bear this name, or it would be made of too many.
    """

    name: str
    operation: Operation
    of: tuple[Made, Made]

    def __post_init__(self) -> None:
        if not re.fullmatch(NAME, self.name):
            raise CohortError("A cohort's name is made of letters, digits and . _ - alone.")
        if self.size > MOST_PARTS:
            raise CohortError(
                f"It would be made of more than {MOST_PARTS} cohorts. Put what they ask into one "
                "definition."
            )

    @property
    def size(self) -> int:
        """How many definitions it is made of."""
        return sum(one.size if isinstance(one, Combination) else 1 for one in self.of)

    def to_dict(self) -> dict[str, Any]:
        """Return it as it is kept; ``made_of`` takes it back."""
        return {
            "name": self.name,
            "how": self.operation.value,
            "of": [one.to_dict() for one in self.of],
        }


Made: TypeAlias = "Definition | Combination"
"""What a kept cohort is made of."""


def made_of(kept: Mapping[str, Any]) -> Made:
    """Return what a cohort is made of, as it is kept.

    Raises:
        CohortError: It is of two others, and was kept when these went by their names alone.
    """
    if "of" not in kept:
        return definition_of(kept)
    if not all(isinstance(one, Mapping) for one in kept["of"]):
        raise CohortError(
            "This cohort knows of the two it was made of their names alone, as earlier versions "
            "kept it. Delete it, and make it of them again."
        )
    first, second = map(made_of, kept["of"])
    return Combination(kept["name"], Operation(kept["how"]), (first, second))


def renamed(made: Made, name: str) -> Made:
    """Return the same under another name.

    Raises:
        CohortError: No cohort can bear it.
    """
    return made_of(made.to_dict() | {"name": name})


def as_of_part(part: str, criterion: str) -> str:
    """Return what a part's criterion is called where the whole's verdicts are kept."""
    return f"{part}{_APART}{criterion}"


def of_part(part: str, said: Mapping[str, Said]) -> dict[str, Said]:
    """Return, of what was said by criterion of the whole, what was said of a part."""
    begin = as_of_part(part, "")
    return {
        criterion.removeprefix(begin): one
        for criterion, one in said.items()
        if criterion.startswith(begin)
    }
