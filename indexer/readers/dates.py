"""Dates as written: the clock and calendar of the place where the note was made."""

from __future__ import annotations

import re
from datetime import date, datetime

import numpy as np

from notekin.indexer.readers.cells import NOTHING, CellError, is_missing, plain

_CLOCK = r"(?P<hour>\d\d):?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?"
_SPOKEN_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?"
    r"(?:\s*(?P<half>[AP])\.?M\.?)?"
)
_ZONE = r"(?:\s*(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?"
_ISO = re.compile(
    rf"(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d)(?:(?:T|\s+){_CLOCK}{_ZONE})?", re.I | re.A
)
_COMPACT = re.compile(
    rf"(?P<year>\d{{4}})(?P<month>\d\d)(?P<day>\d\d)(?:(?:T|\s+)?{_CLOCK}{_ZONE})?", re.I | re.A
)
_AMERICAN = re.compile(
    rf"(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/(?P<year>\d{{4}})(?:,?\s+{_SPOKEN_CLOCK})?",
    re.I | re.A,
)


def read_date(value: object) -> datetime | None:
    """Return when the note was recorded, as the clock on the wall showed it.

    An offset from UTC is dropped, never applied: a note of the evening stays on its day.
    Read are ISO 8601 dates and times, YYYYMMDD (also as a number), and M/D/YYYY with or
    without a time. The middle number of a slash date is always the day, as in the United
    States; nothing is guessed from its size.

    Raises:
        CellError: There is something, but no date in one of these forms.
    """
    value = plain(value)
    if is_missing(value):
        return None
    if isinstance(value, date):
        return _naive(value)
    if isinstance(value, int | float | np.floating) and not isinstance(value, bool):
        value = _as_digits(float(value))
    if isinstance(value, str):
        return _parsed(value.strip())
    raise CellError("it is no date")


def _naive(value: date) -> datetime:
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return datetime(
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
    )


def _as_digits(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() and 1e7 <= value < 1e8 else "a number"


def _parsed(text: str) -> datetime | None:
    if text.casefold() in NOTHING:
        return None
    for form in (_ISO, _COMPACT, _AMERICAN):
        match = form.fullmatch(text)
        if match is not None and (found := _built(match)) is not None:
            return found
    raise CellError("it is no date")


def _built(match: re.Match[str]) -> datetime | None:
    parts = match.groupdict()
    hour = _hour(int(parts["hour"] or 0), (parts.get("half") or "").upper())
    fraction = (parts["fraction"] or "").ljust(6, "0")[:6]
    try:
        return datetime(
            int(parts["year"]),
            int(parts["month"]),
            int(parts["day"]),
            hour,
            int(parts["minute"] or 0),
            int(parts["second"] or 0),
            int(fraction),
        )
    except ValueError:
        return None


def _hour(hour: int, half: str) -> int:
    if not half:
        return hour
    if not 1 <= hour <= 12:
        return -1
    return hour % 12 + (12 if half == "P" else 0)
