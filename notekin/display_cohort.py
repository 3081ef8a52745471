"""Cohorts for people to read in a terminal; the same facts as ``--json`` gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from notekin.search.cohort.answer import CohortAnswer, CriterionEvidence, Member
    from notekin.search.cohort.differences import Change, Difference
    from notekin.search.cohort.masking import Counts
    from notekin.search.cohort.similar import AlikePatients
    from notekin.storage.cohorts import KeptHead

MEMBERS_SHOWN = 10


def cohort(
    console: Console,
    answer: CohortAnswer,
    texts: Mapping[CriterionEvidence, str],
    *,
    mask: bool = False,
    most: int = MEMBERS_SHOWN,
) -> None:
    """Print an answer: how many were left, who is in it, what shows it.

    Args:
        console: Where to.
        answer: The cohort.
        texts: What stands at each piece of evidence that is to be shown.
        mask: Hide counts from 1 to 9, and with them the members.
        most: How many members to show.
    """
    from notekin.search.cohort.masking import counts_of

    counts = counts_of(answer, mask=mask)
    console.print(_attrition(counts))
    for line in _remarks(answer, counts):
        console.print(line, style="dim", highlight=False, soft_wrap=True)
    if mask:
        return
    for member in answer.members[:most]:
        _member(console, member, texts)
    more = len(answer.members) - most
    if more > 0:
        _line(console, f"… and {more:,} more: -n shows more, --json and notekin cohort export all")


def heads(console: Console, kept: Sequence[KeptHead], *, mask: bool = False) -> None:
    """Print what is known of each kept cohort."""
    from notekin.search.cohort.masking import masked, shown

    if not kept:
        _line(console, "No cohort is kept. Make one with: notekin cohort run FILE")
        return
    table = Table("cohort", "of", "members", "generation", "made")
    for one in kept:
        members = shown(masked(one.members) if mask else one.members)
        made = f"{one.kept_at:%Y-%m-%d %H:%M}"
        table.add_row(Text(one.name), f"{one.grain}s", members, str(one.generation), made)
    console.print(table)


def difference(console: Console, found: Difference, *, mask: bool = False) -> None:
    """Print who came and who left, and why."""
    from notekin.search.cohort.masking import shown

    counts = found.to_dict(mask=True)
    if mask:
        parts = [f"{name} {shown(counts[name])}" for name in ("came", "left", "stayed")]
        _line(console, f"From {found.first} to {found.second}: {', '.join(parts)}")
        return
    _changes(console, f"{len(found.came):,} came, not in {found.first} because", found.came)
    _changes(console, f"{len(found.left):,} left, not in {found.second} because", found.left)
    _line(console, f"{found.stayed:,} stayed")


def alike(console: Console, found: AlikePatients) -> None:
    """Print patients that are like others."""
    table = Table("", "score", "patient", "notes", "most like them")
    for one in found:
        row = (str(one.rank), f"{one.score:.3f}", one.patient_id, f"{one.notes:,}", one.note_id)
        table.add_row(*map(Text, row))
    console.print(table)
    if found.unknown:
        _line(console, f"{found.unknown:,} of the given ids have no note in the store")


def shown_evidence(answer: CohortAnswer, most: int = MEMBERS_SHOWN) -> Iterable[CriterionEvidence]:
    """Give the pieces of evidence that ``cohort`` shows: the best of each criterion met."""
    for member in answer.members[:most]:
        for one in member.criteria:
            yield from one.evidence[:1]


def _attrition(counts: Counts) -> Table:
    from notekin.search.cohort.masking import shown

    table = Table("step", "left", "lost")
    for row in counts.attrition:
        step = Text(f"{row.step} {row.rule}".strip())
        table.add_row(step, shown(row.left), shown(row.lost))
    return table


def _remarks(answer: CohortAnswer, counts: Counts) -> Iterable[str]:
    from notekin.search.cohort.masking import shown

    grain = answer.grain.value
    yield (
        f"{shown(counts.members)} {grain}s, generation {answer.generation}, "
        f"{shown(counts.notes)} notes"
    )
    if answer.notes_without_subject:
        number = shown(counts.notes_without_subject)
        yield f"{number} notes name no {grain} and take no part"
    if answer.notes_without_date:
        yield f"{shown(counts.notes_without_date)} notes have no date and are within no time"
    if answer.unknown_examples:
        yield f"{shown(counts.unknown_examples)} examples have no note in the store"
    for cut, passed, scored in counts.cuts:
        waits = cut.kind.value not in ("score", "top") and not cut.calibrated
        how = cut.kind.value + (", without judgements yet" if waits else "")
        yield (
            f"{cut.criterion}: {shown(passed)} of {shown(scored)} notes at {cut.score:.3f} "
            f"or above ({how})"
        )


def _member(console: Console, member: Member, texts: Mapping[CriterionEvidence, str]) -> None:
    dates = " to ".join(
        f"{moment:%Y-%m-%d}" for moment in (member.first, member.last) if moment is not None
    )
    ids = " ".join(part for part in (member.patient_id, member.encounter_id) if part)
    line = Text(f"{member.rank:>2}  {member.score:.3f}  ")
    line.append(ids, style="bold").append(f"  {dates}")
    console.print(line)
    for one in member.criteria:
        said = f"{one.criterion}: {one.status.value}"
        if one.evidence:
            best = one.evidence[0]
            place = f", {one.count:,} counted, best in {best.note_id}"
            console.print(Padding(Text(said + place, style="dim"), (0, 0, 0, 4)))
            text = " ".join(texts.get(best, "").split())
            if text:
                console.print(Padding(Text(text), (0, 0, 0, 6)))
        else:
            console.print(Padding(Text(said, style="dim"), (0, 0, 0, 4)))


def _changes(console: Console, head: str, changes: Sequence[Change]) -> None:
    _line(console, head if changes else head.split(",", maxsplit=1)[0])
    for one in changes:
        ids = " ".join(part for part in (one.patient_id, one.encounter_id) if part)
        console.print(Text(f"    {ids}: {one.why}"), soft_wrap=True)


def _line(console: Console, text: str) -> None:
    console.print(Text(text), soft_wrap=True)
