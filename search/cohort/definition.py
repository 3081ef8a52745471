"""A cohort's definition as people write it: YAML, JSON, or Python's own values.

::

    name: hfref
    include:
      all:
        - meaning: heart failure with reduced ejection fraction
          at_least: 2 notes
        - phrase: [sacubitril, entresto]

docs/cohorts.md explains every name. ``Definition.rules()`` gives what the evaluators read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictStr,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from notekin.search.cohort import rules
from notekin.search.cohort.facts import FieldAsked, condition_of_facts
from notekin.search.cohort.places import Way
from notekin.search.cohort.rules import Asserted, CutKind, Grain, Rules, Unit
from notekin.types import Experiencer, Polarity, Temporality

Word: TypeAlias = Annotated[StrictStr, Field(min_length=1, pattern=r"\S")]
Id: TypeAlias = Annotated[StrictStr, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
"""What a cohort's name looks like."""
Choice = TypeVar("Choice", bound=Enum)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _has_no_null(cls, value: object) -> object:
        if isinstance(value, Mapping) and any(item is None for item in value.values()):
            raise PydanticCustomError("null", "a name without a value; leave the name out")
        return value


class Within(_Model):
    """A note counts only so many days from a note that counts for another criterion."""

    of: Id = Field(description="The other criterion's id.")
    days: Annotated[int, Field(ge=0, strict=True)] = Field(description="How far away at most.")
    before: StrictBool = Field(False, description="Only before the other's note, or that day.")
    after: StrictBool = Field(False, description="Only after the other's note, or that day.")

    @model_validator(mode="after")
    def _has_one_side(self) -> Within:
        if self.before and self.after:
            raise PydanticCustomError(
                "sides", "takes before or after; of both sides, leave out both"
            )
        return self

    def rule(self) -> rules.Within:
        """Return it as the evaluators read it."""
        return rules.Within(self.of, self.days, self.before, self.after)


class Cut(_Model):
    """Which of the scored notes a meaning is found in: one of the four."""

    score: Annotated[float, Field(ge=0, le=1, strict=True)] | None = Field(
        None, description="Notes with this score or more."
    )
    top: Annotated[int, Field(ge=1, strict=True)] | None = Field(
        None, description="So many notes, the best first."
    )
    precision: Annotated[float, Field(gt=0, lt=1, strict=True)] | None = Field(
        None, description="As many as keep this precision, as judgements teach."
    )
    recall: Annotated[float, Field(gt=0, lt=1, strict=True)] | None = Field(
        None, description="As few as reach this recall, as judgements teach."
    )

    @model_validator(mode="after")
    def _is_one(self) -> Cut:
        if len(self.model_fields_set) != 1:
            raise PydanticCustomError("cut", "takes one of score, top, precision, recall")
        return self

    def rule(self) -> rules.Cut:
        """Return it as the evaluators read it."""
        (name,) = self.model_fields_set
        return rules.Cut(CutKind(name), float(getattr(self, name)))


Polarities: TypeAlias = Literal["affirmed", "negated", "possible", "any"]
Experiencers: TypeAlias = Literal["patient", "other", "any"]
Temporalities: TypeAlias = Literal["current", "historical", "hypothetical", "any"]


class AssertionAsked(_Model):
    """Which assertions count, each by one value or a list of which one will do."""

    polarity: Polarities | list[Polarities] = "affirmed"
    experiencer: Experiencers | list[Experiencers] = "patient"
    temporality: Temporalities | list[Temporalities] = ["current", "historical"]

    def rule(self) -> Asserted:
        """Return it as the evaluators read it."""
        return Asserted(
            _choices(Polarity, self.polarity),
            _choices(Experiencer, self.experiencer),
            _choices(Temporality, self.temporality),
        )


class Criterion(_Model):
    """One thing asked of the notes: a meaning, a phrase, facts, or facts with one of the two."""

    id: Id | None = Field(None, description="What answers and other criteria call it.")
    meaning: Word | None = Field(None, description="What notes must say, in any words.")
    phrase: Word | Annotated[list[Word], Field(min_length=1)] | None = Field(
        None, description="A phrase that notes must hold, or several of which one will do."
    )
    where: Annotated[dict[Word, FieldAsked], Field(min_length=1)] | None = Field(
        None, description="Facts that the notes must have: field to value, list or comparison."
    )
    assertion: Polarities | AssertionAsked = Field(
        "affirmed",
        description="Which assertions count; affirmed, about the patient, where left out.",
    )
    at_least: (
        Annotated[int, Field(ge=1, strict=True)]
        | Annotated[StrictStr, Field(pattern=r"^[1-9][0-9]{0,5} (note|encounter)s?$")]
    ) = Field(1, description='How many must count: 2, "2 notes" or "2 encounters".')
    within: Within | None = None
    cut: Literal["calibrated"] | Cut | None = Field(
        None, description="Which of the scored notes a meaning is found in."
    )

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Criterion:
        if self.meaning is not None and self.phrase is not None:
            raise PydanticCustomError(
                "two", "takes meaning or phrase; put the two in two criteria under all"
            )
        if self.meaning is None and self.phrase is None and self.where is None:
            raise PydanticCustomError("none", "asks for nothing; give meaning, phrase or where")
        if self.meaning is None and self.cut is not None:
            raise PydanticCustomError("cut", "has no scores to cut: only a meaning has")
        if self.meaning is None and self.phrase is None and "assertion" in self.model_fields_set:
            raise PydanticCustomError("assertion", "facts are not asserted; leave assertion out")
        return self

    def rule(self, name: str) -> rules.Criterion:
        """Return it as the evaluators read it.

        Raises:
            FilterError: What it asks of facts, no field can have.
        """
        number, unit = _amount(self.at_least)
        phrases = [self.phrase] if isinstance(self.phrase, str) else self.phrase or []
        return rules.Criterion(
            id=name,
            meaning=self.meaning,
            phrases=tuple(phrases),
            condition=condition_of_facts(self.where) if self.where else None,
            asserted=None if self.meaning is None and not phrases else self._asserted(),
            at_least=number,
            unit=unit,
            within=None if self.within is None else self.within.rule(),
            cut=self._cut(),
        )

    def _asserted(self) -> Asserted | None:
        if isinstance(self.assertion, AssertionAsked):
            return self.assertion.rule()
        if self.assertion == "any":
            return None
        return AssertionAsked(polarity=self.assertion).rule()

    def _cut(self) -> rules.Cut:
        if self.cut == "calibrated":
            return rules.Cut(CutKind.CALIBRATED, 0.0)
        return rules.PROVISIONAL if self.cut is None else self.cut.rule()


class AllOf(_Model):
    """Every part is met."""

    id: Id | None = None
    all: Annotated[list[Node], Field(min_length=1)]


class AnyOf(_Model):
    """At least one part is met."""

    id: Id | None = None
    any: Annotated[list[Node], Field(min_length=1)]


class NotThis(_Model):
    """The part is not met, whether notes speak against it or none speaks of it."""

    id: Id | None = None
    not_: Node = Field(alias="not")


_GROUPS: dict[str, type[AllOf | AnyOf | NotThis]] = {"all": AllOf, "any": AnyOf, "not": NotThis}


def _kind(value: object) -> str:
    """Say which form a part has, by its names; a criterion where it has none of a group's."""
    for name, model in _GROUPS.items():
        if isinstance(value, model) or (isinstance(value, Mapping) and name in value):
            return f"<{name}>"
    return "<criterion>"


Node: TypeAlias = Annotated[
    Annotated[AllOf, Tag("<all>")]
    | Annotated[AnyOf, Tag("<any>")]
    | Annotated[NotThis, Tag("<not>")]
    | Annotated[Criterion, Tag("<criterion>")],
    Discriminator(_kind),
]


class Examples(_Model):
    """Patients and notes, by their ids."""

    patients: list[Word] = Field(default_factory=list)
    notes: list[Word] = Field(default_factory=list)

    @model_validator(mode="after")
    def _is_not_empty(self) -> Examples:
        if not self.patients and not self.notes:
            raise PydanticCustomError("empty", "names nobody; give patients or notes")
        return self


class Definition(_Model):
    """Whom a cohort is made of, and who belongs to it."""

    name: Annotated[StrictStr, Field(pattern=NAME)] = Field(
        description="Letters, digits and . _ - alone: files and commands name the cohort by it."
    )
    description: StrictStr | None = None
    grain: Literal["patient", "encounter"] = "patient"
    include: Node | None = Field(None, description="What must be met; all where left out.")
    exclude: Node | None = Field(None, description="What may not be met.")
    like: Examples | None = Field(None, description="Whom the cohort is to be like: it ranks.")
    unlike: Examples | None = Field(None, description="Whom it is to be unlike: it ranks.")
    limit: Annotated[int, Field(ge=1, strict=True)] | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Definition:
        if self.include is None and self.like is None:
            raise PydanticCustomError("nothing", "takes include, or like, or both")
        return self

    def rules(self) -> Rules:
        """Return what the evaluators read; criteria without an id are c1, c2 and so on."""
        names = _Names(self)
        return Rules(
            name=self.name,
            grain=Grain(self.grain),
            include=None if self.include is None else names.rule(self.include),
            exclude=None if self.exclude is None else names.rule(self.exclude),
            like=_examples(self.like),
            unlike=_examples(self.unlike),
            limit=self.limit,
        )

    def nodes(self) -> Iterator[tuple[AnyNode, Way]]:
        """Give every criterion and group, each with the way to it."""
        for name in ("include", "exclude"):
            node = getattr(self, name)
            if node is not None:
                yield from _walk(node, (name,))

    def to_dict(self) -> dict[str, Any]:
        """Return it as a file would say it; ``definition_of`` takes it back."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


AllOf.model_rebuild()
AnyOf.model_rebuild()
NotThis.model_rebuild()


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a definition, from which editors complete and check."""
    schema = Definition.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


class _Names:
    """Gives every criterion its id, in the definition's order."""

    def __init__(self, definition: Definition) -> None:
        self._taken = {node.id for node, _ in definition.nodes() if node.id}
        self._next = 0

    def rule(self, node: AnyNode) -> rules.Rule:
        """Return a node, and what is in it, as the evaluators read it."""
        match node:
            case AllOf():
                return rules.All(tuple(map(self.rule, node.all)), node.id)
            case AnyOf():
                return rules.Any(tuple(map(self.rule, node.any)), node.id)
            case NotThis():
                return rules.Not(self.rule(node.not_), node.id)
            case Criterion():
                return node.rule(node.id or self._free())

    def _free(self) -> str:
        self._next += 1
        name = f"c{self._next}"
        return self._free() if name in self._taken else name


AnyNode: TypeAlias = AllOf | AnyOf | NotThis | Criterion


def _walk(node: AnyNode, path: Way = ()) -> Iterator[tuple[AnyNode, Way]]:
    yield node, path
    match node:
        case AllOf():
            for at, part in enumerate(node.all):
                yield from _walk(part, (*path, "all", at))
        case AnyOf():
            for at, part in enumerate(node.any):
                yield from _walk(part, (*path, "any", at))
        case NotThis():
            yield from _walk(node.not_, (*path, "not"))


def _amount(at_least: int | str) -> tuple[int, Unit]:
    if isinstance(at_least, int):
        return at_least, Unit.NOTES
    number, unit = at_least.split(" ")
    return int(number), Unit(unit.removesuffix("s") + "s")


def _choices(kind: type[Choice], asked: str | list[Any]) -> frozenset[Choice]:
    names = asked if isinstance(asked, list) else [asked]
    return frozenset(kind) if "any" in names else frozenset(map(kind, names))


def _examples(asked: Examples | None) -> rules.Examples:
    if asked is None:
        return rules.Examples()
    return rules.Examples(tuple(asked.patients), tuple(asked.notes))
