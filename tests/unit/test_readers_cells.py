"""Cells to ids, texts, names and attributes."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from notekin.indexer.readers.attributes import flatten, read_attribute, read_cell_text
from notekin.indexer.readers.cells import (
    CellError,
    Unreadable,
    read_id,
    read_name,
    read_text,
)
from notekin.types import AttributeValue

MISSING = [None, float("nan"), np.nan, np.float32("nan"), pd.NaT, pd.NA, np.datetime64("NaT")]


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("000123", "000123"),
        ("  A 1 \n", "A 1"),
        ("12345.0", "12345.0"),
        (12345, "12345"),
        (2**60 + 1, str(2**60 + 1)),
        (12345.0, "12345"),
        (-3.0, "-3"),
        (np.int64(7), "7"),
        (np.float64(7.0), "7"),
        (np.float32(16777215), "16777215"),
        (2.0**53 - 1, "9007199254740991"),
        (Decimal("12"), "12"),
        (Decimal("12.00"), "12"),
        (b"\xc3\xa41", "ä1"),
        (np.str_("x"), "x"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_an_id_is_kept_as_written(cell: object, written: str) -> None:
    assert read_id(cell, "patient_id") == written


@pytest.mark.parametrize(
    "cell", [*MISSING[:6], "", "  ", "NULL", "null", "NaN", "None", "<NA>", "\\N"]
)
def test_an_id_that_is_missing_is_no_patient_of_that_name(cell: object) -> None:
    assert read_id(cell, "patient_id") is None


@pytest.mark.parametrize(
    "cell",
    [
        2.0**53,
        float(2**60),
        np.float32(2**24),
        1.5,
        float("inf"),
        Decimal("1.5"),
        Decimal("NaN"),
        True,
        ["1"],
        {"a": 1},
        "a\0b",
        "a\nb",
        "a\ud800",
        b"\xff",
        10**400,
        Unreadable("it is out of range"),
    ],
)
def test_an_id_that_is_unsure_is_refused_without_being_repeated(cell: object) -> None:
    with pytest.raises(CellError, match="its patient_id ") as caught:
        read_id(cell, "patient_id")
    if isinstance(cell, float | Decimal):
        assert str(cell) not in str(caught.value)


@pytest.mark.parametrize("text", ["", " \n", "a\0b", "\ud800", "\r\n", "nan", "NULL"])
def test_a_text_is_kept_to_the_letter(text: str) -> None:
    assert read_text(text) == text


def test_bytes_that_are_utf8_are_a_text() -> None:
    assert read_text("dolor ä".encode()) == "dolor ä"


@pytest.mark.parametrize("cell", [*MISSING[:6], 5, 5.5, True, ["a"], b"\xff", Unreadable("gone")])
def test_what_is_no_text_is_refused(cell: object) -> None:
    with pytest.raises(CellError, match="text"):
        read_text(cell)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("Physician ", "Physician"),
        ("  ", None),
        (None, None),
        (pd.NA, None),
        (14.0, "14"),
        (14, "14"),
        (["A", None, "B"], "A, B"),
        ([], None),
        ("a\0b\ud800", "a\ufffdb\ufffd"),
        (b"\xff", None),
        (Unreadable("gone"), None),
    ],
)
def test_a_name_is_trimmed_and_fit_for_a_database(cell: object, name: str | None) -> None:
    assert read_name(cell) == name


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        *((missing, None) for missing in MISSING),
        ("as it is ", "as it is "),
        ("a\0b\udc80", "a\ufffdb\ufffd"),
        (True, True),
        (np.True_, True),
        (3, 3),
        (np.int8(3), 3),
        (2**63 - 1, 2**63 - 1),
        (2**63, str(2**63)),
        (1.5, 1.5),
        (np.float32(0.1), 0.1),
        (float("inf"), "inf"),
        (Decimal("2"), 2),
        (Decimal("2.5"), 2.5),
        (date(2020, 1, 2), "2020-01-02"),
        (datetime(2020, 1, 2, 3), "2020-01-02T03:00:00"),
        (pd.Timestamp("2020-01-02 03:04"), "2020-01-02T03:04:00"),
        (np.datetime64("2020-01-02T03:04:05", "ns"), "2020-01-02T03:04:05"),
        (time(3, 4), "03:04:00"),
        ([1, "a", None, 2.5, True], ["1", "a", "2.5", "true"]),
        (np.array([1, 2]), ["1", "2"]),
        ([{"a": 1}], ['{"a": 1}']),
        (b"abc", "abc"),
        (b"\xff", None),
        ([b"\xff"], None),
        (Unreadable("gone"), None),
    ],
)
def test_an_attribute_is_what_json_can_hold(cell: object, value: AttributeValue) -> None:
    read = read_attribute(cell)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        ("007", "007"),
        ("1.50", "1.50"),
        ("-0", "-0"),
        ("+1", "+1"),
        ("1_000", "1_000"),
        ("1e3", "1e3"),
        (" 1", " 1"),
        ("٣", "٣"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("9007199254740993", "9007199254740993"),
        ("true", True),
        ("False", False),
        ("", None),
        ("a\0", "a\ufffd"),
    ],
)
def test_a_text_cell_is_a_number_only_where_it_would_be_written_so_again(
    text: str, value: AttributeValue
) -> None:
    read = read_cell_text(text)
    assert read == value
    assert type(read) is type(value)


def test_nested_members_become_columns() -> None:
    assert flatten({"a": {"b": {"c": 1}, "d": 2}, "e": 3}) == {"a.b.c": 1, "a.d": 2, "e": 3}
