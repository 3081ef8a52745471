"""Dates as written."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from notekin.indexer.readers.cells import CellError, Unreadable
from notekin.indexer.readers.dates import read_date
from notekin.indexer.readers.rows import RAW_DATE, dated


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2020-02-03", datetime(2020, 2, 3)),
        (" 2020-02-03 04:05 ", datetime(2020, 2, 3, 4, 5)),
        ("2020-02-03T04:05:06", datetime(2020, 2, 3, 4, 5, 6)),
        ("2020-02-03 04:05:06.123456789", datetime(2020, 2, 3, 4, 5, 6, 123456)),
        ("2020-02-03T04:05:06,5", datetime(2020, 2, 3, 4, 5, 6, 500000)),
        ("20200203", datetime(2020, 2, 3)),
        ("202002030405", datetime(2020, 2, 3, 4, 5)),
        ("20200203040506", datetime(2020, 2, 3, 4, 5, 6)),
        ("20200203T040506Z", datetime(2020, 2, 3, 4, 5, 6)),
        (20200203, datetime(2020, 2, 3)),
        (20200203.0, datetime(2020, 2, 3)),
        (np.int64(20200203), datetime(2020, 2, 3)),
        ("2/3/2020", datetime(2020, 2, 3)),
        ("02/03/2020 4:05", datetime(2020, 2, 3, 4, 5)),
        ("02/03/2020 04:05:06 PM", datetime(2020, 2, 3, 16, 5, 6)),
        ("02/03/2020 12:05 a.m.", datetime(2020, 2, 3, 0, 5)),
        ("02/03/2020 12:05pm", datetime(2020, 2, 3, 12, 5)),
        ("2118-06-02 00:00:00", datetime(2118, 6, 2)),
        (date(2020, 2, 3), datetime(2020, 2, 3)),
        (datetime(2020, 2, 3, 4), datetime(2020, 2, 3, 4)),
        (pd.Timestamp("2020-02-03 04:05:06.123456789"), datetime(2020, 2, 3, 4, 5, 6, 123456)),
        (np.datetime64("2020-02-03T04:05", "ns"), datetime(2020, 2, 3, 4, 5)),
    ],
)
def test_a_date_is_read_in_each_form(cell: object, moment: datetime) -> None:
    read = read_date(cell)
    assert read == moment
    assert type(read) is datetime


@pytest.mark.parametrize(
    "cell",
    [
        "2020-02-03T23:30:00-05:00",
        "2020-02-03T23:30:00+0200",
        "2020-02-03T23:30:00Z",
        "2020-02-03 23:30:00 UTC",
        datetime(2020, 2, 3, 23, 30, tzinfo=timezone(timedelta(hours=-5))),
        pd.Timestamp("2020-02-03 23:30", tz="America/New_York"),
    ],
)
def test_a_note_of_the_evening_stays_on_its_day(cell: object) -> None:
    assert read_date(cell) == datetime(2020, 2, 3, 23, 30)
    assert read_date(cell).tzinfo is None  # type: ignore[union-attr] # equal above, so not None


@pytest.mark.parametrize("cell", [None, "", "  ", float("nan"), pd.NaT, "NULL", "\\N"])
def test_a_missing_date_is_none(cell: object) -> None:
    assert read_date(cell) is None
    assert dated(cell) == (None, {})


@pytest.mark.parametrize(
    "cell",
    [
        "13/02/2020",
        "2/3/20",
        "2020-02-30",
        "2020-13-01",
        "2020-02",
        "2020",
        "2020-02-03 25:00",
        "2020-02-03 4:05",
        "20200203040",
        "2020020304050",
        "02/03/2020 13:05 PM",
        "02/03/2020 0:05 AM",
        "yesterday",
        "٢٠٢٠-٠٢-٠٣",
        "3.2.2020",
        1580688000,
        202002030405,
        2020.5,
        True,
        ["2020-02-03"],
    ],
)
def test_what_is_no_sure_date_is_not_guessed_but_kept_as_written(cell: object) -> None:
    with pytest.raises(CellError):
        read_date(cell)
    moment, raw = dated(cell)
    assert moment is None
    assert raw == {RAW_DATE: cell}


def test_a_date_that_the_table_could_not_give_is_left_out() -> None:
    assert dated(Unreadable("out of range")) == (None, {})
