"""Which assertions a search asks for: by the names that ``--assert`` takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import TypeAlias

from notekin.errors import UsageError
from notekin.search.concepts import Concept
from notekin.types import Assertion, Experiencer, Polarity, Temporality


class Asserted(Enum):
    """What a note is to say of what the query speaks of."""

    AFFIRMED = "affirmed"
    """It is so, or was, of the patient."""
    NEGATED = "negated"
    """It is not so of the patient."""
    POSSIBLE = "possible"
    """It may be so of the patient."""
    CURRENT = "current"
    """It is so now, of the patient."""
    HISTORICAL = "historical"
    """It was so, of the patient."""
    HYPOTHETICAL = "hypothetical"
    """It is feared, guarded against or planned for."""
    FAMILY = "family"
    """It is or was so, or may be, of someone else."""
    ASKED = "asked"
    """What the query says: of ``no fever``, that it is not so."""


Named: TypeAlias = "str | Asserted | Iterable[str | Asserted] | None"
"""One name, or several of which one will do; None for no matter what."""


def asserted_named(names: Named) -> tuple[Asserted, ...]:
    """Return what the names ask for.

    Raises:
        UsageError: There is no such name.
    """
    if names is None:
        return ()
    several = [names] if isinstance(names, str | Asserted) else list(names)
    return tuple(dict.fromkeys(_named(name) for name in several))


def _named(name: str | Asserted) -> Asserted:
    if isinstance(name, Asserted):
        return name
    if name.strip().lower() == "other":
        return Asserted.FAMILY
    try:
        return Asserted(name.strip().lower())
    except ValueError:
        known = ", ".join(one.value for one in Asserted)
        raise UsageError(f"There is no such assertion. Take one of {known}.") from None


def is_asserted(
    wanted: Sequence[Asserted], found: Mapping[Concept, Assertion], whole: Assertion
) -> bool:
    """Say whether a text says one of the things wanted.

    Args:
        wanted: One of these will do; none of them asks for nothing.
        found: What the text says of each concept that it speaks of.
        whole: What it says of all of them together.
    """
    return not wanted or any(
        _agrees(found, whole) if one is Asserted.ASKED else _holds(one, whole) for one in wanted
    )


def _holds(wanted: Asserted, said: Assertion) -> bool:
    polarity, time = said.polarity, said.temporality
    if wanted is Asserted.FAMILY:
        return said.experiencer is Experiencer.OTHER and polarity is not Polarity.NEGATED
    if said.experiencer is Experiencer.OTHER:
        return False
    if wanted is Asserted.HYPOTHETICAL:
        return time is Temporality.HYPOTHETICAL
    if time is Temporality.HYPOTHETICAL:
        return False
    match wanted:
        case Asserted.NEGATED:
            return polarity is Polarity.NEGATED
        case Asserted.POSSIBLE:
            return polarity is Polarity.POSSIBLE
        case Asserted.HISTORICAL:
            return polarity is Polarity.AFFIRMED and time is Temporality.HISTORICAL
        case Asserted.CURRENT:
            return polarity is Polarity.AFFIRMED and time is Temporality.CURRENT
        case _:
            return polarity is Polarity.AFFIRMED


def _agrees(found: Mapping[Concept, Assertion], whole: Assertion) -> bool:
    """Say whether each concept is spoken of as the query does; when it was does not count."""
    pairs = [(concept.asked, said) for concept, said in found.items()] or [(Assertion(), whole)]
    return all(
        asked.polarity is said.polarity
        and asked.experiencer is said.experiencer
        and (asked.temporality is Temporality.HYPOTHETICAL)
        == (said.temporality is Temporality.HYPOTHETICAL)
        for asked, said in pairs
    )
