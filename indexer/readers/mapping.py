"""Which column is which field: by its usual name, by a clinical form, or as told."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from notekin.column_names import DAY_OF, FIELDS, USUAL_NAMES, bare
from notekin.errors import ReaderError, UsageError
from notekin.indexer.readers.forms import ANY_FORM, Form

_NESTED = ("metadata.", "attributes.")
"""What retrieval corpora, and notes that Notekin shows as JSON, put around facts."""
_MAX_SHOWN = 40
_MAX_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Columns:
    """A source's columns and the fields that they are.

    Attributes:
        of_field: The column of each field that has one.
        day: The column with the day alone, read where a row's time is missing.
        error_flag: The column that marks a note as an error.
        known: Every column seen so far.
        told: The fields that a person mapped to a column.
        form: The clinical form whose column names go first.
    """

    of_field: Mapping[str, str]
    day: str | None
    error_flag: str | None
    known: frozenset[str]
    told: Mapping[str, str]
    form: Form

    def seeing(self, columns: Collection[str]) -> Columns:
        """Return these columns with a row's new ones; a field keeps the column it has."""
        if self.known.issuperset(columns) or len(self.known) > _MAX_KNOWN:
            return self
        new = [name for name in columns if name not in self.known]
        bound = _bound(new, self.told, self.form, dict(self.of_field))
        return replace(
            bound,
            day=self.day or bound.day,
            error_flag=self.error_flag or bound.error_flag,
            known=self.known.union(new),
        )


def bind_columns(
    columns: Sequence[str],
    mapping: Mapping[str, str] | None = None,
    form: Form = ANY_FORM,
    *,
    are_names: bool = True,
) -> Columns:
    """Return which column is which field.

    Args:
        columns: The source's column names, in its order.
        mapping: Field to column, as a person said; goes before all usual names.
        form: The clinical form; where it is the general one, the names may reveal another.
        are_names: Whether the names are surely names. The first line of a CSV file may
            turn out to be a note; its cells are then not repeated in an error.

    Raises:
        UsageError: The mapping names a field or a column that there isn't.
        ReaderError: Two columns have one name, or none holds the text or the note's id.
    """
    form = form.or_revealed_by({bare(name) for name in columns})
    usual = _bound(columns, {}, form, {})
    shown: Sequence[str] = columns if are_names or usual.of_field else ()
    _refuse_twins(columns, shown)
    told = {
        field: _told_column(field, column, columns, shown)
        for field, column in (mapping or {}).items()
    }
    bound = _bound(columns, told, form, dict(told))
    for field in ("text", "note_id"):
        if field not in bound.of_field:
            raise _no_column(field, shown, len(columns))
    return bound


def _bound(
    columns: Sequence[str], told: Mapping[str, str], form: Form, found: dict[str, str]
) -> Columns:
    free = [name for name in columns if name not in found.values()]
    for field, names in USUAL_NAMES.items():
        if field not in found:
            column = _find((*form.names.get(field, ()), *names), free)
            if column is not None:
                found[field] = column
    return Columns(
        of_field=found,
        day=None if "recorded_at" in told else _day_beside(found.get("recorded_at"), free),
        error_flag=_find(form.error_flag, free),
        known=frozenset(columns),
        told=told,
        form=form,
    )


def _find(names: Iterable[str], columns: Sequence[str]) -> str | None:
    """Return the column that has the first of these names; the outermost one first."""
    outer = [name for name in columns if not name.startswith(_NESTED)]
    for group in (outer, [name for name in columns if name.startswith(_NESTED)]):
        spelled = {short_name(name).casefold(): name for name in reversed(group)}
        unspaced = {bare(short_name(name)): name for name in reversed(group)}
        for name in names:
            if (found := spelled.get(name) or unspaced.get(bare(name))) is not None:
                return found
    return None


def short_name(column: str) -> str:
    """Return a column's name without the ``metadata.`` or ``attributes.`` around it."""
    for around in _NESTED:
        if column.startswith(around):
            return column[len(around) :]
    return column


def _day_beside(column: str | None, columns: Sequence[str]) -> str | None:
    if column is None:
        return None
    days = {bare(time): day for time, day in DAY_OF.items()}
    day = days.get(bare(short_name(column)))
    return None if day is None else _find((day,), columns)


def _told_column(field: str, column: str, columns: Sequence[str], shown: Sequence[str]) -> str:
    if field not in USUAL_NAMES:
        close = _closest(field, FIELDS) or f" The fields are {', '.join(FIELDS)}."
        raise UsageError(f"A note has no field {field!r}.{close}")
    if column in columns:
        return column
    found = _find((column.casefold(),), columns)
    if found is None:
        close = _closest(column, shown) or _listed(shown)
        raise UsageError(f"There is no column {column!r} for {field}.{close}")
    return found


def _closest(name: str, names: Sequence[str]) -> str:
    folded = {known.casefold(): known for known in names}
    close = [folded[known] for known in difflib.get_close_matches(name.casefold(), folded)]
    return f" Did you mean {' or '.join(map(_shown, close))}?" if close else ""


def _listed(names: Sequence[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else ""
    return f" Its columns are {', '.join(map(_shown, names[:_MAX_SHOWN]))}{more}."


def _shown(name: str) -> str:
    short = name if len(name) <= 64 else f"{name[:60]}…"
    return short if short.isprintable() else ascii(short)


def _refuse_twins(columns: Sequence[str], shown: Sequence[str]) -> None:
    if len(set(columns)) == len(columns):
        return
    twins = [name for name in dict.fromkeys(columns) if columns.count(name) > 1]
    named = f": {', '.join(map(_shown, twins[:_MAX_SHOWN]))}" if shown else ""
    raise ReaderError(f"Two columns have the same name{named}. Give each its own.")


def _no_column(field: str, shown: Sequence[str], count: int) -> ReaderError:
    listed = _listed(shown) or (
        f" None of its {count} columns has a usual name: is the first line the header?"
    )
    what = "the notes' text" if field == "text" else "the notes' ids"
    return ReaderError(f"No column holds {what}.{listed} Say which: --map {field}=COLUMN")
