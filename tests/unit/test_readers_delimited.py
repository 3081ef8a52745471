"""CSV and TSV files."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import pytest

from notekin.errors import ReaderError
from notekin.indexer.readers import delimited, open_source
from notekin.indexer.readers.rows import RAW_DATE
from notekin.types import Note, Reject

CANARY = "Zyrianna Quexley"


def read(path: Path, data: str | bytes) -> tuple[list[Note], list[Reject]]:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    found = list(open_source(path, source_name="s"))
    rejects = [row for row in found if isinstance(row, Reject)]
    assert not any("Zyrianna" in f"{reject}" for reject in rejects)
    return [row for row in found if isinstance(row, Note)], rejects


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes.csv"


def test_cells_that_look_like_numbers_stay_as_written_in_ids(path: Path) -> None:
    notes, _ = read(path, "note_id,patient_id,text,zip,age\n007,0000123,12,01234,44\n")
    assert (notes[0].note_id, notes[0].patient_id, notes[0].text) == ("007", "0000123", "12")
    assert notes[0].attributes == {"zip": "01234", "age": 44}


def test_an_empty_text_is_a_note_and_an_empty_id_is_none(path: Path) -> None:
    notes, rejects = read(path, f"note_id,text\n1,\n,{CANARY}\n")
    assert [note.text for note in notes] == [""]
    assert rejects == [Reject("s", "line 3", "it has no note_id")]


def test_an_empty_cell_is_no_attribute(path: Path) -> None:
    notes, _ = read(path, "note_id,text,ward,patient_id\n1,a,,\n")
    assert notes[0].attributes == {}
    assert notes[0].patient_id is None


def test_line_ends_in_a_cell_stay_as_they_are(path: Path) -> None:
    notes, _ = read(path, 'note_id,text\r\n1,"a\r\nb\nc\rd"\r\n2,e\r\n')
    assert [note.text for note in notes] == ["a\r\nb\nc\rd", "e"]


def test_a_return_that_nobody_quoted_does_not_cut_the_note_short(path: Path) -> None:
    notes, rejects = read(path, 'note_id,text\n1,a\rb\n2,"c\rd\r\n"\n3,e\r\n')
    assert [note.text for note in notes] == ["a\rb", "c\rd\r\n", "e\r"]
    assert not rejects
    notes, rejects = read(path, 'note_id,text\r\n1,a\rb\r\n2,"c\rd\r\n"\r\n3,e\n')
    assert [note.text for note in notes] == ["a\rb", "c\rd\r\n", "e"]
    assert not rejects


def test_rows_may_end_in_returns_alone(path: Path) -> None:
    notes, rejects = read(path, 'note_id,text\r1,"a\rb"\r2,c\r')
    assert [note.text for note in notes] == ["a\rb", "c"]
    assert not rejects


def test_a_nul_stays_in_the_text_and_is_refused_in_an_id(path: Path) -> None:
    notes, rejects = read(path, "note_id,text\n1,a\0b\n2\0,c\n")
    assert [note.text for note in notes] == ["a\0b"]
    assert [reject.place for reject in rejects] == ["line 3"]


def test_a_row_of_too_many_or_too_few_cells_is_rejected_and_reading_goes_on(path: Path) -> None:
    notes, rejects = read(path, f'note_id,text\n1,"a\nb"\n2,{CANARY},x\n\n3\n4,d\n')
    assert [note.note_id for note in notes] == ["1", "4"]
    assert rejects == [
        Reject("s", "line 4", "its number of cells is 3 where the header has 2"),
        Reject("s", "line 6", "its number of cells is 1 where the header has 2"),
    ]


def test_a_row_that_is_not_utf8_is_rejected_and_reading_goes_on(path: Path) -> None:
    data = f"note_id,text\n1,a\n2,{CANARY} \xe9\n3,c\n".encode("latin-1")
    notes, rejects = read(path, data)
    assert [note.note_id for note in notes] == ["1", "3"]
    assert rejects == [Reject("s", "line 3", "it is not UTF-8")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_honoured_and_no_part_of_a_name(path: Path, encoding: str) -> None:
    notes, rejects = read(path, "note_id,text\n1,é\n".encode(encoding))
    assert [(note.note_id, note.text) for note in notes] == [("1", "é")]
    assert not rejects


def test_utf16_that_breaks_off_is_told_of(path: Path) -> None:
    notes, rejects = read(path, "note_id,text\n1,a\n2,b\n".encode("utf-16")[:-1])
    assert len(notes) + len(rejects) >= 1
    assert rejects[-1].place in {"line 2", "line 3"}


@pytest.mark.parametrize(
    "broken",
    [
        f'2,"{CANARY}\n3,"c"\n4,"d"\n',
        f'2,"{CANARY}\n3,c\n4,d\n',
        f'2,"{CANARY} said "ok" to me"\nand, then\n3,"c"\n',
    ],
)
def test_after_a_quote_that_is_not_closed_nothing_is_made_up(path: Path, broken: str) -> None:
    notes, rejects = read(path, f'note_id,text\n1,"a"\n{broken}')
    assert [(note.note_id, note.text) for note in notes] == [("1", "a")]
    assert [reject.place for reject in rejects] == ["line 3"]
    assert "quote" in rejects[0].reason
    assert "Nothing from this line on was read" in rejects[0].reason


def test_a_cell_beyond_all_measure_ends_the_reading(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = csv.field_size_limit(131072)
    monkeypatch.setattr(delimited, "MAX_CELL_SIZE", 200_000)
    try:
        notes, rejects = read(path, f'note_id,text\n1,{"a" * 150_000}\n2,"{"b" * 200_001}"\n')
    finally:
        csv.field_size_limit(before)
    assert [len(note.text) for note in notes] == [150_000]
    assert [reject.place for reject in rejects] == ["line 3"]
    assert "characters" in rejects[0].reason


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_told_from_the_header(path: Path, delimiter: str) -> None:
    notes, _ = read(path, f'"note_id"{delimiter}"text"\n1{delimiter}a,b\n')
    assert notes[0].text == "a,b"


def test_a_column_without_a_name_is_named_by_its_place(path: Path) -> None:
    notes, _ = read(path, ",note_id,text\n0,1,a\n")
    assert notes[0].attributes == {"column_1": 0}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "is empty"),
        (f'note_id,"text\n1,{CANARY}', "header line"),
        (b"note_id,te\xffxt\n", "header line"),
        ("note_id,text,text\n", "same name: text"),
        (f"{CANARY},was seen\n", "None of its 2 columns has a usual name"),
        ("note_id,NOTATKA\n", "note_id, NOTATKA.*--map text=COLUMN"),
        ("NUMER,text\n", "NUMER, text.*--map note_id=COLUMN"),
    ],
)
def test_a_file_without_a_fit_header_is_refused(
    path: Path, data: str | bytes, message: str
) -> None:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    with pytest.raises(ReaderError, match=message) as caught:
        open_source(path)
    assert "Zyrianna" not in str(caught.value)


def test_a_file_of_a_header_alone_holds_no_notes(path: Path) -> None:
    assert read(path, "note_id,text\n") == ([], [])


def test_a_date_that_cannot_be_read_stays_with_its_note(path: Path) -> None:
    notes, rejects = read(path, "note_id,text,date\n1,a,31/12/2020\n2,b,12/31/2020\n")
    assert not rejects
    assert [note.recorded_at for note in notes] == [None, datetime(2020, 12, 31)]
    assert notes[0].attributes == {RAW_DATE: "31/12/2020"}


MIMIC_III = (
    '"ROW_ID","SUBJECT_ID","HADM_ID","CHARTDATE","CHARTTIME","STORETIME","CATEGORY",'
    '"DESCRIPTION","CGID","ISERROR","TEXT"\n'
    '174,22532,167853,"2151-08-04",,,"Discharge summary","Report",,,"Admission\n\nDate"\n'
    '175,22532,167853,"2151-08-04","2151-08-04 13:05:00",,"Nursing ","Report",19585,1,"x"\n'
    '176,22532,,"2151-08-05","2151-08-05 14:05:00",,"Nursing ","Report",19585,,"y"\n'
)


def test_mimic_iii_notes_fall_back_to_the_day_and_errors_are_rejected(path: Path) -> None:
    notes, rejects = read(path, MIMIC_III)
    assert rejects == [Reject("s", "line 5", "it is marked as an error in the source")]
    first, last = notes
    assert (first.note_id, first.patient_id, first.encounter_id) == ("174", "22532", "167853")
    assert first.recorded_at == datetime(2151, 8, 4)
    assert first.text == "Admission\n\nDate"
    assert last.recorded_at == datetime(2151, 8, 5, 14, 5)
    assert (last.category, last.title, last.author) == ("Nursing", "Report", "19585")
    assert last.encounter_id is None
    assert last.attributes == {"CHARTDATE": "2151-08-05"}


def test_a_rows_own_source_goes_before_the_source_name(path: Path) -> None:
    notes, _ = read(path, "note_id,text,source\n1,a,epic\n2,b,\n")
    assert [note.source for note in notes] == ["epic", "s"]
