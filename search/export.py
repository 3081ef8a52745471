"""Answers as files: Parquet, CSV, JSON Lines, and runs in TREC's form."""

from __future__ import annotations

import csv
import itertools
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from notekin.durable import sync
from notekin.errors import UsageError
from notekin.search.grouping import Grouping
from notekin.search.hits import Hit, Results, hit_as_json
from notekin.text import storable

COLUMNS = {
    "query_id": "string",
    "rank": "int64",
    "score": "float64",
    "note_id": "string",
    "source": "string",
    "patient_id": "string",
    "encounter_id": "string",
    "category": "string",
    "recorded_at": "moment",
    "title": "string",
    "author": "string",
    "section": "string",
    "start": "int64",
    "end": "int64",
    "evidence": "string",
    "polarity": "string",
    "experiencer": "string",
    "temporality": "string",
    "copies": "int64",
    "notes": "int64",
    "independent_notes": "int64",
    "attributes": "string",
}
"""Column to what it holds, in tables; a row is a hit, with its best passage."""
RUN_NAME = "notekin"
_GROUP_ROWS = 5_000
_STEP = 1e-6

Answers = Iterable[tuple[str, Results]]


def check_export(to: Path) -> None:
    """Refuse a file that can't be written, before anything is searched.

    Raises:
        UsageError: Its suffix names no form, or its folder is not there.
    """
    if to.suffix.lower() not in _WRITERS:
        known = ", ".join(_WRITERS)
        raise UsageError(f"{to} has a suffix that names no form to write. Take one of {known}.")
    if to.is_dir() or not to.parent.is_dir():
        raise UsageError(f"{to} can't be written: there is no folder {to.parent}, or it is one.")


def export(answers: Answers, to: Path, by: Grouping = Grouping.NOTE) -> int:
    """Write answers to a file and return how many hits it holds; it appears whole or not at all.

    Args:
        answers: Each with its query's id; taken one by one.
        to: ``.parquet``, ``.csv``, ``.jsonl``, or ``.trec`` (also ``.run``). A file that is
            there is replaced. Only its owner can read it: it holds notes.
        by: What a hit stands for; what a TREC run names.

    Raises:
        UsageError: The suffix names no form, or a TREC run can't hold an id.
    """
    check_export(to)
    with written_whole(to) as part:
        return _WRITERS[to.suffix.lower()](answers, part, by)


@contextmanager
def written_whole(to: Path) -> Iterator[Path]:
    """Give an empty file to write, which takes the place of ``to`` where no error ends the block.

    Only its owner can read it.
    """
    part = to.with_name(f".{to.name}.part-{os.getpid()}")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield part
        sync(part)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)


def trec_line(query: str, name: str, rank: int, score: float, run: str) -> str:
    """Return a line of a TREC run.

    Raises:
        UsageError: It can't hold an id, or an id is none.
    """
    check_trec_ids((query, name))
    return storable(" ".join((query, "Q0", name, str(rank), f"{score:.6f}", run))) + "\n"


def check_trec_ids(ids: Iterable[str]) -> None:
    """Find out whether a TREC run can hold some ids.

    Raises:
        UsageError: One of them has a space in it, or is empty.
    """
    if any(len(one.split()) != 1 for one in ids):
        raise UsageError(
            "A TREC run can't hold an id with a space in it; what notekin search writes as .csv, "
            ".parquet or .jsonl can."
        )


def falling(scores: Iterable[float]) -> Iterator[float]:
    """Give the scores of hits, best first, so that each is below the one before.

    Whoever reads a TREC run goes by its scores, in single precision, and not by its ranks: of
    equal scores, and where copies come last, the order would be another.
    """
    last = math.inf
    for score in scores:
        below = last - _STEP * max(1, abs(last)) if last < math.inf else last
        last = round(min(score, below), 6)
        yield last


def as_row(query_id: str, hit: Hit) -> dict[str, Any]:
    """Return a hit as a table's row, with its best passage."""
    best = hit.evidence[0] if hit.evidence else None
    said = best.assertion if best else None
    return {
        "query_id": query_id,
        "rank": hit.rank,
        "score": hit.score,
        "note_id": hit.note_id,
        "source": hit.source,
        "patient_id": hit.patient_id,
        "encounter_id": hit.encounter_id,
        "category": hit.category,
        "recorded_at": hit.recorded_at,
        "title": hit.title,
        "author": hit.author,
        "section": best and best.section,
        "start": best and best.start,
        "end": best and best.end,
        "evidence": best and best.text,
        "polarity": said and said.polarity.value,
        "experiencer": said and said.experiencer.value,
        "temporality": said and said.temporality.value,
        "copies": hit.copies,
        "notes": hit.notes,
        "independent_notes": hit.independent_notes,
        "attributes": json.dumps(dict(hit.attributes), sort_keys=True),
    }


def _rows(answers: Answers) -> Iterator[dict[str, Any]]:
    for query_id, found in answers:
        for hit in found:
            yield as_row(query_id, hit)


def _write_parquet(answers: Answers, to: Path, _by: Grouping) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64()}
    types["moment"] = pa.timestamp("us")
    schema = pa.schema([(name, types[kind]) for name, kind in COLUMNS.items()])
    count = 0
    with pq.ParquetWriter(to, schema) as writer:
        rows = _rows(answers)
        while some := list(itertools.islice(rows, _GROUP_ROWS)):
            writer.write_table(pa.Table.from_pylist([_storable(row) for row in some], schema))
            count += len(some)
    return count


def _write_csv(answers: Answers, to: Path, _by: Grouping) -> int:
    count = 0
    with to.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in _rows(answers):
            when = row["recorded_at"]
            writer.writerow(_storable(row | {"recorded_at": when and when.isoformat()}))
            count += 1
    return count


def _write_jsonl(answers: Answers, to: Path, _by: Grouping) -> int:
    count = 0
    with to.open("w", encoding="utf-8") as file:
        for query_id, found in answers:
            for hit in found:
                file.write(json.dumps({"query_id": query_id} | hit_as_json(hit)) + "\n")
                count += 1
    return count


def _write_trec(answers: Answers, to: Path, by: Grouping) -> int:
    count = 0
    with to.open("w", encoding="utf-8") as file:
        for query_id, found in answers:
            for hit, score in zip(found, falling(hit.score for hit in found), strict=True):
                name = (hit.patient_id if by is Grouping.PATIENT else None) or hit.note_id
                file.write(trec_line(query_id, name, hit.rank, score, RUN_NAME))
                count += 1
    return count


def _storable(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without what UTF-8 and Arrow can't hold."""
    return {
        name: storable(value) if isinstance(value, str) else value for name, value in row.items()
    }


_WRITERS: dict[str, Callable[[Answers, Path, Grouping], int]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".trec": _write_trec,
    ".run": _write_trec,
}
