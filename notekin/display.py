"""Answers for people to read in a terminal; the same facts as ``--json`` gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from notekin.answers import ShownNote, Stats
    from notekin.indexer.pipeline import IndexReport
    from notekin.search.evaluation import Evaluation
    from notekin.storage.compaction import CompactReport
    from notekin.storage.deleting import DeleteReport
    from notekin.storage.purging import PurgeReport


def note(console: Console, shown: ShownNote) -> None:
    """Print a note: its facts, then its text to the letter."""
    facts = shown.to_dict()
    table = _plain_table()
    named = ("note_id", "patient_id", "encounter_id", "category", "recorded_at", "author", "title")
    for name in (*named, "source", "tokens_seen", "tokens_total"):
        if facts[name] is not None:
            table.add_row(name, str(facts[name]))
    for name, value in shown.facts.attributes.items():
        table.add_row(name, str(value))
    console.print(table)
    console.print()
    console.print(Text(shown.text), soft_wrap=True)


def stats(console: Console, counted: Stats) -> None:
    """Print what a store holds."""
    table = _plain_table()
    for name, value in {
        "store": f"{counted.path}, generation {counted.generation}",
        "notes": f"{counted.notes:,} of {counted.patients:,} patients",
        "passages": f"{counted.passages:,}",
        "tokens": f"{counted.tokens_seen:,} seen of {counted.tokens_total:,}",
        "size": f"{_megabytes(counted.size_bytes)}, of which vectors "
        f"{_megabytes(counted.segments_bytes)} in {counted.segments:,} segments",
        "generations": f"{counted.generations:,}",
        "dead notes": f"{counted.dead_notes:,} replaced or deleted, until purged",
        "model": f"{counted.model}, {counted.dim} wide, {counted.reading}",
        "mean pairwise cosine": _number(counted.mean_pairwise_cosine),
        "sources": _tally(counted.sources),
        "categories": _tally(counted.categories),
        "attributes": ", ".join(counted.attributes),
        "rejects": f"{len(counted.rejects):,}",
    }.items():
        table.add_row(name, value)
    console.print(table)
    for reject in counted.rejects[:20]:
        console.print(
            Text(f"  {reject['source']} {reject['place']}: {reject['reason']}"), soft_wrap=True
        )
    if len(counted.rejects) > 20:
        console.print(f"  … and {len(counted.rejects) - 20:,} more: --json gives all")


def report(console: Console, done: IndexReport, path: object) -> None:
    """Print what an index run did."""
    console.print(
        f"{done.added:,} notes added, {done.replaced:,} replaced, {done.unchanged:,} unchanged, "
        f"{done.rejected:,} rejected",
        highlight=False,
    )
    if done.embedded:
        console.print(
            f"{done.embedded:,} embedded in {done.elapsed_s:.1f} s: "
            f"{done.notes_per_s:,.1f} notes/s, {done.tokens_per_s:,.0f} tokens/s; "
            f"{done.tokens_seen:,} of {done.tokens_total:,} tokens seen",
            highlight=False,
        )
    if done.rejected:
        console.print(f"Where and why: notekin stats --store {path}", highlight=False)
    if done.elsewhere:
        console.print(
            f"Note: {done.elsewhere:,} of these notes have an id that another source of the store "
            "has, too. If they are newer versions of the same notes, index them under that "
            f"source's name with --source (notekin stats --store {path} lists the names).",
            highlight=False,
        )


def deletion(console: Console, done: DeleteReport, path: object) -> None:
    """Print what a deletion did, in numbers."""
    console.print(f"{done.deleted:,} notes deleted; generation {done.generation}", highlight=False)
    if done.notes_not_found or done.patients_not_found:
        console.print(
            f"Not found: {done.notes_not_found:,} note ids and "
            f"{done.patients_not_found:,} patient ids",
            highlight=False,
        )
    console.print(
        f"They are found no more. To remove their bytes: notekin purge --store {path}",
        highlight=False,
        soft_wrap=True,
    )


def compaction(console: Console, done: CompactReport) -> None:
    """Print what a compaction did."""
    console.print(
        f"{done.segments_before:,} segments of {_megabytes(done.bytes_before)} are now "
        f"{done.segments_after:,} of {_megabytes(done.bytes_after)}; generation {done.generation}",
        highlight=False,
    )


def purging(console: Console, done: PurgeReport) -> None:
    """Print what a purge did."""
    console.print(
        f"{done.notes:,} dead notes removed, {done.segments:,} segments rewritten; the store took "
        f"{_megabytes(done.bytes_before)} and takes {_megabytes(done.bytes_after)}",
        highlight=False,
    )


def evaluation(console: Console, measured: Evaluation) -> None:
    """Print a task's measures, mode by mode, and what chance makes of their differences."""
    console.print(f"{measured.task.name}: {len(measured.task.queries):,} queries", highlight=False)
    if measured.not_in_corpus:
        missing = f"{measured.not_in_corpus:,} of {measured.relevant:,}"
        console.print(f"{missing} relevant documents are not in the corpus", highlight=False)
    table = Table("mode", *measured.results[0].metrics, "queries/s")
    for result in measured.results:
        values = [f"{value:.3f}" for value in result.metrics.values()]
        table.add_row(result.mode.value, *values, f"{result.queries_per_s:,.1f}")
    console.print(table)
    for one in measured.differences:
        console.print(
            f"nDCG@{measured.k}: {one.mode} {one.difference:+.3f} on {one.than}, p {one.p:.4f} "
            "(paired randomisation)",
            highlight=False,
        )
    if measured.recalls:
        table = Table("notes allowed", "of all", "path", f"recall@{measured.k} of dense search")
        for each in measured.recalls:
            table.add_row(f"{each.notes:,}", f"{each.share:.0%}", each.path, f"{each.recall:.3f}")
        console.print(table)


def _plain_table() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _tally(counts: dict[str, int]) -> str:
    shown = [f"{name} {size:,}" for name, size in list(counts.items())[:12]]
    return ", ".join([*shown, "…"] if len(counts) > 12 else shown)


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
