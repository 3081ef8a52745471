"""Cohorts from Python: ``store.cohort``, with the names of ``notekin cohort``.

::

    cohort = store.cohort.run("hfref.yaml")
    for member in cohort.members:
        print(member.patient_id, member.score, member.criteria[0].status)
    store.cohort.export("hfref", "hfref.csv")
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from notekin.cohort_review import CohortReview, by_criterion, criterion_named, teaching_in
from notekin.errors import CohortError
from notekin.search.cohort.answer import CohortAnswer, CriterionEvidence
from notekin.search.cohort.combination import (
    Combination,
    Made,
    as_of_part,
    made_of,
    of_part,
    renamed,
)
from notekin.search.cohort.definition import Definition, json_schema
from notekin.search.cohort.definition_file import as_yaml, definition_of, read_definition
from notekin.search.cohort.differences import Difference, difference
from notekin.search.cohort.exports import exported, format_named
from notekin.search.cohort.judgements import Judgement, Verdict
from notekin.search.cohort.keeping import Recalled, recalled, to_keep
from notekin.search.cohort.reasons import Reasons, Remarked, RuleReasons, SetReasons
from notekin.search.cohort.rules import Criterion
from notekin.search.cohort.run import Run, run
from notekin.search.cohort.sets import Operation, combined
from notekin.search.cohort.similar import AlikePatients, similar
from notekin.search.sentences import sentence_around
from notekin.storage.cohorts import KeptHead
from notekin.storage.snapshot import Snapshot
from notekin.storage.store import StoreFolder
from notekin.types import Encoder

Answer = TypeVar("Answer")
Judgements: TypeAlias = Mapping[str, Sequence[Judgement]]
"""What was said of a cohort's evidence, by criterion."""
Defined: TypeAlias = "str | Path | Mapping[str, Any] | Definition"
"""A file, a mapping, or a definition made of its own models."""


class Read(Protocol):
    """Answers from the newest generation; where a purge cuts in, from the next one."""

    def __call__(self, answer: Callable[[Snapshot], Answer]) -> Answer: ...


class Cohorts:
    """The cohorts of one store; made by ``store.cohort``."""

    def __init__(
        self, read: Read, encoder: Callable[[], Encoder], folder: Callable[[], StoreFolder]
    ) -> None:
        self._read = read
        self._encoder = encoder
        self._folder = folder

    def run(
        self,
        definition: Defined,
        name: str | None = None,
        *,
        replace: bool = False,
        keep: bool = True,
    ) -> CohortAnswer:
        """Find who belongs to a cohort, and keep it with its definition.

        Args:
            definition: A YAML or JSON file, or what it would say.
            name: What to keep it as, in place of the definition's own name.
            replace: Write over a kept cohort of this name; the verdicts on it stay.
            keep: Whether to keep it at all.

        Raises:
            NoSuchSourceError: There is no such file.
            CohortError: It is no definition, or there is a cohort of this name.
            FilterError: It asks for a field that no note has.
        """
        asked = _defined(definition)
        if name is not None:
            asked = definition_of(asked.to_dict() | {"name": name})
        if keep and not replace and asked.name in {head.name for head in self.list()}:
            raise CohortError(
                "The store keeps a cohort of this name. Give another with --name, or --replace "
                "to write over it."
            )
        if not keep:
            return self.screen(asked).answer
        return self._run_and_keep(asked, replace, asked.name)

    def list(self) -> Sequence[KeptHead]:
        """Return what is known of every kept cohort, by name."""
        return self._folder().cohorts.heads()

    def show(self, name: str) -> Recalled:
        """Return a kept cohort as it was found; who has no note any more is left out.

        Raises:
            NoSuchCohortError: The store keeps none of this name.
        """
        read = self._folder().cohorts.read(name)
        return recalled(read.cohort, read.notes)

    def rerun(self, name: str, to: str | None = None) -> CohortAnswer:
        """Find again who belongs to a kept cohort, now; at the same generation all is the same.

        Of one made of two others, both are found again and put together, by the definitions
        and the verdicts that they had when it was made; they themselves stay as they are kept.

        Args:
            name: The kept cohort; its result is written over.
            to: Where given, the name to keep the new result as; the old one stays.

        Raises:
            NoSuchCohortError: The store keeps none of this name.
            CohortError: There is a cohort of the new name, or none can bear it.
        """
        made = self._made(name)
        if to is None:
            return self._run_and_keep(made, True, name)
        return self._run_and_keep(renamed(made, to), False, name)

    def definition(self, name: str) -> Definition:
        """Return the definition of a kept cohort.

        Raises:
            NoSuchCohortError: The store keeps none of this name.
            CohortError: It was made of two others.
        """
        made = self._made(name)
        if isinstance(made, Combination):
            raise CohortError(
                "This cohort was made of two others and has no criteria of its own: look at theirs."
            )
        return made

    def diff(self, first: str, second: str) -> Difference:
        """Return who is in one of two kept cohorts alone, and why not in the other.

        Why is told by the other's definition as it is met now, at the newest generation.

        Raises:
            NoSuchCohortError: The store keeps none of one of the names.
            CohortError: One is of patients and the other of encounters.
        """
        one, other = self.show(first).answer, self.show(second).answer
        return difference(one, other, self._reasons(one), self._reasons(other))

    def union(self, first: str, second: str, name: str) -> CohortAnswer:
        """Keep who is in either of two kept cohorts, as another.

        It is made of both as they are kept, and of the generation of the older one.

        Raises:
            NoSuchCohortError: The store keeps none of one of the names.
            CohortError: One is of patients and the other of encounters, or no cohort can have
                the new name, or one has it.
        """
        return self._combine(Operation.UNION, first, second, name)

    def intersect(self, first: str, second: str, name: str) -> CohortAnswer:
        """Keep who is in both of two kept cohorts, as another; else as ``union``."""
        return self._combine(Operation.INTERSECT, first, second, name)

    def minus(self, first: str, second: str, name: str) -> CohortAnswer:
        """Keep who is in the first of two kept cohorts alone, as another; else as ``union``."""
        return self._combine(Operation.MINUS, first, second, name)

    def export(
        self,
        name: str,
        to: str | Path,
        format: str = "csv",  # noqa: A002 - the name of the command's option
        *,
        mask: bool = False,
        cohort_id: int = 1,
        subjects: Mapping[str, int] | None = None,
    ) -> int:
        """Write a kept cohort to a file, readable by its owner alone; return its members.

        Args:
            name: The kept cohort.
            to: The file; one that is there is written over.
            format: ``csv``, ``parquet``, ``json``, ``omop`` or ``redcap``.
            mask: Hide counts from 1 to 9; JSON alone.
            cohort_id: OMOP's cohort_definition_id.
            subjects: Patient id to OMOP's person_id.

        Raises:
            NoSuchCohortError: The store keeps none of this name.
            CohortError: The format has no room for this cohort.
        """
        answer = self.show(name).answer
        data = exported(
            answer, format_named(format), mask=mask, cohort_id=cohort_id, subjects=subjects
        )
        _write(Path(to), data)
        return len(answer.members)

    def delete(self, name: str) -> None:
        """Remove a kept cohort and the verdicts on it.

        Raises:
            NoSuchCohortError: The store keeps none of this name.
        """
        self._folder().cohorts.delete(name)

    def similar(self, patients: Iterable[str], k: int = 10) -> AlikePatients:
        """Return the ``k`` patients whose notes as a whole are most like those of some.

        Raises:
            CohortError: None of them has a note in the store.
        """
        given = tuple(dict.fromkeys(patients))
        return self._read(lambda snapshot: similar(snapshot, given, k))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a definition."""
        return json_schema()

    def text(self, evidence: CriterionEvidence) -> str:
        """Return what stands at a piece of evidence, to the letter."""
        return self._read(
            lambda snapshot: snapshot.text(evidence.note_key)[evidence.start : evidence.end]
        )

    def sentences(self, evidence: Sequence[CriterionEvidence]) -> Sequence[str]:
        """Return the sentences in which some pieces of evidence stand, in the order given."""
        return self._read(lambda snapshot: [_sentences(snapshot, one) for one in evidence])

    def screen(self, definition: Definition, judgements: Judgements | None = None) -> Run:
        """Run a definition without keeping it, and return how all subjects stand.

        Args:
            definition: What is asked.
            judgements: What was said of evidence, by criterion; it calibrates cuts.
        """
        return self._read(lambda snapshot: self._found(snapshot, definition, judgements))

    def review(self, name: str, criterion: str | None = None) -> CohortReview:
        """Return the review of one criterion of a kept cohort, where it was left.

        Args:
            name: The kept cohort.
            criterion: The id of one whose cut is calibrated; needed where there are several.

        Raises:
            NoSuchCohortError: The store keeps none of this name.
            CohortError: There is no such criterion, or its cut is not calibrated.
        """
        rules = self.definition(name).rules()
        asked = criterion_named(rules, criterion)
        folder = self._folder()
        return self._read(
            lambda snapshot: CohortReview(
                name, rules.grain, asked, snapshot, self._encoder(), folder.cohorts
            )
        )

    def report(self, name: str, to: str | Path, *, mask: bool = False) -> None:
        """Write a kept cohort as one page of HTML, readable by its owner alone.

        It shows what the definition finds now, with the verdicts that were given by now.

        Args:
            name: The kept cohort.
            to: The file; one that is there is written over.
            mask: Hide counts from 1 to 9, and the members.

        Raises:
            NoSuchCohortError: The store keeps none of this name.
            CohortError: It was made of two others.
        """
        from notekin.report.page import Reported, html_of

        asked = self.definition(name)
        found = self.screen(asked, self._judgements(name))
        judged = [one for one in asked.rules().criteria() if self._is_judged(name, one)]
        html = self._read(
            lambda snapshot: html_of(
                Reported(
                    answer=found.answer,
                    screening=found.screening,
                    definition=as_yaml(asked),
                    description=asked.description or "",
                    accuracy={one.id: self.review(name, one.id).accuracy() for one in judged},
                    text=snapshot.text,
                    written_at=_now(),
                    kept_generation=self._folder().cohorts.read(name).cohort.head.generation,
                ),
                mask,
            )
        )
        _write(Path(to), html.encode("utf-8"))

    def _is_judged(self, name: str, criterion: Criterion) -> bool:
        said = self._judgements(name).get(criterion.id, ())
        return criterion.cut.is_calibrated and any(
            one.verdict is not Verdict.UNSURE for one in said
        )

    def _judgements(self, name: str) -> Judgements:
        """Return the verdicts on a cohort by criterion; none where none of this name is kept."""
        if name not in {head.name for head in self.list()}:
            return {}
        return by_criterion(self._folder().cohorts.judgements(name))

    def _found(
        self, snapshot: Snapshot, definition: Definition, judgements: Judgements | None
    ) -> Run:
        weights = self._folder().catalog.fingerprint().weights
        rules, taught = definition.rules(), None
        if judgements:
            taught = teaching_in(snapshot, self._encoder(), judgements, rules.grain)
        return run(rules, snapshot, self._encoder, weights, taught)

    def _run_and_keep(self, made: Made, replace: bool, judged: str) -> CohortAnswer:
        """Find a cohort and keep it; where a purge cuts in between, both again.

        Args:
            made: What of.
            replace: Whether one of its name may be written over.
            judged: The kept cohort whose verdicts calibrate it, and go with it.
        """
        judgements, kept = self._judgements(judged), self._folder().cohorts

        def found(snapshot: Snapshot) -> CohortAnswer:
            answer = self._answer(snapshot, made, judgements)
            kept.keep(to_keep(answer, made.to_dict(), _now()), replace=replace)
            return answer

        answer = self._read(found)
        if judged != made.name and judgements:
            kept.judge(made.name, kept.judgements(judged))
        return answer

    def _answer(self, snapshot: Snapshot, made: Made, judgements: Judgements) -> CohortAnswer:
        if not isinstance(made, Combination):
            return self._found(snapshot, made, judgements).answer
        first, second = (
            self._answer(snapshot, part, of_part(part.name, judgements)) for part in made.of
        )
        return combined(made.operation, first, second, made.name, snapshot.generation)

    def _combine(self, operation: Operation, first: str, second: str, name: str) -> CohortAnswer:
        """Put two kept cohorts together and keep what they make, with the verdicts on them."""
        kept = self._folder().cohorts

        def found(snapshot: Snapshot) -> CohortAnswer:
            parts = [kept.read(one) for one in (first, second)]
            one, other = (recalled(part.cohort, part.notes).answer for part in parts)
            left, right = (_made_of(part.cohort.head) for part in parts)
            made = Combination(name, operation, (left, right))
            older = min(one.generation, other.generation)
            answer = combined(operation, one, other, name, older)
            read_at = snapshot.generation
            kept.keep(to_keep(answer, made.to_dict(), _now()), read_at=read_at)
            return answer

        answer = self._read(found)
        verdicts = [
            replace(one, criterion=as_of_part(part, one.criterion))
            for part in dict.fromkeys((first, second))
            for one in kept.judgements(part)
        ]
        kept.judge(name, verdicts)
        return answer

    def _made(self, name: str) -> Made:
        return _made_of(self._folder().cohorts.read(name).cohort.head)

    def _reasons(self, answer: CohortAnswer) -> Reasons:
        made, judgements = self._made(answer.name), self._judgements(answer.name)
        generation, reasons = self._read(
            lambda snapshot: (snapshot.generation, self._reasons_of(snapshot, made, judgements))
        )
        older = generation != answer.generation
        return Remarked(reasons, f" (as of generation {generation})" if older else "")

    def _reasons_of(self, snapshot: Snapshot, made: Made, judgements: Judgements) -> Reasons:
        if not isinstance(made, Combination):
            return RuleReasons(self._found(snapshot, made, judgements).screening)
        parts = [
            (part.name, self._reasons_of(snapshot, part, of_part(part.name, judgements)))
            for part in made.of
        ]
        return SetReasons(made.operation, parts)


def _made_of(head: KeptHead) -> Made:
    return made_of(json.loads(head.definition))


def _defined(definition: Defined) -> Definition:
    if isinstance(definition, Definition):
        return definition_of(definition.to_dict())
    if isinstance(definition, Mapping):
        return definition_of(definition)
    return read_definition(Path(definition))


def _sentences(snapshot: Snapshot, evidence: CriterionEvidence) -> str:
    text = snapshot.text(evidence.note_key)
    if evidence.end <= evidence.start:
        return ""
    start, end = sentence_around(text, evidence.start, evidence.end)
    return text[start:end]


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _write(path: Path, data: bytes) -> None:
    """Write a file in one move, readable by its owner alone."""
    import os

    new = path.with_name(f".{path.name}.new")
    try:
        with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
            file.write(data)
        new.replace(path)
    except OSError as error:
        raise CohortError(f"{path} can't be written: {error.strerror}.") from None


__all__ = ["Cohorts", "Defined"]
