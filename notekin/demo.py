"""The demonstration: the invented sample notes indexed and searched, and what to type next."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from notekin import api, display, display_hits, samples
from notekin.progress import shown

QUERIES: tuple[tuple[str, dict[str, str]], ...] = (
    ("worst headache of her life", {}),
    ("short of breath lying flat, swollen ankles", {}),
    ("stopped blood thinner because of bleeding", {"sex": "M"}),
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
        for text, where in QUERIES:
            out.print()
            asked = "".join(f" --where {name}={value}" for name, value in where.items())
            out.rule(f'notekin search "{text}"{asked}')
            display_hits.results(out, store.search(text, HITS, where))
        first = store.search(QUERIES[0][0], 1)[0]
    out.print()
    out.rule("What to type next")
    for line in _next_steps(path, first.note_id):
        out.print(line, highlight=False, soft_wrap=True)


def _next_steps(path: Path, note_id: str) -> list[str]:
    notekin = ".venv/bin/notekin" if Path(".venv/bin/notekin").exists() else "notekin"
    return [
        f"{notekin} search 'never smoked, father had a heart attack young' --store {path}",
        f"{notekin} similar {note_id} --store {path}",
        f"{notekin} show {note_id} --store {path}",
        f"{notekin} stats --store {path}",
        f"{notekin} index YOUR-NOTES.csv --store my-store --model {MODEL}",
    ]
