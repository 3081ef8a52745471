"""Verdicts in a CSV file, to be brought in, and a sheet of what is to be judged."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from notekin.errors import NoSuchSourceError, UsageError
from notekin.search.cohort.judgements import Verdict

NAMES = ("note_id", "source", "verdict")
_WORDS = {
    **dict.fromkeys(("yes", "y", "1", "true"), Verdict.YES),
    **dict.fromkeys(("no", "n", "0", "false"), Verdict.NO),
    **dict.fromkeys(("unsure", "u", "?"), Verdict.UNSURE),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One verdict of a file.

    Attributes:
        line: Its number, counted from 1, the header's being the first.
        source: None where the file names none.
    """

    line: int
    note_id: str
    source: str | None
    verdict: Verdict


def read_judgements(path: Path) -> list[Line]:
    """Return the verdicts of a CSV file with the columns note_id and verdict.

    A column ``source`` says which source's note is meant; others are left alone. A row without
    a verdict is one that is not judged yet. No message holds what stands in a cell.

    Raises:
        NoSuchSourceError: There is no such file.
        UsageError: It is no such table, or a verdict is none.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(_lines(path, csv.DictReader(file)))
    except FileNotFoundError:
        raise NoSuchSourceError(path) from None
    except (OSError, UnicodeDecodeError, csv.Error):
        raise UsageError(f"{path} can't be read as CSV with note_id and verdict.") from None


def _lines(path: Path, rows: csv.DictReader[str]) -> Iterator[Line]:
    names = rows.fieldnames or ()
    missing = [name for name in ("note_id", "verdict") if name not in names]
    if missing:
        raise UsageError(
            f"{path} has no column {missing[0]}. Its first line must name note_id and verdict."
        )
    for row in rows:
        word = (row["verdict"] or "").strip().lower()
        if not word:
            continue
        if word not in _WORDS or not row["note_id"]:
            raise UsageError(
                f"{path} line {rows.line_num} has no note_id, or a verdict other than yes, no, "
                "unsure. Nothing was brought in."
            )
        yield Line(rows.line_num, row["note_id"], row.get("source") or None, _WORDS[word])


def write_sheet(path: Path, notes: Iterable[tuple[str, str, str]]) -> int:
    """Write (note_id, source, evidence) of what is to be judged, and return how many.

    The file is readable by its owner alone.

    Raises:
        UsageError: There is a file at this path, or none can be written there.
    """
    count = 0
    try:
        new = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(new, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*NAMES, "evidence"])
            for note_id, source, evidence in notes:
                writer.writerow([note_id, source, "", evidence])
                count += 1
    except FileExistsError:
        raise UsageError(f"{path} is there already. Give --sheet a new name.") from None
    except OSError:
        raise UsageError(f"{path} can't be written.") from None
    return count
