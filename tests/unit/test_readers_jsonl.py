"""JSON Lines, JSON lists and retrieval corpora."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from notekin.errors import ReaderError, UsageError
from notekin.indexer.readers import files, json_stream, open_source
from notekin.types import Note, Reject

CANARY = "Zyrianna Quexley"


def read(path: Path, data: str | bytes, **options: Any) -> tuple[list[Note], list[Reject]]:
    path.write_bytes(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
    found = list(open_source(path, source_name="s", **options))
    rejects = [row for row in found if isinstance(row, Reject)]
    assert not any("Zyrianna" in f"{reject}" for reject in rejects)
    return [row for row in found if isinstance(row, Note)], rejects


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes.jsonl"


def line(**cells: object) -> str:
    return json.dumps(cells) + "\n"


def test_lines_that_are_no_object_are_rejected_and_reading_goes_on(path: Path) -> None:
    good = line(note_id="1", text="a")
    data = f'{good}\n{{"note_id": "{CANARY}\n["{CANARY}"]\n"{CANARY}"\n{good}'
    notes, rejects = read(path, data)
    assert len(notes) == 2
    assert rejects == [
        Reject("s", "line 3", "it is no JSON"),
        Reject("s", "line 4", "it is no JSON object"),
        Reject("s", "line 5", "it is no JSON object"),
    ]


def test_a_line_that_is_not_utf8_is_rejected_and_reading_goes_on(path: Path) -> None:
    bad = f'{{"note_id": "2", "text": "{CANARY} \xe9"}}\n'.encode("latin-1")
    notes, rejects = read(path, b'{"note_id": "1", "text": "a"}\n' + bad)
    assert len(notes) == 1
    assert [reject.place for reject in rejects] == ["line 2"]
    assert "not UTF-8" in rejects[0].reason


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_honoured(path: Path, encoding: str) -> None:
    notes, rejects = read(path, line(note_id="1", text="é").encode(encoding))
    assert [note.text for note in notes] == ["é"]
    assert not rejects


def test_a_line_nested_without_end_is_rejected(path: Path) -> None:
    deep = '{"a":' * 900 + "1" + "}" * 900
    deeper = '{"note_id": "2", "text": "a", "x": ' + "[" * 100_000
    notes, rejects = read(path, f"{line(note_id='1', text='a')}{deep}\n{deeper}\n")
    assert len(notes) == 1
    assert [reject.place for reject in rejects] == ["line 2", "line 3"]


def test_a_line_beyond_all_measure_is_rejected_and_reading_goes_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_ROW_SIZE", 100)
    long = line(note_id="2", text="b" * 250)
    notes, rejects = read(path, line(note_id="1", text="a") + long + line(note_id="3", text="c"))
    assert [note.note_id for note in notes] == ["1", "3"]
    assert [reject.place for reject in rejects] == ["line 2"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('"text": null', "it has no text"),
        ('"other": 1', "it has no text"),
        ('"text": 5', "its text is no string"),
        ('"text": ["a"]', "its text is no string"),
        (f'"text": {{"div": "{CANARY}"}}', "it has no text"),
    ],
)
def test_a_text_that_is_none_is_rejected(path: Path, text: str, reason: str) -> None:
    data = f'{line(note_id="1", text="a")}{{"note_id": "2", {text}}}\n'
    notes, rejects = read(path, data)
    assert len(notes) == 1
    assert rejects == [Reject("s", "line 2", reason)]


def test_an_empty_text_is_a_note_of_no_words(path: Path) -> None:
    notes, _ = read(path, line(note_id="1", text=""))
    assert notes[0].text == ""


def test_half_surrogates_stay_in_a_text_and_are_refused_in_an_id(path: Path) -> None:
    notes, rejects = read(
        path, '{"note_id": "1", "text": "\\ud800a"}\n{"note_id": "\\udc00", "text": ""}\n'
    )
    assert [note.text for note in notes] == ["\ud800a"]
    assert [reject.place for reject in rejects] == ["line 2"]


@pytest.mark.parametrize(
    ("written", "note_id"), [("12", "12"), ("12.0", "12"), ("123456789012345678901", None)]
)
def test_a_number_is_an_id_of_its_digits(path: Path, written: str, note_id: str | None) -> None:
    notes, _ = read(path, f'{{"note_id": {written}, "text": "a"}}\n')
    assert notes[0].note_id == (note_id or written)


def test_a_number_whose_digits_may_be_lost_is_no_id(path: Path) -> None:
    notes, rejects = read(path, '{"note_id": 1, "text": ""}\n{"note_id": 1e300, "text": ""}\n')
    assert len(notes) == 1
    assert "digits may be lost" in rejects[0].reason


def test_a_corpus_document_is_a_note_with_its_metadata(path: Path) -> None:
    metadata = {
        "patient_id": "P1",
        "note_date": "2020-02-03",
        "note_type": "Consult",
        "age": 59.0,
        "sex": "F",
        "vaccines": ["FLU3"],
        "died": False,
        "more": {"deep": 1},
        "none": None,
    }
    notes, _ = read(path, line(_id="d1", title="", text="a", metadata=metadata))
    assert notes == [
        Note(
            note_id=notes[0].note_id,
            text="a",
            source="s",
            patient_id=notes[0].patient_id,
            category="Consult",
            recorded_at=datetime(2020, 2, 3),
            attributes={
                "age": 59.0,
                "sex": "F",
                "vaccines": ["FLU3"],
                "died": False,
                "more.deep": 1,
            },
        )
    ]
    assert (notes[0].note_id, notes[0].patient_id) == ("d1", "P1")


def test_an_outer_member_keeps_its_name_beside_one_in_metadata(path: Path) -> None:
    notes, _ = read(path, line(_id="1", text="a", sex="M", metadata={"sex": "F", "_id": "x"}))
    assert notes[0].note_id == "1"
    assert notes[0].attributes == {"sex": "M", "metadata.sex": "F", "metadata._id": "x"}


def test_beir_means_the_underscored_id_even_beside_a_better_name(path: Path) -> None:
    data = line(_id="right", id="wrong", text="a")
    assert read(path, data, format="beir")[0][0].note_id == "right"
    assert read(path, data)[0][0].note_id == "wrong"


def test_a_nested_member_can_be_mapped(path: Path) -> None:
    data = line(key="1", note={"words": "a"})
    notes, _ = read(path, data, mapping={"text": "note.words", "note_id": "key"})
    assert (notes[0].note_id, notes[0].text, notes[0].attributes) == ("1", "a", {})


def test_a_patient_is_never_named_by_two_different_columns(path: Path) -> None:
    data = line(note_id="1", text="a", mrn="7") + line(note_id="2", text="b", person_id="7")
    notes, _ = read(path, data)
    assert [note.patient_id for note in notes] == [None, "7"]
    assert notes[0].attributes == {"mrn": "7"}


def test_a_field_that_only_late_lines_have_is_still_found(path: Path) -> None:
    early = "".join(line(note_id=str(number), text="a") for number in range(1100))
    notes, _ = read(path, early + line(note_id="x", text="b", mrn="7"))
    assert notes[-1].patient_id == "7"
    assert notes[0].patient_id is None


def test_an_empty_file_holds_no_notes(path: Path) -> None:
    assert read(path, "") == ([], [])


@pytest.mark.parametrize("data", [f'"{CANARY}"\n' * 3, f"{CANARY}\n", "[1]\n"])
def test_a_file_of_anything_but_objects_is_refused(path: Path, data: str) -> None:
    path.write_text(data)
    with pytest.raises(ReaderError, match="holds no JSON object") as caught:
        open_source(path)
    assert "Zyrianna" not in str(caught.value)


def test_a_mapping_to_a_missing_key_is_refused(path: Path) -> None:
    path.write_text(line(note_id="1", text="a"))
    with pytest.raises(UsageError, match="no column 'TEXT_X'"):
        open_source(path, mapping={"text": "TEXT_X"})


def test_a_list_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    data = f'[{{"note_id": "1", "text": "a"}}, {{"note_id": "2", "text": "{CANARY}'
    notes, rejects = read(tmp_path / "n.json", data)
    assert [note.note_id for note in notes] == ["1"]
    assert [reject.place for reject in rejects] == ["item 2"]
    assert "what follows were not read" in rejects[0].reason


def test_an_item_that_is_no_object_or_not_utf8_is_rejected_alone(tmp_path: Path) -> None:
    data = b'[{"note_id": "1", "text": "a"}, 5, {"note_id": "2", "text": "\xe9"},'
    notes, rejects = read(tmp_path / "n.json", data + b'{"note_id": "3", "text": "\\udce9"}]')
    assert [note.note_id for note in notes] == ["1", "3"]
    assert [(reject.place, reject.reason) for reject in rejects] == [
        ("item 2", "it is no JSON object"),
        ("item 3", "it is not UTF-8"),
    ]


def test_objects_spread_over_lines_are_read_one_after_the_other(tmp_path: Path) -> None:
    data = "\n".join(json.dumps({"id": str(n), "text": "a"}, indent=2) for n in range(3))
    notes, rejects = read(tmp_path / "n.json", data)
    assert [note.note_id for note in notes] == ["0", "1", "2"]
    assert not rejects


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_a_list_is_read_the_same_whatever_is_held_of_it(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"id": n, "text": 'a "b" \\ ] } ,' * n, "x": [1.5, None, {"y": -12}]} for n in range(9)]
    whole, _ = read(tmp_path / "n.json", json.dumps(rows, indent=1))
    monkeypatch.setattr(json_stream, "_CHUNK_SIZE", size)
    assert read(tmp_path / "n.json", json.dumps(rows, indent=1)) == (whole, [])
    assert len(whole) == 9


def test_an_empty_list_holds_no_notes(tmp_path: Path) -> None:
    assert read(tmp_path / "n.json", "[]") == ([], [])


def test_members_of_attributes_are_facts_of_their_own(path: Path) -> None:
    path.write_text('{"note_id": "1", "text": "x", "attributes": {"sex": "F", "hadm_id": 7}}\n')
    (note,) = list(open_source(path))
    assert isinstance(note, Note)
    assert (note.attributes, note.encounter_id) == ({"sex": "F"}, "7")
