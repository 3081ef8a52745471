"""Parquet, Arrow and pandas tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from notekin.errors import ReaderError, UsageError
from notekin.indexer.readers import open_source
from notekin.types import Note, Reject

CANARY = "Zyrianna Quexley"


def split(found: Iterable[Note | Reject]) -> tuple[list[Note], list[Reject]]:
    rows = list(found)
    return (
        [row for row in rows if isinstance(row, Note)],
        [row for row in rows if isinstance(row, Reject)],
    )


def test_whole_numbers_and_the_floats_they_became_are_ids_of_their_digits() -> None:
    frame = pd.DataFrame(
        {"row_id": [1, 2], "subject_id": [22532.0, None], "hadm_id": [7.0, 8.0], "text": ["a", "b"]}
    )
    notes, _ = split(open_source(frame))
    assert [note.note_id for note in notes] == ["1", "2"]
    assert [note.patient_id for note in notes] == ["22532", None]
    assert [note.encounter_id for note in notes] == ["7", "8"]


@pytest.mark.parametrize("kind", ["float64", "float32"])
def test_an_id_whose_digits_may_be_lost_is_rejected_in_every_table(
    kind: str, tmp_path: Path
) -> None:
    safe = 2**53 - 1 if kind == "float64" else 2**24 - 1
    values = np.array([safe, safe + 3], dtype=kind)
    frame = pd.DataFrame({"note_id": ["1", "2"], "patient_id": values, "text": ["a", "b"]})
    table = pa.Table.from_pandas(frame)
    pq.write_table(table, tmp_path / "n.parquet")
    for source in (frame, table, tmp_path / "n.parquet"):
        notes, rejects = split(open_source(source))
        assert [note.patient_id for note in notes] == [str(safe)]
        assert [reject.place for reject in rejects] == ["row 2"]
        assert "digits may be lost" in rejects[0].reason
        assert str(safe + 1)[:6] not in rejects[0].reason


def test_nullable_pandas_columns_give_none_where_they_are_missing() -> None:
    frame = pd.DataFrame(
        {
            "note_id": pd.array([1, 2], dtype="Int64"),
            "patient_id": pd.array([5, None], dtype="Int64"),
            "text": pd.array(["a", None], dtype="string"),
            "flag": pd.array([True, None], dtype="boolean"),
            "ward": pd.Categorical(["ICU", None]),
            "date": [pd.Timestamp("2020-02-03 04:05"), pd.NaT],
        }
    )
    notes, rejects = split(open_source(frame))
    assert notes[0].patient_id == "5"
    assert notes[0].recorded_at == dt.datetime(2020, 2, 3, 4, 5)
    assert notes[0].attributes == {"flag": True, "ward": "ICU"}
    assert rejects == [Reject("table", "row 2", "it has no text")]


def test_a_float_column_keeps_its_digits_as_an_attribute() -> None:
    frame = pd.DataFrame({"id": ["1"], "text": ["a"], "dose": np.array([0.1], dtype="float32")})
    notes, _ = split(open_source(frame))
    assert notes[0].attributes == {"dose": 0.1}


def test_a_column_of_mixed_types_is_read_cell_by_cell() -> None:
    frame = pd.DataFrame({"note_id": [1, "b", None], "text": ["x", 5, "y"]}, dtype=object)
    notes, rejects = split(open_source(frame))
    assert [note.note_id for note in notes] == ["1"]
    assert [reject.reason for reject in rejects] == ["its text is no string", "it has no note_id"]


def test_half_surrogates_in_a_pandas_text_are_kept() -> None:
    frame = pd.DataFrame({"note_id": ["1"], "text": pd.Series(["\ud800"], dtype=object)})
    assert split(open_source(frame))[0][0].text == "\ud800"


def test_an_index_kept_as_a_column_too_is_read_once() -> None:
    frame = pd.DataFrame({"note_id": ["1"], "text": ["a"]}).set_index("note_id", drop=False)
    assert split(open_source(frame))[0][0].note_id == "1"


def test_two_pandas_columns_of_one_name_are_refused() -> None:
    frame = pd.DataFrame([["1", "a", "b"]], columns=["note_id", "text", "text"])
    with pytest.raises(ReaderError, match="same name: text"):
        open_source(frame)


def test_every_arrow_type_becomes_a_fact_or_an_attribute() -> None:
    table = pa.table(
        {
            "note_id": pa.array(["1"], pa.large_string()),
            "text": pa.array([b"bytes of text"], pa.binary()),
            "note_datetime": pa.array(
                [dt.datetime(2020, 2, 4, 4, 30, tzinfo=dt.UTC)],
                pa.timestamp("ns", "America/New_York"),
            ),
            "category": pa.array(["Nursing"]).dictionary_encode(),
            "day": pa.array([dt.date(2020, 2, 3)]),
            "dose": pa.array([Decimal("2.50")], pa.decimal128(5, 2)),
            "codes": pa.array([["a", "b"]]),
            "numbers": pa.array([[1, 2]]),
            "nested": pa.array([{"a": 1, "b": {"c": "x"}}]),
            "image": pa.array([b"\xff\xd8"]),
            "nothing": pa.array([None], pa.string()),
        }
    )
    notes, rejects = split(open_source(table))
    assert not rejects
    note = notes[0]
    assert (note.text, note.category) == ("bytes of text", "Nursing")
    assert note.recorded_at == dt.datetime(2020, 2, 3, 23, 30)
    assert note.attributes == {
        "day": "2020-02-03",
        "dose": 2.5,
        "codes": ["a", "b"],
        "numbers": ["1", "2"],
        "nested.a": 1,
        "nested.b.c": "x",
    }


def test_a_cell_that_python_cannot_hold_costs_its_row_only_where_it_must() -> None:
    far = pa.array([0, 10**15, 0], pa.int64()).cast(pa.timestamp("s"))
    bad = pa.array([b"good", b"good", b"\xff" + CANARY.encode()]).view(pa.string())
    table = pa.table({"note_id": ["1", "2", "3"], "text": bad, "note_date": far, "stored": far})
    notes, rejects = split(open_source(table))
    assert [note.note_id for note in notes] == ["1", "2"]
    assert notes[1].recorded_at is None
    assert notes[1].attributes == {}
    assert rejects == [Reject("table", "row 3", "its text can't be read: it is not UTF-8")]


def test_rows_are_counted_across_batches_and_chunks(tmp_path: Path) -> None:
    ids = [str(number) for number in range(1500)]
    ids[1400] = " "
    table = pa.table({"note_id": ids, "text": ["a"] * 1500})
    pq.write_table(table, tmp_path / "n.parquet")
    chunks = pa.concat_tables([table.slice(0, 700), table.slice(700)])
    for source in (chunks, tmp_path / "n.parquet"):
        notes, rejects = split(open_source(source))
        assert [note.note_id for note in notes] == ids[:1400] + ids[1401:]
        assert [reject.place for reject in rejects] == ["row 1401"]


def test_a_stream_of_batches_is_read_once_and_says_so() -> None:
    table = pa.table({"note_id": ["1"], "text": ["a"]})
    source = open_source(table.to_reader())
    assert source.total is None
    assert len(list(source)) == 1
    with pytest.raises(ReaderError, match="has been read"):
        list(source)


def test_anything_that_gives_an_arrow_stream_is_a_table() -> None:
    class Stream:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return pa.table({"note_id": ["1"], "text": ["a"]}).__arrow_c_stream__()

    source = open_source(Stream())
    assert [len(list(source)), len(list(source))] == [1, 1]


@pytest.mark.parametrize("thing", [pd.Series(["a"]), [{"note_id": "1", "text": "a"}], 5, None])
def test_what_is_no_table_is_refused(thing: object) -> None:
    with pytest.raises(UsageError, match="Notes can't be read from a"):
        open_source(thing)


def test_a_table_has_a_clinical_form_but_no_file_format() -> None:
    table = pa.table({"id": ["wrong"], "_id": ["right"], "text": ["a"]})
    notes, _ = split(open_source(table, format="beir"))
    assert notes[0].note_id == "right"
    with pytest.raises(UsageError, match="A table is no csv"):
        open_source(table, format="csv")


def test_a_table_without_text_is_refused_with_its_columns() -> None:
    with pytest.raises(ReaderError, match=r"KLUCZ, NOTATKA.*--map text=COLUMN"):
        open_source(pa.table({"KLUCZ": ["1"], "NOTATKA": ["a"]}))


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "n.parquet"
    path.write_bytes(b"PAR1" + CANARY.encode() * 9)
    with pytest.raises(ReaderError, match="no whole Parquet file") as caught:
        open_source(path)
    assert "Zyrianna" not in str(caught.value)


def test_a_damaged_row_group_is_told_of_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "n.parquet"
    ids = [str(number) for number in range(3000)]
    texts = [f"{CANARY} {number * 7919}" for number in range(3000)]
    table = pa.table({"note_id": ids, "text": texts})
    pq.write_table(table, path, row_group_size=1000, compression="gzip")
    middle = pq.ParquetFile(path).metadata.row_group(1).column(1).dictionary_page_offset
    data = bytearray(path.read_bytes())
    data[middle + 40 : middle + 400] = b"\xff" * 360
    path.write_bytes(data)
    notes, rejects = split(open_source(path, source_name="s"))
    assert rejects == [Reject("s", "rows 1001 to 2000", "the file is damaged here")]
    assert [note.note_id for note in notes] == ids[:1000] + ids[2000:]


def test_the_folder_names_of_a_partitioned_table_are_columns(tmp_path: Path) -> None:
    for name in ("category=Night%20shift", "category=__HIVE_DEFAULT_PARTITION__"):
        (tmp_path / name).mkdir()
        pq.write_table(
            pa.table({"note_id": [name[:14]], "text": ["a"]}), tmp_path / name / "0.parquet"
        )
    notes, _ = split(open_source(tmp_path))
    assert sorted(str(note.category) for note in notes) == ["Night shift", "None"]
