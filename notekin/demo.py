"""The demonstration: the sample notes indexed and searched, a cohort, what to type next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from notekin import api, display, display_cohort, display_hits, samples
from notekin.progress import shown
from notekin.search.mode import Mode

if TYPE_CHECKING:
    from notekin.search.hits import Results


@dataclass(frozen=True, slots=True)
class Asked:
    """A search to show: what the command line is given."""

    text: str
    mode: Mode = Mode.HYBRID
    where: Mapping[str, str] = field(default_factory=dict)
    asserted: str | None = None

    def __str__(self) -> str:
        """Return the command that asks the same."""
        words = [f'notekin search "{self.text}"']
        if self.mode is not Mode.HYBRID:
            words.append(f"--mode {self.mode.value}")
        words += [f"--where {name}={value}" for name, value in self.where.items()]
        if self.asserted:
            words.append(f"--assert {self.asserted}")
        return " ".join(words)


SEARCHES = (
    Asked("worst headache of her life", mode=Mode.DENSE),
    Asked("stopped blood thinner because of bleeding", where={"sex": "M"}),
    Asked("stroke", asserted="negated"),
)
HITS = 3
MODEL = "builtin"


def run(path: Path, out: Console, progress: Console) -> None:
    """Index the sample notes into the store at ``path``, search it, and print what was found."""
    out.rule("Invented notes of invented patients, indexed with the built-in model")
    with api.open(path, model=MODEL) as store:
        with shown(progress) as told:
            report = store.index(samples.path(), source="samples", progress=told)
        display.report(out, report, path)
        for asked in SEARCHES:
            out.print()
            out.rule(str(asked))
            display_hits.results(out, _found(store, asked, HITS))
        first = _found(store, SEARCHES[0], 1)[0]
        out.print()
        out.rule("notekin cohort run bleeding.yaml")
        _show_cohort(out, store)
    out.print()
    out.rule("What to type next")
    for line in _next_steps(path, first.note_id):
        out.print(line, highlight=False, soft_wrap=True)


def _found(store: api.Store, asked: Asked, k: int) -> Results:
    return store.search(asked.text, k, asked.where, mode=asked.mode, assertion=asked.asserted)


def _show_cohort(out: Console, store: api.Store) -> None:
    """Run the shipped definition and print its text, who meets it, and what shows it."""
    definition = samples.cohort_path()
    out.print(definition.read_text(encoding="utf-8"), highlight=False, markup=False)
    answer = store.cohort.run(definition, replace=True)
    evidence = list(display_cohort.shown_evidence(answer, HITS))
    texts = dict(zip(evidence, store.cohort.sentences(evidence), strict=True))
    display_cohort.cohort(out, answer, texts, most=HITS)


def _next_steps(path: Path, note_id: str) -> list[str]:
    notekin = ".venv/bin/notekin" if Path(".venv/bin/notekin").exists() else "notekin"
    return [
        f"{notekin} search 'never smoked, father had a heart attack young' --store {path}",
        f"{notekin} search 'chest pain' --by patient --assert affirmed --store {path}",
        f"{notekin} similar {note_id} --store {path}",
        f"{notekin} show {note_id} --store {path}",
        f"{notekin} cohort report bleeding-on-blood-thinner --to report.html --store {path}",
        f"{notekin} stats --store {path}",
        f"{notekin} index YOUR-NOTES.csv --store my-store --model {MODEL}",
    ]
